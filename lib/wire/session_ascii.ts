/**
 * The ASCII dialect has no framing: a message ends at a newline, or when it is complete by its own
 * form, or when nothing follows for a while (docs/PROTOCOL.md, "Sessions over TCP").
 */
import { SESSION_LINE_BYTES_MAX } from "./limits.ts";
import type { Bytes } from "../ids.ts";
import type { ByteQueue } from "./byte_queue.ts";

export const ASCII_COMMANDS = ["LIST_FILES", "LIST FILES", "DOWNLOAD", "UPLOAD"] as const;
export type AsciiCommand = (typeof ASCII_COMMANDS)[number];

/** What a line may look like when it is complete, though no newline follows. */
export type LineForm = "command" | "id" | "text";

export type TakenLine =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "tooLong" }
  | { readonly kind: "notText" };

const ID_DIGITS = 32;
const NEWLINE = 0x0a;
const BLANK = /^[\s]*/;
/** Tab, newline, vertical tab, form feed, return and space. */
const BLANK_BYTES: ReadonlySet<number> = new Set([0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x20]);
const utf8 = new TextEncoder();
const utf8Strict = new TextDecoder("utf-8", { fatal: true });
const latin1 = new TextDecoder("latin1");

/** One line of ours. */
export function asciiLine(text: string): Bytes {
  return utf8.encode(`${text}\n`);
}

/**
 * The next line without its end and without blanks around it; empty lines are passed over.
 * `undefined` while it is incomplete.
 *
 * @param isQuiet whether nothing has come for so long that what is there is all
 */
export function takeLine(
  queue: ByteQueue,
  form: LineForm,
  isQuiet: boolean,
): TakenLine | undefined {
  for (;;) {
    skipBlanks(queue);
    const bytes = queue.peek(SESSION_LINE_BYTES_MAX + 1);
    const newline = bytes.indexOf(NEWLINE);
    const complete = completeLength(
      bytes.subarray(0, newline === -1 ? bytes.length : newline),
      form,
    );
    const lengthBytes = complete ?? (newline === -1 ? bytes.length : newline);
    const isWhole = complete !== undefined || newline !== -1 || (isQuiet && bytes.length > 0);
    if (!isWhole && bytes.length <= SESSION_LINE_BYTES_MAX) return undefined;
    if (lengthBytes > SESSION_LINE_BYTES_MAX) return { kind: "tooLong" };
    queue.skip(lengthBytes);
    if (complete === undefined && newline !== -1) queue.skip(1);
    const text = decoded(bytes.subarray(0, lengthBytes))?.trim();
    if (text === undefined) return { kind: "notText" };
    // What follows a message that was complete before its newline is that newline.
    if (text !== "") return { kind: "line", text };
    if (queue.lengthBytes === 0) return undefined;
  }
}

/** What is nothing but blanks says nothing: however much of it there is, each byte is looked at once. */
function skipBlanks(queue: ByteQueue): void {
  for (;;) {
    const bytes = queue.peek(SESSION_LINE_BYTES_MAX);
    const blanks = bytes.findIndex((byte) => !BLANK_BYTES.has(byte));
    queue.skip(blanks === -1 ? bytes.length : blanks);
    if (blanks !== -1 || bytes.length === 0) return;
  }
}

/** How many bytes are a whole message by its own form, leading blanks included. */
function completeLength(bytes: Uint8Array, form: LineForm): number | undefined {
  if (form === "text") return undefined;
  const text = latin1.decode(bytes);
  const blanks = BLANK.exec(text)![0].length;
  const rest = text.slice(blanks);
  if (form === "command") {
    const command = ASCII_COMMANDS.find((each) => rest.startsWith(each));
    return command === undefined ? undefined : blanks + command.length;
  }
  return /^[0-9a-fA-F]{32}/.test(rest) ? blanks + ID_DIGITS : undefined;
}

function decoded(bytes: Uint8Array): string | undefined {
  try {
    return utf8Strict.decode(bytes);
  } catch {
    return undefined;
  }
}

/** The listing of a server that offers nothing. */
export const NO_FILES = "No files available at the moment";

interface NameAndSize {
  readonly name: string;
  readonly sizeBytes: number;
}

/** `name;size`; `undefined` for anything else. The size is a decimal count that a number holds. */
export function parseNameAndSize(text: string): NameAndSize | undefined {
  const match = /^([^;]+);([0-9]{1,15})$/.exec(text);
  return match === null ? undefined : { name: match[1]!, sizeBytes: Number(match[2]) };
}

export interface ListedFile extends NameAndSize {
  /** MD5 of the content, 32 hex digits. */
  readonly id: string;
}

/** One line of a listing: `id;name;size`. */
export function listLine({ id, name, sizeBytes }: ListedFile): string {
  return `${id};${name};${sizeBytes}`;
}

/** `undefined` for what is not a line of a listing. */
export function parseListLine(line: string): ListedFile | undefined {
  const match = /^([0-9a-fA-F]{32});([^;]+;[0-9]{1,15})$/.exec(line.trim());
  const file = match && parseNameAndSize(match[2]!);
  return file ? { id: match[1]!.toLowerCase(), ...file } : undefined;
}

/** Whether a name can be said in this dialect, where it ends at a semicolon or with the line. */
export function isSayable(name: string): boolean {
  // deno-lint-ignore no-control-regex
  return !/[;/\\\u0000-\u001f\u007f]/.test(name);
}
