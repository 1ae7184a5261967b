/** A TCP port for sessions: with a bounded number of peers at once, each at its own pace. */
import { ShoalError } from "../../errors.ts";
import { SESSION_IDLE_MS } from "../../protocol/session/limits.ts";
import { CROWD_IDLE_MS, CROWD_MAX, SESSION_REQUESTS_BURST } from "./limits.ts";
import { RateLimit } from "../../protocol/base/rate_limit.ts";
import { nowMs, sleep } from "../system/clock.ts";
import { ConnectionLost, MessageBudget, SessionConnection } from "./session_connection.ts";
import { asciiLine } from "../../wire/session_ascii.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import type { Net } from "./net.ts";

export interface SessionListenerOptions {
  readonly net: Net;
  readonly host: string;
  /** Ports to try, in order. */
  readonly ports: readonly number[];
  /** What this port is, for whoever takes it for another: "the TCP port of a Shoal server". */
  readonly portName: string;
  /** Whether lines are spoken here beside JSON. */
  readonly speaksLines: boolean;
  /** How many peers are served at once. */
  readonly connectionsMax: number;
  /** How many requests of each are read in a second; more wait. */
  readonly requestsPerS: number;
  /**
   * Talks with a peer until it or we have no more to say.
   *
   * @param isCrowded whether it is only to be told that there are too many
   * @param mayAsk resolves when the peer's next request may be read
   */
  readonly talk: (
    connection: SessionConnection,
    isCrowded: boolean,
    mayAsk: () => Promise<void>,
  ) => Promise<void>;
  /** A session ended with an unexpected error. */
  readonly onProblem: (message: string) => void;
  readonly onFailure: (error: ShoalError) => void;
}

export class SessionListener {
  readonly #options: SessionListenerOptions;
  readonly #listener: StreamListener;
  readonly #budget = new MessageBudget();
  readonly #connections = new Set<SessionConnection>();
  /** Of those that are only told that there are too many. */
  readonly #crowd = new Set<SessionConnection>();
  readonly #sessions = new Set<Promise<void>>();
  #isClosed = false;

  /** Throws ShoalError `port_in_use` or `network`. */
  constructor(options: SessionListenerOptions) {
    this.#options = options;
    this.#listener = options.net.listen(options.host, options.ports);
    this.#accept().catch((error: unknown) => options.onFailure(ShoalError.from(error)));
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Hangs up on everybody. */
  hangUp(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
    for (const connection of [...this.#connections, ...this.#crowd]) connection.close();
  }

  /** Resolves when every session has ended. */
  async closed(): Promise<void> {
    await Promise.all(this.#sessions);
  }

  async #accept(): Promise<void> {
    for (;;) {
      const stream = await this.#listener.accept();
      if (stream === undefined) return;
      this.#meet(stream);
    }
  }

  #meet(stream: ByteStream): void {
    const isCrowded = this.#connections.size >= this.#options.connectionsMax;
    if (isCrowded && this.#crowd.size >= CROWD_MAX) return stream.close();
    const idleMs = isCrowded ? CROWD_IDLE_MS : SESSION_IDLE_MS;
    const connection = new SessionConnection(stream, this.#budget, idleMs);
    const place = isCrowded ? this.#crowd : this.#connections;
    place.add(connection);
    const session = this.#runSession(connection, isCrowded).finally(() => {
      place.delete(connection);
      this.#sessions.delete(session);
    });
    this.#sessions.add(session);
  }

  async #runSession(connection: SessionConnection, isCrowded: boolean): Promise<void> {
    const { requestsPerS, talk, onProblem } = this.#options;
    const requests = new RateLimit(requestsPerS, SESSION_REQUESTS_BURST);
    const mayAsk = async (): Promise<void> => {
      while (!requests.take(nowMs(), 1)) await sleep(requests.readyMs(nowMs()) - nowMs());
    };
    try {
      if (isCrowded || await this.#isMeant(connection)) await talk(connection, isCrowded, mayAsk);
      await connection.finish();
    } catch (error) {
      connection.close();
      if (error instanceof ConnectionLost || this.#isClosed) return;
      onProblem(`${connection.peer}: ${ShoalError.from(error).message}`);
    }
  }

  /** Whether the peer speaks to us at all; if it speaks another protocol, it is told so. */
  async #isMeant(connection: SessionConnection): Promise<boolean> {
    const { portName, speaksLines } = this.#options;
    const opening = await connection.opening();
    if (opening === "json" || (opening === "text" && speaksLines)) return true;
    if (opening === undefined) return false;
    const other = opening === "text" ? "lines of text" : opening.toUpperCase();
    await connection.send(asciiLine(`ERROR this is ${portName}, which does not speak ${other}`));
    return false;
  }
}
