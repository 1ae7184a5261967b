/** A client's side of our own commands over TCP (docs/PROTOCOL.md, "Sessions over TCP"). */
import { type Bytes, fromHex, type HashHex, hashHex, type SafeFileName } from "../../ids.ts";
import { type ErrorCode, ShoalError } from "../../errors.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import { SESSION_IDLE_MS } from "../../protocol/session/limits.ts";
import { parseFileName } from "../../names.ts";
import {
  BodyFrames,
  encodeMessage,
  type JsonObject,
  parseMessage,
} from "../../wire/session_json.ts";

/** A file as a server describes it. */
export interface DescribedFile {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly sha256?: HashHex;
  readonly root?: HashHex;
  readonly md5?: string;
}

const CODES = new Map<unknown, ErrorCode>(
  (["not_found", "refused", "changed", "unverified"] as const).map((code) => [code, code]),
);

/** What the server says that it will not do, with the code that it gives for that. */
export class ServerRefusal extends ShoalError {
  readonly wireCode: unknown;

  constructor(code: ErrorCode, message: string, wireCode: unknown) {
    super(code, message);
    this.wireCode = wireCode;
  }
}

export class SessionClient {
  readonly #connection: SessionConnection;
  readonly #messageBytesMax: number;

  constructor(connection: SessionConnection, messageBytesMax = SESSION_COMMAND_BYTES_MAX) {
    this.#connection = connection;
    this.#messageBytesMax = messageBytesMax;
  }

  get connection(): SessionConnection {
    return this.#connection;
  }

  async send(message: JsonObject): Promise<void> {
    await this.#connection.send(encodeMessage(message));
  }

  /**
   * What the server says next. Throws ShoalError for an error of its, and for nonsense.
   *
   * @param idleMs how long that may take, Infinity included
   */
  async receive(idleMs = SESSION_IDLE_MS): Promise<JsonObject> {
    const read = await this.#connection.message(this.#messageBytesMax, idleMs);
    if (read.kind === "ended") {
      const what = read.why === "idle" ? "does not answer" : "ended the connection";
      throw new ShoalError("stalled", `${this.#connection.peer} ${what}`);
    }
    const message = read.kind === "message" ? parseMessage(read.bytes) : undefined;
    if (message === undefined) throw this.nonsense();
    if (message["status"] !== "error") return message;
    const { code, message: text } = message;
    throw new ServerRefusal(
      CODES.get(code) ?? "refused",
      `${this.#connection.peer} says: ${typeof text === "string" ? text : "error"}`,
      code,
    );
  }

  /** @param idleMs how long the answer may take */
  async ask(request: JsonObject, idleMs = SESSION_IDLE_MS): Promise<JsonObject> {
    await this.send(request);
    return await this.receive(idleMs);
  }

  /** Hands the bytes of a body to `take` as they come, and what follows it to the caller. */
  async body(take: (bytes: Bytes) => void | Promise<void>): Promise<JsonObject> {
    const frames = new BodyFrames();
    const { queue } = this.#connection;
    const pace = this.#connection.pace();
    while (!frames.isAtEnd) {
      const part = frames.take(queue, Infinity);
      if (part === undefined) throw this.nonsense();
      if (part.length > 0) await take(part);
      else if (!frames.isAtEnd) await this.#connection.more(pace);
    }
    return await this.receive();
  }

  /** The server does not speak as it should. */
  nonsense(): ShoalError {
    return new ShoalError(
      "network",
      `${this.#connection.peer} does not speak Shoal's TCP sessions`,
      {
        hint:
          "Is that a Shoal server? Servers of the older protocols take --dialect json or ascii.",
      },
    );
  }
}

/** A file from a message; `undefined` for one that makes no sense. */
export function describedFile(value: unknown): DescribedFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name: text, size, mtime, sha256, root, md5 } = value as JsonObject;
  const parsed = typeof text === "string" ? parseFileName(text) : undefined;
  if (!parsed?.ok || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    return undefined;
  }
  return {
    name: parsed.name,
    sizeBytes: size,
    mtimeMs: typeof mtime === "number" ? mtime : 0,
    ...(isDigest(sha256, 32) && { sha256: hashHex(sha256) }),
    ...(isDigest(root, 32) && { root: hashHex(root) }),
    ...(isDigest(md5, 16) && { md5 }),
  };
}

function isDigest(value: unknown, bytes: number): value is string {
  return typeof value === "string" && fromHex(value)?.length === bytes;
}
