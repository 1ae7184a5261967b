/**
 * A TCP port with a bounded number of peers at once, each at its own pace, and a share for each address
 * (`admission.ts`). Further ones are refused with a message, a few at a time; more are disconnected at once.
 */
import { ShoalError } from "../../errors.ts";
import { Admission, type AdmissionLimits } from "../../protocol/base/admission.ts";
import type { ListenConfig } from "../../messages/transport_config.ts";
import type { Clock } from "../system/clock.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import { ADDRESS_SHARE_MAX, CROWD_IDLE_MS, CROWD_MAX, CROWD_SHARE } from "./limits.ts";
import type { Net } from "./net.ts";
import { ConnectionLost, MessageBudget, SessionConnection } from "./session_connection.ts";

interface ConnectionListenerOptions extends ListenConfig {
  readonly clock: Clock;
  readonly net: Net;
  /** How many peers are served at once, and of one address. */
  readonly limits: AdmissionLimits;
  /** A peer that says nothing for this long has no more to say. */
  readonly idleMs: number;
  /**
   * Serves a peer until either side is done.
   *
   * @param refusal why the peer is refused, if it is
   */
  readonly talk: (connection: SessionConnection, refusal: string | undefined) => Promise<void>;
  /** A connection ended with an unexpected error. */
  readonly onProblem: (message: string) => void;
  /** No more connections can be accepted. */
  readonly onFailure: (error: ShoalError) => void;
}

export class ConnectionListener {
  readonly #options: ConnectionListenerOptions;
  readonly #listener: StreamListener;
  readonly #budget = new MessageBudget();
  readonly #admission: Admission<SessionConnection>;
  /** Of those that are refused. */
  readonly #crowd: Admission<SessionConnection>;
  readonly #open = new Set<SessionConnection>();
  readonly #sessions = new Set<Promise<void>>();
  #isClosed = false;

  /** Throws ShoalError `port_in_use` or `network`. */
  constructor(options: ConnectionListenerOptions) {
    this.#options = options;
    this.#admission = new Admission(options.limits);
    const crowdMax = Math.min(CROWD_MAX, Math.ceil(options.limits.connectionsMax * CROWD_SHARE));
    this.#crowd = new Admission({
      connectionsMax: crowdMax,
      perAddressMax: Math.ceil(crowdMax * ADDRESS_SHARE_MAX),
      askingMs: CROWD_IDLE_MS,
      silentMs: CROWD_IDLE_MS,
    });
    this.#listener = options.net.listen(options);
    this.#accept().catch((error: unknown) => options.onFailure(ShoalError.from(error)));
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Closes every connection. */
  hangUp(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
    for (const connection of [...this.#open]) connection.close();
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
    const { clock, idleMs } = this.#options;
    const connected = (ms: number) => new SessionConnection(stream, clock, this.#budget, ms);
    if (this.#isAdmitted(this.#admission, connected(idleMs))) return;
    const isTold = this.#isAdmitted(this.#crowd, connected(Math.min(idleMs, CROWD_IDLE_MS)));
    if (!isTold) stream.close();
  }

  #isAdmitted(admission: Admission<SessionConnection>, connection: SessionConnection): boolean {
    const admitted = admission.admit(this.#options.clock.nowMs(), connection);
    if (admitted.kind === "refused") return false;
    admitted.evicted?.close();
    this.#open.add(connection);
    const refusal = admission === this.#crowd ? this.#refusal : undefined;
    const session = this.#runSession(connection, refusal).finally(() => {
      admission.release(connection);
      this.#open.delete(connection);
      this.#sessions.delete(session);
    });
    this.#sessions.add(session);
    return true;
  }

  get #refusal(): string {
    const { connectionsMax, perAddressMax } = this.#options.limits;
    return `too many connections: ${connectionsMax} are served at a time, ${perAddressMax} of ` +
      "one address; try again later";
  }

  async #runSession(connection: SessionConnection, refusal: string | undefined): Promise<void> {
    const { talk, onProblem } = this.#options;
    try {
      await talk(connection, refusal);
      await connection.finish();
    } catch (error) {
      connection.close();
      if (error instanceof ConnectionLost || this.#isClosed) return;
      onProblem(`${connection.peer}: ${ShoalError.from(error).message}`);
    }
  }
}
