/**
 * Questions to one server over TCP (docs/PROTOCOL.md, "Sessions over TCP"): one connection while there
 * are questions, opened again when it breaks, one question at a time.
 */
import type { Bytes, Content, SafeFileName } from "../../ids.ts";
import { type ServerId, serverId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import { HASH_BYTES } from "../../limits.ts";
import { chunkCountFor, layerOfRoot, rootOfLayer } from "../../protocol/merkle/merkle.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { describedFile, ServerRefusal, SessionClient } from "../session/session_client.ts";
import { type PersistentTarget, withConnections } from "../session/session_retries.ts";

/** What a server has under a name or a digest. */
export type Description =
  | {
    readonly kind: "file";
    /** Absent from servers of earlier versions. */
    readonly server: ServerId | undefined;
    readonly content: Content;
    readonly mtimeMs: number;
    readonly name: SafeFileName;
  }
  /** It has it, and is still hashing it. */
  | { readonly kind: "pending" };

interface Question {
  readonly ask: (client: SessionClient) => Promise<void>;
  readonly fail: (error: unknown) => void;
}

export class StreamExchange {
  readonly #target: PersistentTarget;
  readonly #closing = new AbortController();
  readonly #questions: Question[] = [];
  #asking: Promise<void> | undefined;

  constructor(target: PersistentTarget) {
    const { signal } = target;
    const ending = this.#closing.signal;
    const either = signal === undefined ? ending : AbortSignal.any([signal, ending]);
    this.#target = { ...target, signal: either };
  }

  /**
   * What the server has by `query`: `{name}`, `{sha256}` or `{md5}`.
   *
   * @throws ShoalError `not_found`, `refused`, `no_server`, `stalled`, `network`
   */
  describe(query: JsonObject): Promise<Description> {
    return this.#queue(async (client) => {
      const { timeoutMs } = this.#target;
      let reply: JsonObject;
      try {
        reply = await client.ask({ command: "fetch", ...query, length: 0 }, timeoutMs);
      } catch (error) {
        if (error instanceof ServerRefusal && error.wireCode === "pending") {
          return { kind: "pending" };
        }
        throw error;
      }
      await client.body(() => {});
      const file = describedFile(reply);
      if (file?.sha256 === undefined || file.root === undefined) throw client.nonsense();
      const { sizeBytes, sha256, root, mtimeMs, name } = file;
      return {
        kind: "file",
        server: serverIn(reply),
        content: { sizeBytes, sha256, root },
        mtimeMs,
        name,
      };
    });
  }

  /**
   * The piece layer of a content, proved.
   *
   * @throws ShoalError `unverified` for hashes that do not prove it, and as {@linkcode describe}
   */
  async layer({ root, sizeBytes }: Content): Promise<Bytes> {
    const chunkCount = chunkCountFor(sizeBytes);
    if (chunkCount === 0) return new Uint8Array(0);
    if (chunkCount === 1) return layerOfRoot(root);
    return await this.#queue(async (client) => {
      const reply = await client.ask(
        { command: "layer", root, size: sizeBytes },
        this.#target.timeoutMs,
      );
      if (reply["status"] !== "layer") throw client.nonsense();
      const layer: Bytes = new Uint8Array(chunkCount * HASH_BYTES);
      let at = 0;
      await client.body((bytes) => {
        if (at + bytes.length <= layer.length) layer.set(bytes, at);
        at += bytes.length;
      });
      if (at === layer.length && rootOfLayer(layer, sizeBytes) === root) return layer;
      throw new ShoalError("unverified", "the server sent hashes that do not prove the file");
    });
  }

  /** Closes it; pending questions fail as `interrupted`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#asking;
  }

  #queue<T>(work: (client: SessionClient) => Promise<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const ask = async (client: SessionClient): Promise<void> => {
      try {
        resolve(await work(client));
      } catch (error) {
        // A question on a connection that broke is repeated on the next one.
        if (!(error instanceof ShoalError) || error.code === "stalled") throw error;
        reject(error);
      }
    };
    this.#questions.push({ ask, fail: reject });
    this.#asking ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    try {
      await withConnections(this.#target, (connection) => this.#askAll(connection));
    } catch (error) {
      for (const { fail } of this.#questions.splice(0)) fail(error);
    }
    this.#asking = undefined;
    if (this.#questions.length > 0) this.#asking = this.#run();
  }

  async #askAll(connection: SessionConnection): Promise<void> {
    const client = new SessionClient(connection);
    for (let next = this.#questions[0]; next !== undefined; next = this.#questions[0]) {
      await next.ask(client);
      this.#questions.shift();
    }
  }
}

function serverIn({ server }: JsonObject): ServerId | undefined {
  const isId = typeof server === "string" && /^[0-9a-f]{32}$/.test(server);
  return isId ? serverId(server) : undefined;
}
