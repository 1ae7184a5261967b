/** Sizes, rates, times and names as people read them; the command line says them alike. */

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"];
const MINUTE_S = 60;
const HOUR_S = 3600;

/**
 * `4.2 MB`, in decimal units, as networks count.
 * @param {number} bytes
 */
export function sizeText(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(unit === 0 || value >= 99.95 ? 0 : 1)} ${SIZE_UNITS[unit]}`;
}

/**
 * `112 MB/s`.
 * @param {number} bytesPerS
 */
export function rateText(bytesPerS) {
  return `${sizeText(bytesPerS)}/s`;
}

/**
 * `0:31`, `4:05`, `1:02:03`; `–` for what nobody can say.
 * @param {number | undefined} seconds
 */
export function clockText(seconds) {
  if (seconds === undefined || !Number.isFinite(seconds)) return "–";
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / HOUR_S), Math.floor(whole / MINUTE_S) % 60];
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const rest = `${pad(whole % MINUTE_S)}`;
  return hours > 0 ? `${hours}:${pad(minutes)}:${rest}` : `${minutes}:${rest}`;
}

/**
 * `1 file`, `1,234 files`.
 * @param {number} count
 * @param {string} noun
 */
export function countText(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

/**
 * `2026-11-29 17:40`, in the viewer's own time zone.
 * @param {number} timeMs Since 1970.
 */
export function dateText(timeMs) {
  const time = new Date(timeMs);
  if (Number.isNaN(time.getTime())) return "";
  const pad = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${pad(time.getMonth() + 1)}-${pad(time.getDate())}`;
  return `${day} ${pad(time.getHours())}:${pad(time.getMinutes())}`;
}

/**
 * `37 %`; never 100 before it is whole.
 * @param {number} done
 * @param {number} whole
 */
export function percentText(done, whole) {
  return `${Math.floor(whole === 0 ? 100 : Math.min(100, (100 * done) / whole))} %`;
}

/** What has no width, reorders a line, or breaks it. */
const TREACHEROUS =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/**
 * A name of anybody's as text that reads as what it is: what is invisible or reorders the line shows as `\u{202e}`.
 * @param {string} name
 */
export function shownName(name) {
  return name.replace(TREACHEROUS, (mark) => `\\u{${mark.codePointAt(0)?.toString(16)}}`);
}

/**
 * The last component; of a folder, which ends in `/`, that before it.
 * @param {string} name
 */
export function baseName(name) {
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * The folder that a name is in, with its `/`; empty at the top.
 * @param {string} name
 */
export function folderOf(name) {
  const path = name.endsWith("/") ? name.slice(0, -1) : name;
  return path.slice(0, path.lastIndexOf("/") + 1);
}

/**
 * A name as part of a path of a URL: each component by itself, so that `/` stays what it is.
 * @param {string} name
 */
export function urlPath(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}
