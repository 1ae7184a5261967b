/**
 * Channels between the threads of a simulated process. As between real ones a message takes a while, none
 * overtakes another, what is said is a copy, and memory that is transferred is gone where it was.
 */
import type { ChannelEnd } from "../../lib/messages/channel_end.ts";
import { Channel, type VirtualClock } from "./virtual_clock.ts";
import type { VirtualThread } from "./virtual_thread.ts";

/** Sees everything that threads send each other. */
export interface MessageWatch {
  /** It leaves; its memory is still the sender's. */
  readonly onPosted: (message: unknown) => void;
  /** It is about to be handled. */
  readonly onDelivered: (message: unknown) => void;
}

export interface ChannelOptions {
  readonly clock: VirtualClock;
  /** How long a message takes to a main thread, or to another one. */
  readonly hopMs: (toMain: boolean) => number;
  readonly watch: MessageWatch;
}

export class VirtualEnd implements ChannelEnd {
  readonly #watch: MessageWatch;
  readonly #clock: VirtualClock;
  /** Whose it is: whoever it was sent to. */
  thread: VirtualThread;
  #incoming: Channel;
  #peer: VirtualEnd | undefined;
  #handler: ((event: MessageEvent) => void) | null = null;
  /** What came before anybody listened. */
  #unheard: unknown[] = [];
  #isClosed = false;

  private constructor(options: ChannelOptions, thread: VirtualThread, readyMs: number) {
    this.#watch = options.watch;
    this.#clock = options.clock;
    this.thread = thread;
    this.#incoming = new Channel(options.clock, () => options.hopMs(this.thread.isMain), readyMs);
  }

  /** @param readyMs when the second thread has started; what it is sent waits for that */
  static pair(
    options: ChannelOptions,
    near: VirtualThread,
    far: VirtualThread,
    readyMs = 0,
  ): readonly [VirtualEnd, VirtualEnd] {
    const ends = [new VirtualEnd(options, near, 0), new VirtualEnd(options, far, readyMs)] as const;
    ends[0].#peer = ends[1];
    ends[1].#peer = ends[0];
    return ends;
  }

  /** Messages on their way to it and from it. */
  get pending(): number {
    return this.#incoming.pending + this.#peer!.#incoming.pending;
  }

  get onmessage(): ((event: MessageEvent) => void) | null {
    return this.#handler;
  }

  set onmessage(handler: ((event: MessageEvent) => void) | null) {
    this.#handler = handler;
    for (const message of this.#unheard.splice(0)) this.#hear(message);
  }

  postMessage(message: unknown, transfer: readonly Transferable[]): void {
    if (this.thread.isOver || this.#isClosed) return;
    const peer = this.#peer!;
    this.#watch.onPosted(message);
    const crossed = crossing(message, transfer, peer.thread);
    const heldMs = this.thread.busyUntilMs - this.#clock.nowMs;
    peer.#incoming.post(() => peer.#hear(crossed), heldMs);
  }

  close(): void {
    this.#isClosed = true;
  }

  #hear(message: unknown): void {
    if (this.#isClosed) return;
    if (this.#handler === null) {
      this.#unheard.push(message);
      return;
    }
    this.thread.run(() => {
      this.#watch.onDelivered(message);
      this.#handler?.({ data: message } as MessageEvent);
    });
  }
}

/** What a message is on the other side. */
function crossing(
  message: unknown,
  transfer: readonly Transferable[],
  to: VirtualThread,
): unknown {
  const moved = new Map<unknown, ArrayBuffer>();
  for (const each of transfer) {
    if (each instanceof ArrayBuffer) moved.set(each, each.transfer());
  }
  return crossed(message, moved, to);
}

function crossed(
  value: unknown,
  moved: ReadonlyMap<unknown, ArrayBuffer>,
  to: VirtualThread,
): unknown {
  if (typeof value === "function") throw new Error("a function cannot cross threads");
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof VirtualEnd) {
    value.thread = to;
    return value;
  }
  if (value instanceof Uint8Array) {
    // Nobody has it to himself.
    if (value.buffer instanceof SharedArrayBuffer) return value;
    // A view of transferred memory has no length any more: all of it is meant.
    const memory = moved.get(value.buffer);
    return memory === undefined ? value.slice() : new Uint8Array(memory);
  }
  if (Array.isArray(value)) return value.map((each) => crossed(each, moved, to));
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    throw new Error(`a ${value.constructor.name} is not sent between threads`);
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, crossed(each, moved, to)]),
  );
}
