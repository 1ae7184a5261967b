/**
 * The one constructor for names that come from anywhere but our own source code: the wire, the
 * command line, a journal, a folder scan. What passes here can be joined to a folder and stays
 * inside it on every platform; nothing else is ever joined.
 */
import type { SafeFileName } from "./ids.ts";
import { NAME_BYTES_MAX, NAME_COMPONENT_BYTES_MAX, NAME_COMPONENTS_MAX } from "./limits.ts";

export type NameProblem =
  | "empty"
  | "too long"
  | "component too long"
  | "too deep"
  | "absolute"
  | "backslash"
  | "control character"
  | "not valid text"
  | "dot component"
  | "empty component"
  | "drive letter"
  | "reserved device name";

type ParsedName =
  | { readonly ok: true; readonly name: SafeFileName }
  | { readonly ok: false; readonly problem: NameProblem };

const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
// deno-lint-ignore no-control-regex
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;
/**
 * Names that Windows gives to devices, whatever their extension or stream, and though spaces follow:
 * refused everywhere, so that a folder can be shared with it.
 */
const DEVICE = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$) *([.:].*)?$/i;

/** Accepts `a/b.txt`; refuses whatever could leave a folder, name a device or upset a terminal's line. */
export function parseFileName(text: string): ParsedName {
  const no = (problem: NameProblem): ParsedName => ({ ok: false, problem });
  if (text === "") return no("empty");
  if (isLonger(text, NAME_BYTES_MAX)) return no("too long");
  if (!text.isWellFormed()) return no("not valid text");
  if (CONTROL.test(text)) return no("control character");
  if (text.includes("\\")) return no("backslash");
  if (text.startsWith("/")) return no("absolute");
  if (/^[A-Za-z]:/.test(text)) return no("drive letter");
  const components = text.split("/");
  if (components.length > NAME_COMPONENTS_MAX) return no("too deep");
  for (const component of components) {
    if (component === "") return no("empty component");
    if (component === "." || component === "..") return no("dot component");
    if (isLonger(component, NAME_COMPONENT_BYTES_MAX)) return no("component too long");
    if (DEVICE.test(component)) return no("reserved device name");
  }
  return { ok: true, name: text as SafeFileName };
}

/** Whether it takes more bytes than that in UTF-8, where a code unit takes one to three. */
function isLonger(text: string, bytesMax: number): boolean {
  if (text.length * 3 <= bytesMax) return false;
  return text.length > bytesMax || utf8.encode(text).length > bytesMax;
}

/** The same for a name as raw UTF-8, as the wire carries it. */
export function parseFileNameBytes(bytes: Uint8Array): ParsedName {
  try {
    return parseFileName(utf8Strict.decode(bytes));
  } catch {
    return { ok: false, problem: "not valid text" };
  }
}

/** Below the served folder: a server keeps in it what it receives, until it is whole. Its dot hides it. */
export const UPLOADS_FOLDER = ".shoal-uploads";

/** Whether any component starts with a dot: such files are offered only with `--hidden`. */
export function isHiddenName(name: string): boolean {
  return name.split("/").some((component) => component.startsWith("."));
}

/** Whether `name` is what our own unfinished downloads are called, which are never offered. */
export function isPartName(name: string): boolean {
  return /\.[0-9a-f]{8}\.part(\.journal)?$/.test(name);
}

/** The folder in which files of a folder wait for their names, in the folder that they go to. */
export function stagingName(tag: string): string {
  return `.staged.${tag}.part`;
}

/** Whether `name`, without folders, is what such a folder is called: what is in it is never offered. */
export function isStagingName(name: string): boolean {
  return /^\.staged\.[0-9a-f]{8}\.part$/.test(name);
}

/** Whether two names read alike: equal, or in different Unicode normal forms. */
export function isSameText(a: string, b: string): boolean {
  return a === b || a.normalize("NFC") === b.normalize("NFC");
}

/** The last component. */
export function baseName(name: SafeFileName): SafeFileName {
  return name.slice(name.lastIndexOf("/") + 1) as SafeFileName;
}

/** What could move a cursor or reorder a line on a terminal. */
const TREACHEROUS =
  // deno-lint-ignore no-control-regex
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]/gu;

/** What a file is called that was asked for by its content: no server chooses folders, or hides it. */
export function nameOfContent(offered: SafeFileName): SafeFileName {
  const visible = baseName(offered).replace(/^[. ]+/, "");
  const parsed = parseFileName(visible);
  return parsed.ok ? parsed.name : `_${baseName(offered).slice(1)}` as SafeFileName;
}

/** `text` with everything escaped that could move a cursor or reorder a line on a terminal. */
export function displayName(text: string): string {
  return text.replace(
    TREACHEROUS,
    (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`,
  );
}

/** Lines as a terminal may show them, whoever put together what is in them: all but their ends is as in a name. */
export function displayLines(text: string): string {
  return text.split("\n").map(displayName).join("\n");
}

/** `value` as one line of JSON, with the same characters escaped in JSON's own way: it reads back as it was. */
export function displayJson(value: unknown): string {
  return JSON.stringify(value).replace(
    TREACHEROUS,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
