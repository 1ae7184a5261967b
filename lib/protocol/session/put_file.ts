/**
 * A client's side of a `put` (docs/PROTOCOL.md, "Uploads"): a file is hashed while it is sent, and resumes where an
 * earlier connection broke off.
 */
import type { Bytes, HashHex, ModificationTime, SafeFileName } from "../../ids.ts";
import { StreamingHash } from "../base/sha256.ts";
import {
  encodeMessage,
  type JsonObject,
  LENGTH_PREFIX_BYTES,
  lengthPrefix,
} from "../../wire/session_json.ts";
import { type ClientDialogue, perform } from "./client_dialogue.ts";
import { describedFile, timeFields } from "./described_file.ts";
import type { JsonSession } from "./json_session.ts";
import { UPLOAD_READ_BYTES } from "./limits.ts";
import { storeMs } from "./wait_budget.ts";

/** What the server has of the file now. */
interface StoredFile {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly sha256: HashHex;
  readonly md5: string;
  /** Whether it was there already, so that nothing was stored. */
  readonly isPresent: boolean;
}

interface FileToPut extends ModificationTime {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
}

/** One file's way to a server, over as many connections as it takes. */
export class FilePut {
  readonly #file: FileToPut;
  /** The most that the server ever kept of it. */
  #keptBytes = 0;
  #sha256: string | undefined;

  constructor(file: FileToPut) {
    this.#file = file;
  }

  /** @throws ShoalError `refused`, `unverified`, `stalled`, `network`, and what reading the file throws */
  *talk(session: JsonSession): ClientDialogue<StoredFile> {
    const { name, sizeBytes } = this.#file;
    const request = { command: "put", name, size: sizeBytes, ...timeFields(this.#file) };
    let reply = yield* session.ask(request);
    if (reply["status"] === "hash") {
      this.#sha256 ??= yield* this.#hash(sizeBytes);
      reply = yield* session.ask({ ...request, sha256: this.#sha256 });
    }
    if (reply["status"] === "present") return storedIn(session, reply);
    const { status, offset, sha256 } = reply;
    const isReady = status === "ready" && typeof offset === "number" && offset >= 0 &&
      offset <= sizeBytes;
    if (!isReady) throw session.nonsense();
    return storedIn(session, yield* this.#send(session, offset, sha256));
  }

  *#send(session: JsonSession, offered: number, sha256: unknown): ClientDialogue<JsonObject> {
    const { sizeBytes } = this.#file;
    let hash = new StreamingHash();
    let offset = offered;
    yield* this.#read(0, offset, (bytes) => void hash.update(bytes));
    if (offset > 0 && hash.digestSoFarHex() !== sha256) {
      // What is there is of another file: from the beginning.
      hash = new StreamingHash();
      offset = 0;
    }
    if (offset > this.#keptBytes) yield* perform("advance", {});
    this.#keptBytes = Math.max(this.#keptBytes, offset);
    if (offset > 0) yield* perform("tell", { news: { kind: "resumes", offset } });
    yield* perform("renew", {});
    yield* session.send(encodeMessage({ command: "body", offset }));
    const isSent = yield* this.#sendBody(session, offset, hash);
    if (isSent) {
      yield* perform("confirm", {});
      yield* session.send(lengthPrefix(0));
      yield* session.send(encodeMessage({ command: "end", sha256: hash.digestHex() }));
      yield* perform("renew", { moreMs: storeMs(sizeBytes) });
    }
    return yield* session.receive();
  }

  /** Returns whether it was sent: the server may refuse in the middle, and then nobody waits for the rest. */
  *#sendBody(
    session: JsonSession,
    offset: number,
    hash: StreamingHash,
  ): ClientDialogue<boolean> {
    let at = offset;
    for (; at < this.#file.sizeBytes;) {
      const frame = yield* this.#frame(at, this.#file.sizeBytes);
      const bytes = frame.subarray(LENGTH_PREFIX_BYTES);
      hash.update(bytes);
      frame.set(lengthPrefix(bytes.length));
      const sent = yield* perform("send", { bytes: frame, untilAnswered: true });
      // What the server said last is worth more than that it hung up.
      if (typeof sent === "object" && sent.why === "idle") throw session.ended(sent);
      if (sent !== "sent") return false;
      at += bytes.length;
      yield* perform("tell", { news: { kind: "progress", bytes: at } });
    }
    return true;
  }

  *#hash(sizeBytes: number): ClientDialogue<string> {
    const hash = new StreamingHash();
    yield* this.#read(0, sizeBytes, (bytes) => void hash.update(bytes));
    return hash.digestHex();
  }

  *#read(start: number, end: number, visit: (bytes: Bytes) => void): ClientDialogue {
    for (let at = start; at < end;) {
      const bytes = (yield* this.#frame(at, end)).subarray(LENGTH_PREFIX_BYTES);
      visit(bytes);
      at += bytes.length;
    }
  }

  /** Bytes from `offset` on, behind room for their length. */
  *#frame(offset: number, end: number): ClientDialogue<Bytes> {
    const lengthBytes = Math.min(UPLOAD_READ_BYTES, end - offset);
    return yield* perform("read", { offset, lengthBytes, headerBytes: LENGTH_PREFIX_BYTES });
  }
}

function storedIn(session: JsonSession, reply: JsonObject): StoredFile {
  const file = describedFile(reply);
  const { status } = reply;
  const isKnown = status === "present" || status === "stored";
  if (!isKnown || file?.sha256 === undefined || file.md5 === undefined) throw session.nonsense();
  const { name, sizeBytes, sha256, md5 } = file;
  const isPresent = status === "present" || reply["present"] === true;
  return { name, sizeBytes, sha256, md5, isPresent };
}
