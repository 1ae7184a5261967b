/**
 * Questions to one server over TCP (docs/PROTOCOL.md, "Sessions over TCP"): one connection while there
 * are questions, opened again when it breaks, one question at a time.
 */
import type { Bytes, Content } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import {
  describe,
  type Description,
  fetchLayer,
  holds,
} from "../../protocol/session/ask_server.ts";
import { type ClientDialogue, perform } from "../../protocol/session/client_dialogue.ts";
import { JsonSession } from "../../protocol/session/json_session.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { converse, type SessionTarget } from "../session/session_retries.ts";

interface Question {
  /** Throws what another connection may mend, and reports the rest. */
  readonly ask: (session: JsonSession) => ClientDialogue;
  readonly fail: (error: unknown) => void;
}

export class StreamExchange {
  readonly #runtime: TcpRuntime;
  readonly #target: SessionTarget;
  readonly #closing = new AbortController();
  readonly #questions: Question[] = [];
  #asking: Promise<void> | undefined;

  constructor(runtime: TcpRuntime, target: SessionTarget) {
    const { signal } = target;
    const ending = this.#closing.signal;
    const either = signal === undefined ? ending : AbortSignal.any([signal, ending]);
    this.#runtime = runtime;
    this.#target = { ...target, signal: either };
  }

  /**
   * What the server has by `query`: `{name}`, `{tree}`, `{sha256}` or `{md5}`.
   *
   * @throws ShoalError `not_found`, `refused`, `no_server`, `stalled`, `network`
   */
  describe(query: JsonObject): Promise<Description> {
    return this.#queue((session) => describe(session, query));
  }

  /**
   * Whether the server has a content: a file, a manifest or a bundle.
   *
   * @throws ShoalError as {@linkcode describe}
   */
  holds(content: Content): Promise<boolean> {
    return this.#queue((session) => holds(session, content));
  }

  /**
   * The piece layer of a content, proved.
   *
   * @throws ShoalError `unverified` for hashes that do not prove it, and as {@linkcode describe}
   */
  layer(content: Content): Promise<Bytes> {
    return this.#queue((session) => fetchLayer(session, content));
  }

  /** Closes it; pending questions fail as `interrupted`. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#asking;
  }

  #queue<T>(work: (session: JsonSession) => ClientDialogue<T>): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    function* ask(session: JsonSession): ClientDialogue {
      try {
        resolve(yield* work(session));
      } catch (error) {
        // A question on a connection that broke is repeated on the next one.
        if (!(error instanceof ShoalError) || error.code === "stalled") throw error;
        reject(error);
      }
    }
    this.#questions.push({ ask, fail: reject });
    this.#asking ??= this.#run();
    return promise;
  }

  async #run(): Promise<void> {
    try {
      await converse(this.#runtime, this.#target, (peer) => this.#askAll(peer));
    } catch (error) {
      for (const { fail } of this.#questions.splice(0)) fail(error);
    }
    this.#asking = undefined;
    if (this.#questions.length > 0) this.#asking = this.#run();
  }

  *#askAll(peer: string): ClientDialogue {
    const session = new JsonSession({ peer });
    for (let next = this.#questions[0]; next !== undefined; next = this.#questions[0]) {
      yield* next.ask(session);
      this.#questions.shift();
      yield* perform("advance", {});
    }
  }
}
