/** The page, and what is answered over HTTP. */
import { KIB, MIB } from "../limits.ts";
import { HTTP_PIECE_BYTES } from "../io/net/limits.ts";
import { assertRelations } from "../limits.ts";

/** The port of the page, and the last one that is tried in its place. */
export const WEB_PORT_FIRST = 10_580;
export const WEB_PORT_LAST = 10_595;
export const WEB_PORTS: readonly number[] = Array.from(
  { length: WEB_PORT_LAST - WEB_PORT_FIRST + 1 },
  (_, i) => WEB_PORT_FIRST + i,
);
/** Files on one page of the API, by default and at most. */
export const API_PAGE_FILES_DEFAULT = 1_000;
export const API_PAGE_FILES_MAX = 10_000;
/** Rows of a folder's listing as HTML; more are on further pages. */
export const LISTING_ROWS_MAX = 1_000;
/** A folder with more in it than this is listed by name alone: to sort it all of it has to be looked at. */
export const SORTED_ROWS_MAX = 20_000;
/** Units of work that any request causes, beside one for each file that is listed. */
export const REQUEST_WORK = 100;
/** The body of a form: a selection of files. */
export const FORM_BYTES_MAX = MIB;
/** Such bodies kept at once; more wait. */
export const BODIES_AT_ONCE_MAX = 8;
/** Files and folders named in a selection. */
export const SELECTED_NAMES_MAX = 10_000;
/** Files in one archive: what is in it is known before it begins. */
export const ARCHIVED_FILES_MAX = 1_000_000;
/** Archives being sent at once: each has the list of its files in memory. */
export const ARCHIVES_AT_ONCE_MAX = 8;
/** Files of an archive that are listed before other events get their turn. */
export const ARCHIVED_FILES_PER_TURN = 10_000;
/** One request of an upload brings at most so much. */
export const UPLOAD_SLICE_BYTES_MAX = 4 * MIB;
/** So much of it is collected before it is handed on. */
export const UPLOAD_PIECE_BYTES = 256 * KIB;
/** Uploads at once, of all and of one address. */
export const WEB_UPLOADS_MAX = 64;
export const WEB_UPLOADS_PER_ADDRESS_MAX = 16;
/** An upload of which nothing comes for so long is released; it can be begun again. */
export const WEB_UPLOAD_IDLE_MS = 60_000;
/** What an upload is called by, which nobody guesses; and what shows that a change is asked for by our page. */
export const WEB_UPLOAD_ID_BYTES = 16;
export const WEB_TOKEN_BYTES = 16;
/** The body by which an upload is begun or ended. */
export const UPLOAD_JSON_BYTES_MAX = 64 * KIB;
/** Who looks on is told what has changed this long after it was told last, at the earliest … */
export const LIVE_UPDATE_MS = 250;
/** … and something at least this often, so that a connection that is gone shows. */
export const LIVE_KEEPALIVE_MS = 15_000;
/** How many may look on at once, and of one address. */
export const LIVE_VIEWERS_MAX = 512;
export const LIVE_VIEWERS_PER_ADDRESS_MAX = 256;
/** Transfers told at once; what is over makes room first. */
export const LIVE_TRANSFERS_MAX = 100;
/** A transfer that is over is told for so long. */
export const LIVE_ENDED_MS = 10_000;
/** Uploads that are told, the newest. */
export const LIVE_UPLOADED_MAX = 20;
/** Assets and the JSON of a listing are compressed where they are longer than this, and it is asked for. */
export const COMPRESSED_BYTES_MIN = KIB;

assertRelations([
  [WEB_PORT_LAST > WEB_PORT_FIRST, "there are ports for the page"],
  [HTTP_PIECE_BYTES >= KIB, "the heads of an archive fit into a piece"],
  [API_PAGE_FILES_DEFAULT <= API_PAGE_FILES_MAX, "a page is no longer than the longest"],
]);
