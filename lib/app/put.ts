/**
 * `put`: files go up to one server over TCP. A file is hashed while it is sent, the server verifies,
 * and only what the server has on its disk for good counts as done. What broke off is gone on with.
 */
import { basename } from "@std/path";
import type { Bytes } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { nowMs, within } from "../io/clock.ts";
import type { FileIdentity, RegularFile } from "../io/regular_file.ts";
import { type TcpTarget, withConnection } from "../io/tcp_client.ts";
import {
  DISCOVERY_PORT,
  PROGRESS_INTERVAL_MS,
  RETRIES_DEFAULT,
  SESSION_SEND_BYTES,
  STORE_PATIENCE_MS,
  TIMEOUT_MS_DEFAULT,
} from "../limits.ts";
import { parseFileName } from "../names.ts";
import { RateMeter } from "../protocol/rate_meter.ts";
import { StreamingHash } from "../protocol/sha256.ts";
import { type JsonObject, LENGTH_PREFIX_BYTES, lengthPrefix } from "../wire/session_json.ts";
import type { FailedEvent, PutEvent, StoredEvent } from "./events.ts";
import { identityOf, openLocalFile, requireUnchanged } from "./local_file.ts";
import type { PutOptions, PutResult } from "./options.ts";
import { putByAscii, putByJson } from "./put_dialects.ts";
import { describedFile, SessionClient } from "./session_client.ts";

/** One a file, in the order of the files. Rejects with a ShoalError only on abort. */
export async function put(options: PutOptions): Promise<PutResult> {
  const results: (StoredEvent | FailedEvent)[] = [];
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
  #meter = new RateMeter(nowMs());
  #toldMs = -Infinity;

  constructor(options: PutOptions, path: string) {
    this.#options = options;
    this.#path = path;
  }

  async run(): Promise<StoredEvent | FailedEvent> {
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
    const parsed = parseFileName(basename(this.#path));
    if (!parsed.ok) throw new ShoalError("bad_name", `${this.#path}: ${parsed.problem}`);
    const { server, port = DISCOVERY_PORT, timeoutMs = TIMEOUT_MS_DEFAULT, signal } = this.#options;
    const target: TcpTarget = { server, port, timeoutMs, signal };
    const retries = this.#options.retries ?? RETRIES_DEFAULT;
    for (let attempt = 1;; attempt++) {
      const file = openLocalFile(this.#path);
      try {
        return await withConnection(
          target,
          (connection) => this.#send(new SessionClient(connection), file, parsed.name),
        );
      } catch (error) {
        if (ShoalError.from(error).code !== "stalled" || attempt >= retries) throw error;
        const message = `${ShoalError.from(error).message}: going on`;
        this.#emit({ event: "waiting", name: this.#path, attempt, attempts: retries, message });
      } finally {
        file.close();
      }
    }
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
    if (reply["status"] === "present") return this.#stored(client, reply, true);
    const { offset } = reply;
    if (reply["status"] !== "ready" || typeof offset !== "number" || offset > sizeBytes) {
      throw client.nonsense();
    }
    return this.#stored(client, await this.#sendBody(client, file, reply, identity), false);
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
    const { connection } = client;
    await client.tell({ command: "body", offset: at });
    // The server may refuse in the middle; then nobody waits for the rest.
    let isAnswered = false;
    const answer = client.hear(Infinity).finally(() => isAnswered = true);
    answer.catch(() => {});
    this.#meter = new RateMeter(nowMs());
    try {
      await this.#read(file, at, sizeBytes, async (bytes, frame) => {
        hash.update(bytes);
        await connection.send(frame);
        at += bytes.length;
        this.#tellProgress(at, sizeBytes, bytes.length);
        return !isAnswered;
      });
      if (!isAnswered) {
        requireUnchanged(file, this.#path, identity);
        await connection.send(lengthPrefix(0));
        await client.tell({ command: "end", sha256: hash.digestHex() });
      }
    } catch (error) {
      // What the server said last is worth more than that it hung up.
      if (["disk", "changed"].includes(ShoalError.from(error).code)) throw error;
      await answer;
      throw error;
    }
    const said = await within(answer, STORE_PATIENCE_MS);
    if (said === undefined) throw new ShoalError("stalled", "the server stores it for too long");
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
      if (count < wanted) throw new ShoalError("disk", `${this.#path} became shorter`);
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

  #stored(client: SessionClient, reply: JsonObject, isPresent: boolean): StoredEvent {
    const file = describedFile(reply);
    const isStored = reply["status"] === (isPresent ? "present" : "stored");
    if (!isStored || file?.sha256 === undefined || file.md5 === undefined) throw client.nonsense();
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
