/** What a client looks at while nobody answers its search. */
import { assertRelations } from "../../limits.ts";

/** People are told after this that nobody has answered yet. */
export const NO_SERVER_YET_MS = 3_000;
/** Where everybody is asked, it is looked whether broadcasts come back to this machine after this. */
export const ECHO_LOOK_AFTER_MS = 1_500;
/** What is broadcast for that, by which it is known again … */
export const ECHO_BYTES = 8;
/** … so many times … */
export const ECHO_SENDS = 3;
/** … in this time, in which it must come back. */
export const ECHO_PATIENCE_MS = 600;

assertRelations([
  [ECHO_LOOK_AFTER_MS + ECHO_PATIENCE_MS < NO_SERVER_YET_MS, "the cause is known by then"],
]);
