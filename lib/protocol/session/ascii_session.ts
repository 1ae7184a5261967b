/**
 * A client's side of the ASCII dialect (docs/PROTOCOL.md, "The ASCII dialect"). The dialect has no framing, and its
 * servers differ: some compare what they receive with a bare command, so that a newline spoils it; others read lines,
 * and wait for one. What a server takes is found out by the first command, and kept for the rest.
 */
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { SESSION_LINE_BYTES_MAX } from "../../wire/limits.ts";
import {
  type AsciiCommand,
  asciiLine,
  type LineForm,
  type ListedFile,
  NO_FILES,
  parseListLine,
} from "../../wire/session_ascii.ts";
import { StreamingHash } from "../base/sha256.ts";
import { type ClientDialogue, perform } from "./client_dialogue.ts";
import type { Ended } from "./dialogue.ts";
import { ServerRefusal } from "./json_session.ts";
import {
  ASCII_BARE_MS,
  ASCII_ERROR_QUIET_MS,
  ASCII_LISTING_BYTES_MAX,
  ASCII_LISTING_QUIET_MS,
  ASCII_LISTING_SHORT_BYTES,
  ASCII_QUIET_MS,
  UPLOAD_READ_BYTES,
} from "./limits.ts";
import { storeMs } from "./wait_budget.ts";
import { SessionInput } from "./session_input.ts";

/** How a message ends: with itself, or with a newline. */
type Ending = "bare" | "line";
/** What a new connection begins with, in turn, until one was answered. */
const OPENINGS = ["probe", "line", "bare"] as const;

/** What is known of a server's ear; kept from one connection to the next. */
export class AsciiManners {
  ending: Ending | undefined;
  #openings = 0;

  /** How the first command of another connection is sent. */
  opening(): Ending | "probe" {
    return this.ending ?? OPENINGS[this.#openings++ % OPENINGS.length]!;
  }
}

/** What was read of an answer: all of it, or that there is none. */
type Answer = { readonly kind: "text"; readonly text: string } | { readonly kind: "quiet" } | Ended;
type Reading = (firstWaitMs?: number) => ClientDialogue<Answer>;

interface UploadedByAscii {
  /** The id that the server gives the file. */
  readonly said: string;
  readonly md5: string;
  /** 64 hex digits. */
  readonly sha256: string;
}

export class AsciiSession {
  readonly #peer: string;
  readonly #manners: AsciiManners;
  readonly #input = new SessionInput();
  #opening: Ending | "probe";

  constructor(peer: string, manners: AsciiManners) {
    this.#peer = peer;
    this.#manners = manners;
    this.#opening = manners.opening();
  }

  /**
   * Every file of the server; single lines that make no sense are left out.
   *
   * @throws ShoalError `refused`, `stalled` also for silence, and `network` for what is no listing
   */
  *list(): ClientDialogue<ListedFile[]> {
    const isListing = (text: string): boolean => listingIn(text) !== undefined;
    const text = yield* this.#command("LIST_FILES", (waitMs) => this.#listing(waitMs), isListing);
    return listingIn(text)!;
  }

  /**
   * Uploads the local file.
   *
   * @throws ShoalError as {@linkcode list}, and what reading the file throws
   */
  *upload(name: string, sizeBytes: number): ClientDialogue<UploadedByAscii> {
    yield* this.#prompt("UPLOAD", "Please send");
    yield* this.#say(`${name};${sizeBytes}`);
    yield* this.#answer("text", "Ready");
    const md5 = new StreamingHash("md5");
    const sha256 = new StreamingHash();
    for (let at = 0; at < sizeBytes;) {
      const lengthBytes = Math.min(UPLOAD_READ_BYTES, sizeBytes - at);
      const bytes = yield* perform("read", { offset: at, lengthBytes, headerBytes: 0 });
      md5.update(bytes);
      sha256.update(bytes);
      const sent = yield* perform("send", { bytes, untilAnswered: true });
      if (typeof sent === "object" && sent.why === "idle") throw this.#ended(sent);
      // Whatever it says now, it is not that the file has arrived.
      if (sent !== "sent") throw this.#refusalOf(yield* this.#answer("text", ""));
      at += bytes.length;
      yield* perform("tell", { news: { kind: "progress", bytes: at } });
    }
    yield* perform("confirm", {});
    yield* perform("renew", { moreMs: storeMs(sizeBytes) });
    const said = (yield* this.#answer("id", "")).toLowerCase();
    return { said, md5: md5.digestHex(), sha256: sha256.digestHex() };
  }

  /**
   * Fetches a file into the local one; returns its MD5.
   *
   * @throws ShoalError as {@linkcode list}, and what writing the file throws
   */
  *download({ id, sizeBytes }: ListedFile): ClientDialogue<string> {
    yield* this.#prompt("DOWNLOAD", "Please send");
    yield* this.#say(id);
    yield* perform("renew", {});
    const md5 = new StreamingHash("md5");
    // An error comes where the file should, and only the silence after it tells them apart.
    let beginning: Bytes = new Uint8Array(0);
    for (let at = 0; at < sizeBytes;) {
      const bytes = this.#input.takeSome(sizeBytes - at);
      if (bytes.length === 0) {
        const error = at < SESSION_LINE_BYTES_MAX ? errorIn(beginning) : undefined;
        const more = yield* this.#input.more(error === undefined ? error : ASCII_ERROR_QUIET_MS);
        if (more !== "arrived" && error !== undefined) throw this.#refusalOf(error);
        if (typeof more === "object") throw this.#ended(more);
        continue;
      }
      if (at < SESSION_LINE_BYTES_MAX) beginning = joined(beginning, bytes);
      md5.update(bytes);
      yield* perform("write", { offset: at, bytes });
      at += bytes.length;
      yield* perform("tell", { news: { kind: "progress", bytes: at } });
    }
    return md5.digestHex();
  }

  // — Commands ——————————————————————————————————————————————————————————————————————————————————

  /** Gives a command that is answered by a line which begins so. */
  *#prompt(command: AsciiCommand, beginning: string): ClientDialogue {
    const isMeant = (text: string): boolean => text.startsWith(beginning);
    yield* this.#command(command, (waitMs) => this.#line("text", waitMs), isMeant);
  }

  /**
   * Gives a command in a form that the server understands, and returns the answer. What is answered by an error in
   * one form is tried in the other; what is not answered gets the newline that may be lacking.
   */
  *#command(
    command: AsciiCommand,
    read: Reading,
    isMeant: (text: string) => boolean,
  ): ClientDialogue<string> {
    const opening = this.#opening;
    let ending: Ending = opening === "line" ? "line" : "bare";
    this.#manners.ending = undefined;
    yield* perform("renew", {});
    yield* this.#send(command, ending);
    let answer = yield* read(opening === "probe" ? ASCII_BARE_MS : undefined);
    if (answer.kind === "quiet") {
      yield* this.#send("", ending = "line");
      answer = yield* read();
    }
    const first = this.#textIn(answer);
    if (isMeant(first)) return this.#learn(ending, first);
    const other: Ending = ending === "bare" ? "line" : "bare";
    yield* this.#send(command, other);
    const second = yield* read();
    if (second.kind === "text" && isMeant(second.text)) return this.#learn(other, second.text);
    throw this.#refusalOf(first);
  }

  #learn(ending: Ending, text: string): string {
    this.#manners.ending = this.#opening = ending;
    return text;
  }

  *#say(text: string): ClientDialogue {
    yield* this.#send(text, this.#manners.ending ?? "line");
  }

  *#send(text: string, ending: Ending): ClientDialogue {
    const bytes = asciiLine(text);
    const sent = yield* perform("send", { bytes: ending === "line" ? bytes : bytes.slice(0, -1) });
    if (typeof sent === "object") throw this.#ended(sent);
  }

  // — Answers ———————————————————————————————————————————————————————————————————————————————————

  /** The server's next line, which must begin so. */
  *#answer(form: LineForm, beginning: string): ClientDialogue<string> {
    const text = this.#textIn(yield* this.#line(form));
    if (errorIn(text) === undefined && text.startsWith(beginning)) return text;
    throw this.#refusalOf(text);
  }

  *#line(form: LineForm, firstWaitMs?: number): ClientDialogue<Answer> {
    const read = yield* this.#input.line(form, firstWaitMs);
    switch (read.kind) {
      case "line":
        return { kind: "text", text: read.text };
      case "tooLong":
      case "notText":
        throw this.#foreign();
      default:
        return read;
    }
  }

  /** What comes until nothing follows. */
  *#listing(firstWaitMs?: number): ClientDialogue<Answer> {
    const input = this.#input;
    for (;;) {
      const isBegun = input.lengthBytes > 0;
      const more = yield* input.more(isBegun ? this.#quietMs() : firstWaitMs);
      if (input.lengthBytes > ASCII_LISTING_BYTES_MAX) throw this.#foreign();
      if (more === "arrived") continue;
      if (isBegun) return { kind: "text", text: utf8.decode(input.takeAll()) };
      return more === "quiet" ? { kind: "quiet" } : more;
    }
  }

  /** After how long a silence what came of a listing is all: longer where a line is cut off, or packets may be. */
  #quietMs(): number {
    const end = this.#input.peekEnd(SESSION_LINE_BYTES_MAX);
    const last = utf8.decode(end).trimEnd().split("\n").at(-1)!.trim();
    const isWhole = parseListLine(last) !== undefined || last === NO_FILES;
    const isSure = isWhole && this.#input.lengthBytes <= ASCII_LISTING_SHORT_BYTES;
    return isSure ? ASCII_QUIET_MS : ASCII_LISTING_QUIET_MS;
  }

  #textIn(answer: Answer): string {
    if (answer.kind === "text") return answer.text;
    throw this.#ended(answer.kind === "ended" ? answer : { kind: "ended", why: "idle" });
  }

  #ended({ why }: Ended): ShoalError {
    const what = why === "idle" ? "does not answer" : "ended the connection";
    return new ShoalError("stalled", `${this.#peer} ${what}`);
  }

  /** What was said instead of what was expected. */
  #refusalOf(text: string): ShoalError {
    const error = errorIn(text);
    if (error === undefined) return this.#foreign();
    return new ServerRefusal("refused", `${this.#peer} says: ${error}`);
  }

  #foreign(): ShoalError {
    return new ShoalError("network", `${this.#peer} does not speak the ASCII dialect`, {
      hint: "Check the address and the port, or try another --dialect.",
    });
  }
}

const utf8 = new TextDecoder();

/** The files of a listing; `undefined` for a text that is none. */
function listingIn(text: string): ListedFile[] | undefined {
  const lines = text.split("\n").map((line) => line.trim()).filter((line) => line !== "");
  // What a server says about a newline that it did not need follows the last line at once.
  const last = lines.at(-1)?.replace(/^([^;]+;[^;]+;[0-9]+)[^0-9].*$/, "$1");
  const files = [...lines.slice(0, -1), last ?? ""].map(parseListLine)
    .filter((file) => file !== undefined);
  const saysNone = lines.length === 1 && lines[0] === NO_FILES;
  return files.length > 0 || saysNone ? files : undefined;
}

/** The error that a text is; `undefined` if it is none. */
function errorIn(said: string | Bytes): string | undefined {
  const text = typeof said === "string" ? said : utf8.decode(said);
  return text.startsWith("ERROR") ? text.trim() : undefined;
}

function joined(a: Bytes, b: Bytes): Bytes {
  const whole: Bytes = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
