/** Codes: what two people need for one exchange of files. */
import { assertRelations } from "../../limits.ts";

/** Numbers by which senders of a network are told apart; each sender takes one. */
export const CODE_NUMBER_MAX = 999;
/** A receiver that has heard of a sender waits this long for another one of the same number. */
export const CODE_GATHER_MS = 100;
/** What was not answered is said again after this long. */
export const CODE_REPEAT_MS = 250;
/** A question of an exchange that stays unanswered for this long ends it. */
export const CODE_ANSWER_MS = 5_000;
/** While a code is taken, its receiver says this often that it is there. */
export const CODE_HEARTBEAT_MS = 1_000;
/** Who says nothing for this long is gone. */
export const CODE_SILENCE_MS = 8_000;
/** A sender whose code is void answers for this long before it ends. */
export const CODE_LINGER_MS = 1_500;
/** Exchanges of one sender that have proved nothing; the oldest makes room. */
export const CODE_OPEN_MAX = 16;
/** Exchanges that a sender begins in a second, each a few milliseconds of its processor … */
export const CODE_OPENS_PER_S = 20;
/** … and at once. */
export const CODE_OPENS_BURST = 20;
/** Endpoints of a sender that its receiver remembers, and senders of one number. */
export const CODE_PATHS_MAX = 16;
/** Words that a wrong one is told to be like. */
export const CODE_NEAR_WORDS_MAX = 3;

assertRelations([
  [CODE_NUMBER_MAX < 2 ** 16, "a number is a u16"],
  [
    2 * CODE_HEARTBEAT_MS < CODE_SILENCE_MS && CODE_REPEAT_MS < CODE_HEARTBEAT_MS,
    "a few lost datagrams end nothing",
  ],
  [CODE_REPEAT_MS * 4 < CODE_LINGER_MS, "whoever asks again is told how it ended"],
]);
