/** How a code is made and used. */

/** A sender looks for another one of its number for this long before it takes it … */
export const CODE_LOOK_MS = 200;
/** … asking so many times … */
export const CODE_LOOKS = 2;
/** … and draws another number up to this often; the last one it takes as it is. */
export const CODE_NUMBERS_TRIED_MAX = 5;
/** Turns of other events that a sender which is stopped leaves for what it has to say. */
export const STOP_TURNS = 8;
