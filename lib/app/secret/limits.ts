/** Secrets as people keep them. */
import { assertRelations } from "../../limits.ts";

/** A secret that is made has so many random bytes, and is written as so many words: 11 bits each, 4 of them a checksum. */
export const SECRET_BYTES = 16;
export const SECRET_WORDS = 12;
/** One that was thought up is warned about if it is shorter, or has fewer different characters. */
export const TYPED_SECRET_CHARACTERS_MIN = 20;
export const TYPED_SECRET_DISTINCT_MIN = 8;

assertRelations([[SECRET_WORDS * 11 === SECRET_BYTES * 8 + 4, "the words hold the bytes"]]);
