/** How the files of a folder are put together for the way. */
import { assertRelations, KIB, MIB } from "../../limits.ts";

/** Files of less than this share a bundle with others; longer ones travel alone. */
export const BUNDLED_FILE_BYTES_MAX = 64 * KIB;
/** Bytes of one bundle. */
export const BUNDLE_BYTES_MAX = 256 * KIB;
/** From here on a bundle ends with the next file whose hash says so. */
export const BUNDLE_BYTES_MIN = 128 * KIB;
/** Files of one bundle. */
export const BUNDLE_FILES_MAX = 1_024;
/** One in so many files may end a bundle that has {@linkcode BUNDLE_BYTES_MIN}, whatever is around it. */
export const BUNDLE_END_ODDS = 4;
/** Files up to here travel whole, as one chunk; longer ones are fetched as if they were asked for alone. */
export const UNIT_BYTES_MAX = MIB;
/** A bundle is fetched whole if at least this share of it is missing. */
export const BUNDLE_USE_MIN = 0.5;
/** Different manifests of one folder that are taken into account, … */
export const MANIFESTS_MAX = 16;
/** … that one party was the first to offer, of which some may be none; … */
export const MANIFESTS_PER_PARTY_MAX = 8;
/** … and contents that were offered as a manifest and are none: after so many of them, no further ones are looked at. */
export const MANIFESTS_REFUSED_MAX = 64;
/** Endpoints that are said to have a folder and have not proved it, of which the longest known makes room. */
export const FOLDER_CLAIMS_MAX = 1_024;
/** Links that are followed one after another to find what the first stands for. */
export const LINKS_FOLLOWED_MAX = 40;

assertRelations([
  [BUNDLE_BYTES_MIN + BUNDLED_FILE_BYTES_MAX <= BUNDLE_BYTES_MAX, "a bundle can end by a hash"],
  [BUNDLE_BYTES_MAX <= UNIT_BYTES_MAX, "a bundle is a unit"],
]);
