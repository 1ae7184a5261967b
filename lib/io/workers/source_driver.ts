/**
 * What the drivers of all kinds of sources have in common: orders go to the machine, proved chunks to the assembler,
 * counts to the main thread, in this order; one timer; and where the time went, at the end. What is left to a kind is
 * its socket.
 */
import type { ChannelEnd } from "../../messages/channel_end.ts";
import type {
  SourceInit,
  SourceOrder,
  SourceReply,
  SourceRequest,
} from "../../messages/chunk_source.ts";
import type { SourceAction, SourceOrderEvent } from "../../protocol/download/source_messages.ts";
import type { SourceRoute } from "../../protocol/download/source_route.ts";
import type { Clock, Wakeup } from "../system/clock.ts";
import type { WorkerPort } from "../system/worker_port.ts";
import { ChunkOutlet } from "./chunk_outlet.ts";
import type { Driver } from "./worker_driver.ts";

/** A machine that brings chunks; what it is told and what it does beside the common part is its kind's. */
interface SourceMachine<Event, Action> {
  handle(
    nowMs: number,
    event: Event | SourceOrderEvent | { readonly kind: "release" } | { readonly kind: "wakeup" },
  ): readonly (Action | SourceAction)[];
  nextWakeupMs(nowMs: number): number;
}

/** An order to work for a source, which a kind completes by what its machine has to know. */
export type AssignOrder<R extends SourceRoute> = Extract<
  SourceOrder<R>,
  { kind: "assign" | "reroute" }
>;

/** What a kind of source does itself. */
export interface SourceSocket<R extends SourceRoute, Event, Action extends { kind: string }> {
  /** The machine's event for an order to work for a source. */
  assigned(order: AssignOrder<R>): Event;
  perform(action: Action): void;
  /** After all actions of an event. */
  afterStep?(): void;
  /**
   * Ends it; says for how long it waited, and what was left aside, for people.
   *
   * @param handledMs how long what arrived was handled
   */
  close(handledMs: number): { readonly waitMs: number; readonly detail: string };
}

interface SourceDriverOptions<
  R extends SourceRoute,
  Event,
  Action extends { kind: string },
> {
  readonly clock: Clock;
  readonly parent: Pick<WorkerPort<never, SourceReply>, "post">;
  /** Where proved chunks go. */
  readonly feed: ChannelEnd;
  /** How long this thread has hashed so far. */
  readonly hashedMs: () => number;
  readonly machine: SourceMachine<Event, Action>;
  readonly socket: SourceSocket<R, Event, Action>;
}

/** The main thread, for a worker that serves routes of this kind. */
export type SourceParent<Config, R extends SourceRoute> = WorkerPort<
  SourceRequest<Config, R>,
  SourceReply
>;

export class SourceDriver<R extends SourceRoute, Event, Action extends { kind: string }>
  implements Driver<Exclude<SourceRequest<unknown, R>, SourceInit>> {
  readonly #options: SourceDriverOptions<R, Event, Action>;
  readonly #outlet: ChunkOutlet;
  readonly #timer: Wakeup;
  #isStopped = false;
  /** Handling what arrived, with the hashing of it. */
  #handledMs = 0;

  constructor(options: SourceDriverOptions<R, Event, Action>) {
    const { clock, feed } = options;
    this.#options = options;
    this.#outlet = new ChunkOutlet(feed, (buffers) => this.#step({ kind: "recycle", buffers }));
    this.#timer = clock.timer(() => this.#wake());
  }

  onRequest(request: Exclude<SourceRequest<unknown, R>, SourceInit>): void {
    switch (request.kind) {
      case "stop":
        return this.#stop();
      case "assign":
      case "reroute":
        return this.#step(this.#options.socket.assigned(request));
      case "allot":
        this.#outlet.budgetBytes = request.bufferBytesMax;
        return this.#step(request);
      default:
        return this.#step(request);
    }
  }

  /** Something has happened to its socket. */
  onSocket(event: Event): void {
    this.#step(event);
  }

  /** Something has arrived: the time that it takes counts. */
  onArrival(event: Event): void {
    const { clock } = this.#options;
    const startMs = clock.nowMs();
    this.#step(event);
    this.#handledMs += clock.nowMs() - startMs;
  }

  /** A late timer must not fire before what has arrived meanwhile is handled: it would count that as lost. */
  async #wake(): Promise<void> {
    await this.#options.clock.yieldToEvents();
    this.#step({ kind: "wakeup" });
  }

  #step(event: Parameters<SourceMachine<Event, Action>["handle"]>[1]): void {
    if (this.#isStopped) return;
    const { clock, machine, socket } = this.#options;
    const nowMs = clock.nowMs();
    for (const action of machine.handle(nowMs, event)) this.#perform(action);
    this.#timer.set(machine.nextWakeupMs(nowMs));
    socket.afterStep?.();
  }

  #perform(action: Action | SourceAction): void {
    if (isOfAll(action)) return this.#tell(action);
    this.#options.socket.perform(action);
  }

  #tell(action: SourceAction): void {
    if (action.kind === "chunk") return this.#outlet.push(action);
    if (action.kind === "report") this.#outlet.flush();
    this.#options.parent.post(action);
  }

  #stop(): void {
    const { parent, socket, hashedMs } = this.#options;
    this.#isStopped = true;
    this.#timer.clear();
    const { waitMs, detail } = socket.close(this.#handledMs);
    this.#outlet.close();
    const hashMs = hashedMs();
    const times = { receiveMs: this.#handledMs - hashMs, hashMs, waitMs };
    parent.post({ kind: "stopped", times, detail });
  }
}

function isOfAll(action: { kind: string }): action is SourceAction {
  return action.kind === "chunk" || action.kind === "report" || action.kind === "gone";
}
