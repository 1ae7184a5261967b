/** A server's registration with one master, over connections that come and go. */
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import type { ByteStream } from "../../io/net/byte_stream.ts";
import { STREAM_READ_BYTES } from "../../io/net/limits.ts";
import { openStream, type TcpRuntime } from "../../io/net/tcp_client.ts";
import type { Layers } from "../../messages/transport_config.ts";
import { MASTER_PORT } from "../../limits.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import { REGISTRY_ANSWER_MS } from "../../protocol/master/limits.ts";
import {
  Registration,
  type RegistrationAction,
  type RegistrationEvent,
  type RegistrationOptions,
} from "../../protocol/master/registration.ts";
import { ByteQueue } from "../../wire/byte_queue.ts";
import { encodeMessage, parseMessage, takeMessage } from "../../wire/session_json.ts";

/** The master is called `HOST` or `HOST:PORT`. */
interface MasterLinkOptions extends RegistrationOptions {
  readonly runtime: TcpRuntime;
  readonly layers: Layers;
  /** Everything is registered, or the master is unreachable; called when that changes. */
  readonly onState: (isRegistered: boolean, message: string) => void;
}

export class MasterLink {
  readonly #options: MasterLinkOptions;
  readonly #registration: Registration;
  readonly #timer: Wakeup;
  readonly #ending = new AbortController();
  #stream: ByteStream | undefined;
  /** What was written last; the next follows it. */
  #written: Promise<void> = Promise.resolve();
  /** The connection at hand, until nothing of it is left. */
  #talking: Promise<void> = Promise.resolve();

  constructor(options: MasterLinkOptions) {
    this.#options = options;
    this.#timer = options.runtime.clock.timer(() => this.#handle({ kind: "wakeup" }));
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
    for (const action of this.#registration.handle(this.#options.runtime.clock.nowMs(), event)) {
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
        return this.#send(encodeMessage(action.message));
      case "hangUp":
        this.#stream?.close();
        this.#stream = undefined;
        return;
      case "state":
        return this.#options.onState(action.isRegistered, action.message);
      default:
        action satisfies never;
    }
  }

  async #talk(): Promise<void> {
    const { master, layers, runtime } = this.#options;
    const { signal } = this.#ending;
    const timeoutMs = REGISTRY_ANSWER_MS;
    const target = { server: master, port: MASTER_PORT, layers, timeoutMs, signal };
    let own: ByteStream | undefined;
    const onAbort = (): void => own?.close();
    signal.addEventListener("abort", onAbort, { once: true });
    let message = `${master} ended the connection`;
    try {
      const stream = own = this.#stream = await openStream(runtime, target);
      this.#handle({ kind: "connected" });
      await this.#listen(stream);
    } catch (error) {
      message = ShoalError.from(error).message;
    }
    signal.removeEventListener("abort", onAbort);
    own?.close();
    // A connection that we closed needs no report.
    if (this.#stream !== own) return;
    this.#stream = undefined;
    this.#handle({ kind: "lost", message });
  }

  /** Until the connection ends, or makes no sense. The machine knows how long it waits. */
  async #listen(stream: ByteStream): Promise<void> {
    const queue = new ByteQueue();
    const buffer = new Uint8Array(STREAM_READ_BYTES);
    for (;;) {
      const taken = takeMessage(queue, SESSION_COMMAND_BYTES_MAX);
      if (taken !== undefined) {
        const message = taken.kind === "message" ? parseMessage(taken.bytes) : undefined;
        if (message === undefined) return;
        this.#handle({ kind: "message", message });
        continue;
      }
      const count = await stream.read(buffer);
      if (count === 0) return;
      queue.push(buffer.slice(0, count));
    }
  }

  /** A connection that cannot send ends, which the reading side reports. */
  #send(bytes: Uint8Array): void {
    const stream = this.#stream;
    if (stream === undefined) return;
    this.#written = this.#written.then(async () => {
      for (let at = 0; at < bytes.length;) {
        const count = await stream.write(bytes.subarray(at));
        if (count === 0) return stream.close();
        at += count;
      }
    });
  }
}
