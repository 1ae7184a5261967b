/**
 * `put`: uploads files to one server over TCP. A file is hashed while it is sent, the server verifies it,
 * and only what is durably on the server's disk counts as done. Interrupted uploads resume.
 */
import { basename } from "@std/path";
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { nowMs, within } from "../../io/system/clock.ts";
import type { FileIdentity, RegularFile } from "../../io/files/regular_file.ts";
import { Throttle } from "../../io/net/throttle.ts";
import { DISCOVERY_PORT, PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { SESSION_SEND_BYTES } from "../../io/net/limits.ts";
import { STORE_PATIENCE_MS } from "./limits.ts";
import { TIMEOUT_MS_DEFAULT } from "../limits.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { uploadName } from "../../protocol/session/upload_rules.ts";
import { sizeText } from "../../sizes.ts";
import { type JsonObject, LENGTH_PREFIX_BYTES, lengthPrefix } from "../../wire/session_json.ts";
import type { EchoedEvent, FailedEvent, PutEvent, StoredEvent } from "../events.ts";
import { identityOf, openLocalFile, requireUnchanged } from "./local_file.ts";
import type { PutOptions, PutResult } from "../options.ts";
import { putByAscii, putByJson } from "./put_dialects.ts";
import { describedFile, SessionClient } from "./session_client.ts";
import { withConnections } from "./session_retries.ts";

/**
 * Uploads files to one server, over TCP. A file counts as stored when the server has verified it and written it to
 * disk; an upload that broke off resumes.
 *
 * @param options what to upload, and to whom
 * @returns one event per file, in the order of the files; failures of single files do not reject
 * @throws {ShoalError} `usage` if one of the files cannot be read, before anything is sent
 *
 * @example Upload a file
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { put, serve } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * const server = await serve({
 *   dir,
 *   cacheDir: await Deno.makeTempDir(),
 *   port: 0,
 *   allowUpload: true,
 * });
 *
 * const path = `${await Deno.makeTempDir()}/notes.txt`;
 * await Deno.writeTextFile(path, "hello");
 * const [result] = await put({ files: [path], server: `127.0.0.1:${server.ready.tcpPort}` });
 * assertEquals(result?.event, "stored");
 * await server.close();
 * ```
 */
export async function put(options: PutOptions): Promise<PutResult> {
  // What cannot be read is told before anything is sent.
  for (const path of options.files) openLocalFile(path).close();
  const results: (StoredEvent | EchoedEvent | FailedEvent)[] = [];
  for (const path of options.files) {
    const event = await new Put(options, path).run();
    options.onEvent?.(event);
    results.push(event);
  }
  return results;
}

class Put {
  readonly #options: PutOptions;
  readonly #path: string;
  readonly #startedMs = nowMs();
  readonly #buffer: Bytes = new Uint8Array(LENGTH_PREFIX_BYTES + SESSION_SEND_BYTES);
  readonly #throttle: Throttle;
  #meter = new RateMeter(nowMs());
  #toldMs = -Infinity;

  constructor(options: PutOptions, path: string) {
    this.#options = options;
    this.#path = path;
    this.#throttle = new Throttle(options.rateBytesPerS);
  }

  async run(): Promise<StoredEvent | EchoedEvent | FailedEvent> {
    try {
      const { dialect = "shoal" } = this.#options;
      if (dialect === "ascii") return await putByAscii(this.#options, this.#path);
      if (dialect === "json") return await putByJson(this.#options, this.#path);
      return await this.#tryAll();
    } catch (thrown) {
      const { code, message, hint } = ShoalError.from(thrown);
      return { event: "failed", name: this.#path, code, message, hint };
    }
  }

  /** A connection that breaks off is no reason to give up: the server keeps what it has. */
  async #tryAll(): Promise<StoredEvent> {
    const name = uploadName(basename(this.#path), "whole");
    if (name === undefined) {
      throw new ShoalError("bad_name", `${this.#path} has a name that cannot be offered`, {
        hint:
          "Hidden files, unfinished downloads and names that some systems do not allow cannot be uploaded.",
      });
    }
    const { server, port = DISCOVERY_PORT, timeoutMs = TIMEOUT_MS_DEFAULT, signal } = this.#options;
    const { retries } = this.#options;
    const onWaiting = (attempt: number, attempts: number, message: string): void =>
      this.#emit({ event: "waiting", name: this.#path, attempt, attempts, message });
    const target = { server, port, timeoutMs, signal, retries, onWaiting };
    return await withConnections(target, async (connection) => {
      const file = openLocalFile(this.#path);
      try {
        return await this.#send(new SessionClient(connection), file, name);
      } finally {
        file.close();
      }
    });
  }

  async #send(client: SessionClient, file: RegularFile, name: string): Promise<StoredEvent> {
    const identity = identityOf(file, this.#path);
    const { sizeBytes, mtimeMs } = identity.signature;
    const request = { command: "put", name, size: sizeBytes, mtime: mtimeMs };
    let reply = await client.ask(request);
    if (reply["status"] === "hash") {
      const sha256 = await this.#hash(file, sizeBytes);
      reply = await client.ask({ ...request, sha256 });
    }
    if (reply["status"] === "present") return this.#stored(client, reply);
    const { offset } = reply;
    if (reply["status"] !== "ready" || typeof offset !== "number" || offset > sizeBytes) {
      throw client.nonsense();
    }
    return this.#stored(client, await this.#sendBody(client, file, reply, identity));
  }

  async #sendBody(
    client: SessionClient,
    file: RegularFile,
    ready: JsonObject,
    identity: FileIdentity,
  ): Promise<JsonObject> {
    const { sizeBytes } = identity.signature;
    let hash = new StreamingHash();
    let at = ready["offset"] as number;
    if (at > 0) {
      await this.#read(file, 0, at, (bytes) => hash.update(bytes));
      if (hash.digestSoFarHex() !== ready["sha256"]) {
        // What is there is of another file: from the beginning.
        hash = new StreamingHash();
        at = 0;
      }
    }
    if (at > 0) {
      const message = `Resuming ${this.#path} at ${sizeText(at)}`;
      this.#emit({ event: "notice", level: "info", message });
    }
    const { connection } = client;
    await client.send({ command: "body", offset: at });
    // The server may refuse in the middle; then nobody waits for the rest.
    let isAnswered = false;
    const answer = client.receive(Infinity).finally(() => isAnswered = true);
    answer.catch(() => {});
    this.#meter = new RateMeter(nowMs());
    try {
      await this.#read(file, at, sizeBytes, async (bytes, frame) => {
        hash.update(bytes);
        await this.#throttle.pass(frame.length);
        await connection.send(frame);
        at += bytes.length;
        this.#tellProgress(at, sizeBytes, bytes.length);
        return !isAnswered;
      });
      if (!isAnswered) {
        requireUnchanged(file, this.#path, identity);
        await connection.send(lengthPrefix(0));
        await client.send({ command: "end", sha256: hash.digestHex() });
      }
    } catch (error) {
      // What the server said last is worth more than that it hung up.
      if (["disk", "changed"].includes(ShoalError.from(error).code)) throw error;
      await answer;
      throw error;
    }
    const said = await within(answer, STORE_PATIENCE_MS);
    if (said === undefined) {
      throw new ShoalError("stalled", "the server takes too long to store it");
    }
    return said;
  }

  /**
   * Reads `[start, end)` of the file. `visit` is handed the bytes, and the same as a frame; it ends
   * the reading by returning `false`.
   */
  async #read(
    file: RegularFile,
    start: number,
    end: number,
    visit: (bytes: Bytes, frame: Bytes) => void | Promise<boolean>,
  ): Promise<void> {
    for (let at = start; at < end;) {
      const wanted = Math.min(SESSION_SEND_BYTES, end - at);
      const count = file.readAt(this.#buffer, LENGTH_PREFIX_BYTES, wanted, at);
      if (count < wanted) {
        throw new ShoalError("disk", `${this.#path} was truncated while it was being read`);
      }
      this.#buffer.set(lengthPrefix(count));
      const frame = this.#buffer.subarray(0, LENGTH_PREFIX_BYTES + count);
      if (await visit(frame.subarray(LENGTH_PREFIX_BYTES), frame) === false) return;
      at += count;
      if (this.#options.signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    }
  }

  async #hash(file: RegularFile, sizeBytes: number): Promise<string> {
    const hash = new StreamingHash();
    await this.#read(file, 0, sizeBytes, (bytes) => hash.update(bytes));
    return hash.digestHex();
  }

  #stored(client: SessionClient, reply: JsonObject): StoredEvent {
    const file = describedFile(reply);
    const { status } = reply;
    const isPresent = status === "present" || reply["present"] === true;
    const isKnown = status === "present" || status === "stored";
    if (!isKnown || file?.sha256 === undefined || file.md5 === undefined) {
      throw client.nonsense();
    }
    return {
      event: "stored",
      name: this.#path,
      storedAs: file.name,
      server: client.connection.peer,
      size: file.sizeBytes,
      sha256: file.sha256,
      md5: file.md5,
      present: isPresent,
      seconds: (nowMs() - this.#startedMs) / 1000,
    };
  }

  #tellProgress(bytes: number, size: number, newBytes: number): void {
    this.#meter.add(newBytes);
    const now = nowMs();
    if (now - this.#toldMs < PROGRESS_INTERVAL_MS) return;
    this.#toldMs = now;
    const { server } = this.#options;
    const rate = this.#meter.read(now);
    const lanes = [{ server, rate, bytes }];
    this.#emit({ event: "progress", name: this.#path, bytes, size, rate, lanes });
  }

  #emit(event: PutEvent): void {
    this.#options.onEvent?.(event);
  }
}
