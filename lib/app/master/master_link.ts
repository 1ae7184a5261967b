/** A server's registration with one master, over connections that come and go. */
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import { withConnection } from "../../io/net/tcp_client.ts";
import { MASTER_PORT } from "../../limits.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import { REGISTRY_ANSWER_MS } from "../../protocol/master/limits.ts";
import {
  Registration,
  type RegistrationAction,
  type RegistrationEvent,
  type RegistrationOptions,
} from "../../protocol/master/registration.ts";
import { encodeMessage, parseMessage } from "../../wire/session_json.ts";

/** The master is called `HOST` or `HOST:PORT`. */
export interface MasterLinkOptions extends RegistrationOptions {
  readonly clock: Clock;
  /** Everything is told, or the master is away; when that changes. */
  readonly onState: (isRegistered: boolean, message: string) => void;
}

export class MasterLink {
  readonly #options: MasterLinkOptions;
  readonly #registration: Registration;
  readonly #timer: Wakeup;
  readonly #ending = new AbortController();
  #connection: SessionConnection | undefined;
  /** The connection at hand, until nothing of it is left. */
  #talking: Promise<void> = Promise.resolve();

  constructor(options: MasterLinkOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.#handle({ kind: "wakeup" }));
    this.#registration = new Registration(options);
    this.#handle({ kind: "wakeup" });
  }

  /** A file came, went or became another. */
  changed(name: SafeFileName): void {
    this.#handle({ kind: "changed", name });
  }

  /** The master notices by itself that the connection is gone. */
  async close(): Promise<void> {
    this.#ending.abort();
    this.#timer.clear();
    await this.#talking;
  }

  #handle(event: RegistrationEvent): void {
    if (this.#ending.signal.aborted) return;
    for (const action of this.#registration.handle(this.#options.clock.nowMs(), event)) {
      this.#perform(action);
    }
    this.#timer.set(this.#registration.nextWakeupMs());
  }

  #perform(action: RegistrationAction): void {
    switch (action.kind) {
      case "connect": {
        const before = this.#talking;
        this.#talking = before.then(() => this.#talk());
        return;
      }
      case "send":
        // A connection that does not take it ends, which is told there.
        this.#connection?.send(encodeMessage(action.message)).catch(() => {});
        return;
      case "hangUp":
        this.#connection?.close();
        this.#connection = undefined;
        return;
      case "state":
        return this.#options.onState(action.isRegistered, action.message);
      default:
        action satisfies never;
    }
  }

  async #talk(): Promise<void> {
    const { master } = this.#options;
    const { signal } = this.#ending;
    const target = { server: master, port: MASTER_PORT, timeoutMs: REGISTRY_ANSWER_MS, signal };
    let own: SessionConnection | undefined;
    let message = `${master} ended the connection`;
    try {
      await withConnection(target, async (connection) => {
        own = this.#connection = connection;
        this.#handle({ kind: "connected" });
        await this.#listen(connection);
      });
    } catch (error) {
      message = ShoalError.from(error).message;
    }
    // What was hung up on needs no telling.
    if (this.#connection !== own) return;
    this.#connection = undefined;
    this.#handle({ kind: "lost", message });
  }

  /** Until the connection ends, or makes no sense. */
  async #listen(connection: SessionConnection): Promise<void> {
    for (;;) {
      const read = await connection.message(SESSION_COMMAND_BYTES_MAX, Infinity);
      const message = read.kind === "message" ? parseMessage(read.bytes) : undefined;
      if (message === undefined) return;
      this.#handle({ kind: "message", message });
    }
  }
}
