/**
 * Performs a client's dialogue over one stream: sends, receives what comes within the patience that is left, and hands
 * what concerns the local machine to a host. Time that is spent here, reading a file or keeping to a rate, is not held
 * against the peer.
 */
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type {
  ClientDialogue,
  ClientNews,
  ClientResultOf,
  ClientStep,
  ClientStepOf,
  ReceiveResult,
} from "../../protocol/session/client_dialogue.ts";
import { WaitBudget } from "../../protocol/session/wait_budget.ts";
import type { Clock, Wakeup } from "../system/clock.ts";
import type { ByteStream } from "./byte_stream.ts";
import { SESSION_READ_BYTES } from "./limits.ts";
import type { Throttle } from "./throttle.ts";

/** The steps of a dialogue that concern the local machine. A dialogue that takes none of them needs no host. */
export interface ClientHost {
  /** As the steps of these names. */
  read?(step: ClientStepOf<"read">): Bytes;
  confirm?(): void;
  write?(bytes: Bytes, offset: number): void;
  tell?(news: ClientNews): void;
}

interface ClientDriverOptions {
  readonly clock: Clock;
  readonly timeoutMs: number;
  readonly host: ClientHost;
  /** What is sent and received keeps to its rate. */
  readonly throttle: Throttle;
  readonly signal?: AbortSignal | undefined;
  /** The peer is there: it has sent something. */
  readonly onHeard: () => void;
  /** Something was achieved that stays. */
  readonly onAdvance: () => void;
}

/**
 * Runs `dialogue` to its end and closes `stream`.
 *
 * Throws whatever the dialogue and the host do, and ShoalError `interrupted` on abort.
 */
export async function runClient<T>(
  dialogue: ClientDialogue<T>,
  stream: ByteStream,
  options: ClientDriverOptions,
): Promise<T> {
  const driver = new ClientDriver(stream, options);
  try {
    let next = dialogue.next();
    while (!next.done) next = dialogue.next(await driver.perform(next.value));
    return next.value;
  } finally {
    driver.close();
  }
}

class ClientDriver {
  readonly #stream: ByteStream;
  readonly #options: ClientDriverOptions;
  readonly #budget: WaitBudget;
  readonly #timer: Wakeup;
  readonly #onAbort = (): void => {
    this.#stream.close();
    this.#wake();
  };
  #wake: () => void = () => {};
  #buffer: Bytes = new Uint8Array(SESSION_READ_BYTES);
  #isReading = false;
  /** What the last read has brought: 0 is the end; `undefined` if it was taken, or nothing came yet. */
  #arrivedBytes: number | undefined;

  constructor(stream: ByteStream, options: ClientDriverOptions) {
    this.#stream = stream;
    this.#options = options;
    this.#budget = new WaitBudget(options.timeoutMs);
    this.#timer = options.clock.timer(() => this.#wake());
    options.signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  close(): void {
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#timer.clear();
    this.#stream.close();
  }

  async perform(step: ClientStep): Promise<unknown> {
    this.#requireWanted();
    const { host } = this.#options;
    switch (step.kind) {
      case "send":
        return await this.#send(step);
      case "receive":
        return await this.#receive(step.waitMs ?? Infinity);
      case "renew":
        return this.#budget.renew(step.moreMs);
      case "advance":
        return this.#options.onAdvance();
      case "read":
        return host.read!(step);
      case "confirm":
        return host.confirm!();
      case "write":
        return host.write!(step.bytes, step.offset);
      case "tell":
        return host.tell?.(step.news);
      default:
        return step satisfies never;
    }
  }

  async #receive(waitMs: number): Promise<ReceiveResult> {
    this.#readOn();
    const { leftMs } = this.#budget;
    await this.#until(() => this.#arrivedBytes !== undefined, Math.min(waitMs, leftMs));
    const count = this.#arrivedBytes;
    if (count === undefined) {
      return waitMs < leftMs ? { kind: "quiet" } : { kind: "ended", why: "idle" };
    }
    if (count === 0) return { kind: "ended", why: "closed" };
    this.#options.onHeard();
    this.#arrivedBytes = undefined;
    this.#budget.spend(0, count);
    const bytes = this.#taken(count);
    await this.#pass(count);
    return { kind: "arrived", bytes };
  }

  async #send(step: ClientStepOf<"send">): Promise<ClientResultOf<"send">> {
    const { bytes, untilAnswered = false } = step;
    if (untilAnswered) this.#readOn();
    const isAnswered = (): boolean => this.#arrivedBytes !== undefined;
    await this.#pass(bytes.length);
    for (let at = 0; at < bytes.length;) {
      if (untilAnswered && isAnswered()) return "answered";
      let written: number | undefined;
      this.#stream.write(bytes.subarray(at)).then((count) => {
        written = count;
        this.#wake();
      });
      const isOver = (): boolean => written !== undefined || (untilAnswered && isAnswered());
      await this.#until(isOver, this.#budget.leftMs);
      if (written === undefined) {
        return untilAnswered && isAnswered() ? "answered" : { kind: "ended", why: "idle" };
      }
      if (written === 0) return { kind: "ended", why: "closed" };
      this.#budget.spend(0, written);
      at += written;
    }
    return "sent";
  }

  /** Waits, at the peer's expense, until `isOver` or so long. */
  async #until(isOver: () => boolean, waitMs: number): Promise<void> {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    const endMs = startMs + waitMs;
    while (!isOver() && clock.nowMs() < endMs) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = resolve;
      this.#timer.set(endMs);
      await promise;
      this.#requireWanted();
    }
    this.#timer.set(Infinity);
    this.#budget.spend(clock.nowMs() - startMs, 0);
  }

  /** One read is under way while something may come. */
  #readOn(): void {
    if (this.#isReading || this.#arrivedBytes !== undefined) return;
    this.#isReading = true;
    this.#stream.read(this.#buffer).then((count) => {
      this.#isReading = false;
      this.#arrivedBytes = count;
      this.#wake();
    });
  }

  /** What fills most of the buffer keeps it; a little is copied, so that it does not keep much. */
  #taken(count: number): Bytes {
    if (count <= this.#buffer.length / 2) return this.#buffer.slice(0, count);
    const taken = this.#buffer.subarray(0, count);
    this.#buffer = new Uint8Array(SESSION_READ_BYTES);
    return taken;
  }

  async #pass(lengthBytes: number): Promise<void> {
    await this.#options.throttle.pass(lengthBytes, this.#options.signal);
    this.#requireWanted();
  }

  #requireWanted(): void {
    if (this.#options.signal?.aborted) throw new ShoalError("interrupted", "interrupted");
  }
}
