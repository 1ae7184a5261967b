/** Sends a file to a server of the older JSON dialect and proves that it comes back as it was. */
import { type Bytes, fromHex, toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { encodeMessage, type JsonObject } from "../../wire/session_json.ts";
import { sha256 } from "../base/sha256.ts";
import { type ClientDialogue, perform } from "./client_dialogue.ts";
import type { LogLevel } from "./dialogue.ts";
import type { JsonSession } from "./json_session.ts";
import {
  FRESH_ROUNDS_MAX,
  LATIN1_PIECE_BYTES,
  SEQUENCES_LISTED_MAX,
  UPLOAD_MESSAGE_BYTES_MAX,
} from "./limits.ts";
import { storeMs } from "./wait_budget.ts";
import { RoundTrip } from "./round_trip.ts";

export interface RoundTripFile {
  readonly file: Bytes;
  /** What the server is told that the file is called. */
  readonly path: string;
  /** Uploads that may fail to bring the whole file back, after the first. */
  readonly retriesMax: number;
}

export interface RoundTripResult {
  /** What came back; it equals what was sent. */
  readonly file: Bytes;
  /** 64 hex digits. */
  readonly sha256: string;
  readonly chunkCount: number;
  /** Uploads in all. */
  readonly rounds: number;
}

/** One file's way to a server and back, over as many connections as it takes. */
export class RoundTripClient {
  readonly #options: RoundTripFile;
  readonly #message: Bytes;
  readonly #state: RoundTrip;
  readonly #sha256: string;
  #rounds = 0;
  #retries = 0;
  /** What a round left over; `undefined` before the first has ended. */
  #lacking: readonly number[] | undefined;

  /** @throws ShoalError `usage` for a file that is too large for one message */
  constructor(options: RoundTripFile) {
    this.#options = options;
    this.#state = new RoundTrip(options.file);
    this.#sha256 = toHex(sha256(options.file));
    this.#message = encodeMessage(uploadOf(options));
    if (this.#message.length > UPLOAD_MESSAGE_BYTES_MAX) {
      throw new ShoalError("usage", `${options.path} is too large for the JSON dialect`, {
        hint: "It sends a file in one message: choose a smaller file, or another dialect.",
      });
    }
  }

  /** @throws ShoalError `unverified` when the file does not come back as it was; `refused`, `stalled`, `network` */
  *talk(session: JsonSession): ClientDialogue<RoundTripResult> {
    yield* log("DEBUG", `Original file checksum: ${this.#sha256}`);
    for (;;) {
      const { checksum, sequences } = yield* this.#round(session);
      const before = this.#lacking?.length ?? Infinity;
      this.#lacking = this.#state.missing;
      if (this.#lacking.length < before) yield* perform("advance", {});
      const back = this.#state.assemble();
      if (back !== undefined && (yield* this.#isWhole(back))) {
        if (checksum !== this.#sha256) {
          throw new ShoalError("unverified", "the server's checksum does not match the file");
        }
        yield* log("INFO", "Checksum verification successful!");
        yield* session.send(encodeMessage({ command: "disconnect" }));
        const { chunkCount } = this.#state;
        return { file: back, sha256: this.#sha256, chunkCount, rounds: this.#rounds };
      }
      // A server that sends only what is asked for gets nearer each time: that is no retry.
      const isNearer = sequences !== undefined && this.#lacking.length < before;
      yield* this.#again(isNearer && this.#rounds < FRESH_ROUNDS_MAX);
    }
  }

  *#isWhole(back: Bytes): ClientDialogue<boolean> {
    const checksum = toHex(sha256(back));
    const { file } = this.#options;
    yield* log("DEBUG", `Reassembled file checksum: ${checksum}`);
    yield* log("DEBUG", `Original size: ${file.length} bytes, received: ${back.length} bytes`);
    return checksum === this.#sha256;
  }

  /** Uploads, and takes what comes back; returns how the server announced it. */
  *#round(session: JsonSession): ClientDialogue<JsonObject> {
    const { file } = this.#options;
    const again = this.#lacking && { sequences: this.#lacking };
    const upload = again ? encodeMessage({ ...uploadOf(this.#options), ...again }) : this.#message;
    yield* perform("renew", {});
    yield* session.send(upload);
    yield* perform("renew", { moreMs: storeMs(file.length) });
    const ready = yield* session.receive();
    if (ready["status"] !== "ready" || !this.#state.begin(ready["total_chunks"])) {
      throw session.nonsense();
    }
    this.#rounds += 1;
    const { checksum } = ready;
    const isChecksum = typeof checksum === "string" && fromHex(checksum) !== undefined;
    yield* log("DEBUG", `Server checksum: ${isChecksum ? checksum : "none"}`);
    yield* log("DEBUG", `Expected chunks: ${this.#state.chunkCount}`);
    for (let count = 0;; count++) {
      const said = yield* session.receive();
      if (said["type"] === "end") break;
      // Each chunk comes once.
      if (count >= this.#state.chunkCount) throw session.nonsense();
      if (said["type"] === "chunk" && this.#state.take(said)) yield* perform("renew", {});
    }
    yield* log("DEBUG", "End of transmission received");
    const { spoilt, chunkCount } = this.#state;
    const missing = this.#state.missing.filter((number) => !spoilt.includes(number));
    if (missing.length > 0) {
      const cameCount = chunkCount - missing.length;
      yield* log("DEBUG", `Missing chunks: received ${cameCount} out of ${chunkCount}`);
      yield* log("ERROR", `Missing sequence numbers: ${listed(missing)}`);
    }
    if (spoilt.length > 0) yield* log("ERROR", `Corrupted sequence numbers: ${listed(spoilt)}`);
    return ready;
  }

  /** @throws ShoalError `unverified` when that was tried often enough */
  *#again(isNearer: boolean): ClientDialogue {
    const { retriesMax } = this.#options;
    if (isNearer) {
      const lacking = this.#lacking?.length ?? 0;
      return yield* log("INFO", `Asking again for ${lacking} of ${this.#state.chunkCount} chunks`);
    }
    this.#retries += 1;
    if (this.#retries > retriesMax) {
      throw new ShoalError("unverified", "the file did not come back as it was sent", {
        hint: "Try again, or allow more attempts.",
      });
    }
    yield* log("INFO", `Retrying upload (attempt ${this.#retries}/${retriesMax})...`);
  }
}

function* log(level: LogLevel, message: string): ClientDialogue {
  yield* perform("tell", { news: { kind: "log", level, message } });
}

function uploadOf({ path, file }: RoundTripFile): JsonObject {
  return { command: "upload", file_path: path, file_data: latin1(file) };
}

/** One character per byte. */
function latin1(bytes: Bytes): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += LATIN1_PIECE_BYTES) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + LATIN1_PIECE_BYTES)));
  }
  return pieces.join("");
}

function listed(numbers: readonly number[]): string {
  const more = numbers.length > SEQUENCES_LISTED_MAX
    ? `, … ${numbers.length - SEQUENCES_LISTED_MAX} more`
    : "";
  return `[${numbers.slice(0, SEQUENCES_LISTED_MAX).join(", ")}${more}]`;
}
