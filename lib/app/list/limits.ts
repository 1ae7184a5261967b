/** Patience of a listing. */
import { assertRelations } from "../../limits.ts";

/** When a listing asks who is there: closer together, because it ends early. */
export const LIST_SCHEDULE_MS: readonly number[] = [0, 150, 300, 450, 1_000, 2_000];
/** A listing waits this long for servers to answer. */
export const LIST_GATHER_MS = 600;
/** The rest of a listing is read by datagrams when TCP is silent for this long. */
export const LIST_TCP_PATIENCE_MS = 2_000;
/** Servers that are asked for their listings although nothing but somebody's word says that they are there. */
export const LIST_CLAIMS_MAX = 64;
/** Names that one host may list, on however many servers; a listing without end is cut there, and that is said. */
export const LIST_ENTRIES_PER_PARTY_MAX = 250_000;

assertRelations([
  [LIST_SCHEDULE_MS[0] === 0, "the first FIND leaves at once"],
]);
