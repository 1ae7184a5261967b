/**
 * `get --tcp`: files from one server over one connection, for networks that drop UDP. The proofs, the
 * part files and the journal are those of any other download, so either way resumes the other.
 */
import { type Bytes, type Content, hashHex, type SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { nowMs, sleep } from "../../io/system/clock.ts";
import { useFastestSha256 } from "../../io/hash/fastest_sha256.ts";
import { Throttle } from "../../io/net/throttle.ts";
import { BLOCK_BYTES, DISCOVERY_PORT, HASH_BYTES, PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { PENDING_PAUSE_MS, RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import { parseFileName } from "../../names.ts";
import { hashBlocks } from "../../protocol/merkle/block_hashes.ts";
import {
  chunkBytesFor,
  chunkCountFor,
  chunkHash,
  chunkLength,
  layerHash,
  layerOfRoot,
  rootOfLayer,
} from "../../protocol/merkle/merkle.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { getByAscii } from "./ascii_get.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../events.ts";
import type { GetResult, TcpGetOptions } from "../options.ts";
import { type DescribedFile, describedFile, SessionClient } from "./session_client.ts";
import { withConnections } from "./session_retries.ts";
import { TcpAssembler } from "./tcp_assembler.ts";

/** One a name, in the order of the names; rejects with a ShoalError only if nothing could begin. */
export async function getOverTcp(options: TcpGetOptions): Promise<GetResult> {
  if (options.dialect === "ascii") return await getByAscii(options);
  if (options.dialect === "json") {
    throw new ShoalError("usage", "the JSON dialect cannot fetch files", {
      hint: "It only knows uploads: put --dialect json.",
    });
  }
  useFastestSha256();
  const assembler = new TcpAssembler();
  try {
    const results: (DoneEvent | FailedEvent)[] = [];
    for (const name of options.names) {
      const event = await new TcpDownload(options, name, assembler).run();
      options.onEvent?.(event);
      results.push(event);
    }
    return results;
  } finally {
    await assembler.close();
  }
}

class TcpDownload {
  readonly #options: TcpGetOptions;
  readonly #name: string;
  readonly #assembler: TcpAssembler;
  readonly #startedMs = nowMs();
  readonly #meter = new RateMeter(nowMs());
  readonly #throttle: Throttle;
  #toldMs = -Infinity;
  #haveBytes = 0;
  #fetchedBytes = 0;
  #fetchedChunks = 0;

  constructor(options: TcpGetOptions, name: string, assembler: TcpAssembler) {
    this.#options = options;
    this.#name = name;
    this.#assembler = assembler;
    this.#throttle = new Throttle(options.rateBytesPerS);
  }

  async run(): Promise<DoneEvent | FailedEvent> {
    const { server, port = DISCOVERY_PORT, timeoutMs = TIMEOUT_MS_DEFAULT, signal } = this.#options;
    const { retries } = this.#options;
    const onWaiting = (attempt: number, attempts: number, message: string): void =>
      this.#waiting(attempt, message, attempts);
    const target = { server, port, timeoutMs, signal, retries, onWaiting };
    try {
      return await withConnections(
        target,
        (connection) => this.#fetch(new SessionClient(connection)),
      );
    } catch (thrown) {
      const { code, message, hint } = ShoalError.from(thrown);
      return { event: "failed", name: this.#name, code, message, hint };
    }
  }

  async #fetch(client: SessionClient): Promise<DoneEvent> {
    const file = await this.#find(client);
    const content: Content = { ...file, sha256: file.sha256!, root: file.root! };
    const { outDir, force = false } = this.#options;
    const isByName = queryOf(this.#name)["name"] !== undefined;
    const opened = await this.#assembler.open({
      outDir,
      name: isByName ? this.#name as SafeFileName : file.name,
      content,
      mtimeMs: file.mtimeMs,
      force,
    });
    if (opened.kind === "present") return this.#done(client, content, opened.path, true);
    try {
      const path = await this.#fill(client, content, opened.have, opened.layer);
      return this.#done(client, content, path, false);
    } catch (error) {
      await this.#assembler.abort().catch(() => {});
      throw error;
    }
  }

  /** What the server has by this name; waits while it is being hashed. */
  async #find(client: SessionClient): Promise<DescribedFile> {
    const query = queryOf(this.#name);
    for (let attempt = 1;; attempt++) {
      let said: JsonObject;
      try {
        said = await client.ask({ command: "fetch", ...query, length: 0 });
      } catch (error) {
        if (!(error instanceof ShoalError) || !error.message.includes("still being hashed")) {
          throw error;
        }
        this.#waiting(attempt, "the server is still hashing it");
        await sleep(PENDING_PAUSE_MS, this.#options.signal);
        continue;
      }
      await client.body(() => {});
      const file = describedFile(said);
      if (file?.sha256 === undefined || file.root === undefined) throw client.nonsense();
      const { sha256: pinned } = this.#options;
      if (pinned !== undefined && pinned.toLowerCase() !== file.sha256) {
        throw new ShoalError("not_found", `the server has a different '${this.#name}'`);
      }
      return file;
    }
  }

  /** Brings every chunk that is not there; returns the path of the finished file. */
  async #fill(
    client: SessionClient,
    content: Content,
    have: Bytes,
    knownLayer: Bytes | undefined,
  ): Promise<string> {
    const { sizeBytes } = content;
    const chunkCount = chunkCountFor(sizeBytes);
    const layer = knownLayer ?? await this.#layer(client, content, chunkCount);
    this.#assembler.begin(layer);
    let missing: number[] = [];
    for (let chunk = 0; chunk < chunkCount; chunk++) {
      if (((have[chunk >> 3] ?? 0) & (1 << (chunk & 7))) === 0) missing.push(chunk);
      else this.#haveBytes += chunkLength(sizeBytes, chunk);
    }
    for (;;) {
      for (const [first, end] of runsOf(missing)) {
        await this.#fetchChunks(client, content, layer, first, end);
      }
      const ending = await this.#assembler.ending();
      if (ending.kind === "finished") return ending.path;
      if (ending.kind === "unverified") {
        throw new ShoalError(
          "unverified",
          `'${this.#name}' is not what was offered: its SHA-256 differs`,
        );
      }
      missing = [...ending.chunks];
    }
  }

  async #layer(client: SessionClient, content: Content, chunkCount: number): Promise<Bytes> {
    const { root, sizeBytes } = content;
    if (chunkCount === 0) return new Uint8Array(0);
    if (chunkCount === 1) return layerOfRoot(root);
    const said = await client.ask({ command: "layer", root, size: sizeBytes });
    const layer: Bytes = new Uint8Array(chunkCount * HASH_BYTES);
    let at = 0;
    if (said["status"] !== "layer") throw client.nonsense();
    await client.body((bytes) => {
      if (at + bytes.length <= layer.length) layer.set(bytes, at);
      at += bytes.length;
    });
    if (at === layer.length && rootOfLayer(layer, sizeBytes) === root) return layer;
    throw new ShoalError("unverified", "the server sent hashes that do not match the file's root");
  }

  /** Fetches the chunks `[first, end)` in one go. */
  async #fetchChunks(
    client: SessionClient,
    content: Content,
    layer: Bytes,
    first: number,
    end: number,
  ): Promise<void> {
    const { sizeBytes, sha256 } = content;
    const chunkBytes = chunkBytesFor(sizeBytes);
    const offset = first * chunkBytes;
    const length = Math.min(end * chunkBytes, sizeBytes) - offset;
    const said = await client.ask({ command: "fetch", sha256, offset, length });
    if (said["status"] !== "file") throw client.nonsense();
    let chunk = first;
    let filledBytes = 0;
    let buffer = await this.#assembler.buffer(chunkBytes);
    await client.body(async (bytes) => {
      await this.#throttle.pass(bytes.length);
      for (let at = 0; at < bytes.length;) {
        if (chunk >= end) throw client.nonsense();
        const wanted = chunkLength(sizeBytes, chunk);
        const part = bytes.subarray(at, at + wanted - filledBytes);
        buffer.set(part, filledBytes);
        at += part.length;
        filledBytes += part.length;
        if (filledBytes < wanted) continue;
        if (!isProved(buffer.subarray(0, wanted), layerHash(layer, chunk), sizeBytes)) {
          throw new ShoalError("unverified", `the server sent a bad chunk of '${this.#name}'`);
        }
        this.#assembler.write(chunk, buffer, wanted);
        this.#tellProgress(client, wanted, sizeBytes);
        chunk += 1;
        filledBytes = 0;
        if (chunk < end) buffer = await this.#assembler.buffer(chunkBytes);
      }
    });
    if (chunk < end) throw client.nonsense();
  }

  #tellProgress(client: SessionClient, newBytes: number, size: number): void {
    this.#fetchedBytes += newBytes;
    this.#fetchedChunks += 1;
    this.#meter.add(newBytes);
    const now = nowMs();
    if (now - this.#toldMs < PROGRESS_INTERVAL_MS) return;
    this.#toldMs = now;
    const rate = this.#meter.read(now);
    const lanes = [{ server: client.connection.peer, rate, bytes: this.#fetchedBytes }];
    const bytes = this.#haveBytes + this.#fetchedBytes;
    this.#emit({ event: "progress", name: this.#name, bytes, size, rate, lanes });
  }

  #done(client: SessionClient, content: Content, path: string, present: boolean): DoneEvent {
    const { sizeBytes: size, sha256, root } = content;
    return {
      event: "done",
      name: this.#name,
      path,
      size,
      sha256,
      root,
      seconds: (nowMs() - this.#startedMs) / 1000,
      resumedBytes: this.#haveBytes,
      present,
      servers: present ? [] : [{
        server: client.connection.peer,
        id: "",
        bytes: this.#fetchedBytes,
        chunks: this.#fetchedChunks,
        badChunks: 0,
        retransmits: 0,
      }],
    };
  }

  #waiting(
    attempt: number,
    message: string,
    attempts = this.#options.retries ?? RETRIES_DEFAULT,
  ): void {
    this.#emit({ event: "waiting", name: this.#name, attempt, attempts, message });
  }

  #emit(event: GetEvent): void {
    this.#options.onEvent?.(event);
  }
}

/** How a server is asked for what the user typed: `sha256:HEX`, `md5:HEX`, a bare digest, or a name. */
export function queryOf(text: string): JsonObject {
  const match = /^(?:(sha256|md5):)?([0-9a-fA-F]{32}|[0-9a-fA-F]{64})$/.exec(text);
  if (match !== null) {
    const hex = match[2]!.toLowerCase();
    const kind = hex.length === 32 ? "md5" : "sha256";
    if (match[1] === undefined || match[1] === kind) return { [kind]: hashHex(hex) };
  }
  const parsed = parseFileName(text);
  if (!parsed.ok) throw new ShoalError("bad_name", `not a valid file name: ${parsed.problem}`);
  return { name: parsed.name };
}

function isProved(chunk: Bytes, expected: Bytes, sizeBytes: number): boolean {
  const hashes = new Uint8Array(Math.ceil(chunk.length / BLOCK_BYTES) * HASH_BYTES);
  hashBlocks(chunk, hashes, 0);
  return chunkHash(hashes, sizeBytes).every((byte, i) => byte === expected[i]);
}

/** Neighbours among ascending numbers, as `[first, end)`. */
function* runsOf(numbers: readonly number[]): Generator<readonly [number, number]> {
  for (let i = 0; i < numbers.length;) {
    const first = numbers[i]!;
    let end = first + 1;
    for (i += 1; numbers[i] === end; i++) end += 1;
    yield [first, end];
  }
}
