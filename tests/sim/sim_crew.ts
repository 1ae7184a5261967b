/**
 * The workers of a simulated client: the real coordinator and receivers, wired as in
 * `lib/app/client/worker_pool.ts` and the receiver's driver. Whatever crosses a thread takes its time, in order.
 */
import type { Bytes, Content, Endpoint, ServerId, SourceId } from "../../lib/ids.ts";
import { MTU_BYTES_DEFAULT, RECEIVE_BUFFER_BYTES } from "../../lib/wire/limits.ts";
import { CHUNK_BUFFER_BYTES_MAX, RECEIVERS_MAX } from "../../lib/protocol/download/limits.ts";
import { HELD_BUFFER_SHARE } from "../../lib/io/workers/limits.ts";
import type { PoolNews } from "../../lib/app/client/worker_pool.ts";
import type { DownloadPool } from "../../lib/app/client/download_context.ts";
import type { AssemblerRequest } from "../../lib/messages/assembler.ts";
import type { VerifiedChunk } from "../../lib/protocol/download/assembler_steps.ts";
import {
  Coordinator,
  type CoordinatorAction,
  type CoordinatorEvent,
} from "../../lib/protocol/download/coordinator.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import {
  Receiver,
  type ReceiverAction,
  type ReceiverEvent,
} from "../../lib/protocol/download/receiver.ts";
import { LeaseBooks } from "./lease_books.ts";
import type { ClientSpec } from "./scenario.ts";
import type { SimAssembler } from "./sim_assembler.ts";
import { Alarm, Channel, type VirtualClock } from "./virtual_clock.ts";

/** A worker starts within this. */
const START_MS_MAX = 40;
/** Slots of one joined buffer. */
const JOINED_MAX = 46;

export interface CrewOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly spec: ClientSpec;
  readonly assembler: SimAssembler;
  readonly send: (receiver: number, to: Endpoint, datagram: Bytes) => void;
  readonly onNews: (news: PoolNews) => void;
  /** A chunk that its receiver calls proved. */
  readonly onChunk: (chunk: Extract<ReceiverAction, { kind: "chunk" }>) => void;
  readonly onDropped: (server: ServerId) => void;
  readonly onStep: () => void;
}

interface Joined {
  readonly from: Endpoint;
  readonly slotBytes: number;
  readonly datagrams: Bytes[];
}

interface Seat {
  readonly machine: Receiver;
  readonly alarm: Alarm;
  readonly toIt: Channel;
  readonly toMain: Channel;
  readonly toAssembler: Channel;
  readonly fromAssembler: Channel;
  held: VerifiedChunk[];
  heldBytes: number;
  heldBytesMax: number;
  joined: Joined | undefined;
  /** Buffers that are on their way to the assembler and back. */
  outBytes: number;
}

export class SimCrew implements DownloadPool {
  readonly coordinator: Coordinator;
  readonly books = new LeaseBooks();
  readonly #options: CrewOptions;
  readonly #seats = new Map<number, Seat>();
  /** Which worker each source has. */
  readonly #working = new Map<SourceId, number>();
  readonly #alarm: Alarm;
  readonly #toAssembler: Channel;
  /** As the kernel's: it holds the next datagram as soon as this one is dealt with. */
  readonly #received = new Uint8Array(RECEIVE_BUFFER_BYTES);
  isClosed = false;
  /** What is fetched. */
  content: Content | undefined;

  constructor(options: CrewOptions) {
    this.#options = options;
    const { clock, spec } = options;
    this.coordinator = new Coordinator(spec);
    this.#alarm = new Alarm(clock, () => this.step({ kind: "wakeup" }));
    this.#toAssembler = this.#channel(this.#startMs());
    this.warmUp(1);
  }

  step(event: CoordinatorEvent): void {
    if (this.isClosed) return;
    const { nowMs } = this.#options.clock;
    this.books.beforeCoordinator();
    const actions = this.coordinator.handle(nowMs, event);
    this.books.afterCoordinator(event, actions);
    for (const action of actions) this.#perform(action);
    this.#alarm.set(this.coordinator.nextWakeupMs(nowMs));
    this.#options.onStep();
  }

  warmUp(serverCount: number): void {
    const count = Math.min(serverCount, RECEIVERS_MAX);
    for (let index = 0; index < count; index++) this.#seat(index);
  }

  askAssembler(request: AssemblerRequest): void {
    if (request.kind === "open") this.content = request.content;
    else if (request.kind === "abort") this.content = undefined;
    this.#toAssembler.post(() => {
      if (!this.isClosed) this.#options.assembler.onRequest(request);
    });
  }

  /** A datagram arrives at this receiver's socket. */
  arrive(index: number, datagram: Bytes, from: Endpoint): void {
    const seat = this.#seats.get(index);
    if (seat === undefined || this.isClosed) return;
    const { joinMs } = this.#options.spec;
    if (joinMs === 0) return this.#handOverDatagrams(index, seat, [datagram], from);
    const { joined } = seat;
    const fits = joined !== undefined && joined.from.address === from.address &&
      joined.datagrams.at(-1)!.length === joined.slotBytes &&
      datagram.length <= joined.slotBytes && joined.datagrams.length < JOINED_MAX;
    if (fits) {
      joined.datagrams.push(datagram);
      return;
    }
    if (joined !== undefined) this.#flush(index, seat, joined);
    const fresh: Joined = { from, slotBytes: datagram.length, datagrams: [datagram] };
    seat.joined = fresh;
    this.#options.clock.after(joinMs, () => {
      if (seat.joined === fresh) this.#flush(index, seat, fresh);
    });
  }

  /** What is beyond its bounds, if anything is. */
  problem(): string | undefined {
    let outBytes = 0;
    let isQuiet = true;
    for (const seat of this.#seats.values()) {
      outBytes += seat.outBytes;
      isQuiet &&= seat.toIt.pending === 0 && seat.toMain.pending === 0;
    }
    if (outBytes > CHUNK_BUFFER_BYTES_MAX) return `${outBytes} bytes of chunks on their way`;
    return this.books.problem(isQuiet);
  }

  #perform(action: CoordinatorAction): void {
    switch (action.kind) {
      case "assign":
      case "reroute": {
        const { kind, source, route } = action;
        if (route.kind !== "datagrams") return;
        if (kind === "assign") this.#working.set(source, this.#freeIndex());
        const assignment = { source, route, nonce: this.#options.random.u64() };
        return this.#post(source, { kind, assignment });
      }
      case "release":
        this.#post(action.source, action);
        this.#working.delete(action.source);
        return;
      case "lease":
      case "revoke":
      case "allot":
        return this.#post(action.source, action);
      case "server":
        if (action.state === "dropped") this.#options.onDropped(action.server);
        return this.#options.onNews(action);
      case "complete":
      case "stalled":
      case "orphaned":
        return this.#options.onNews(action);
      default:
        action satisfies never;
    }
  }

  #post(source: SourceId, event: ReceiverEvent): void {
    const index = this.#working.get(source);
    if (index === undefined) return;
    const seat = this.#seat(index);
    seat.toIt.post(() => {
      if (event.kind === "allot") seat.heldBytesMax = event.bufferBytesMax * HELD_BUFFER_SHARE;
      this.#receive(index, seat, event);
      this.books.onReceiverEvent(source, event);
    });
  }

  #freeIndex(): number {
    const working = new Set(this.#working.values());
    for (let index = 0;; index++) if (!working.has(index)) return index;
  }

  #receive(index: number, seat: Seat, event: ReceiverEvent): void {
    if (this.isClosed) return;
    const { nowMs } = this.#options.clock;
    const actions = seat.machine.handle(nowMs, event);
    for (const action of actions) this.#performReceiver(index, seat, action);
    seat.alarm.set(seat.machine.nextWakeupMs(nowMs));
  }

  #performReceiver(index: number, seat: Seat, action: ReceiverAction): void {
    this.books.onReceiverAction(action);
    switch (action.kind) {
      case "send":
        return this.#options.send(index, action.to, action.datagram);
      case "chunk":
        return this.#hold(index, seat, action);
      case "report":
        this.#handOverChunks(index, seat);
        return seat.toMain.post(() => {
          this.step(action);
        });
      case "gone":
        return seat.toMain.post(() => this.step(action));
      default:
        action satisfies never;
    }
  }

  #hold(
    index: number,
    seat: Seat,
    action: Extract<ReceiverAction, { kind: "chunk" }>,
  ): void {
    this.#options.onChunk(action);
    seat.held.push(action);
    seat.heldBytes += action.bytes;
    if (seat.heldBytes >= seat.heldBytesMax) this.#handOverChunks(index, seat);
  }

  /** As between workers, the buffers change hands: here nothing is left of them. */
  #handOverChunks(index: number, seat: Seat): void {
    if (seat.held.length === 0) return;
    const chunks = seat.held.map((chunk) => ({ ...chunk, buffer: moved(chunk.buffer) }));
    for (const { buffer } of chunks) seat.outBytes += buffer.length;
    seat.held = [];
    seat.heldBytes = 0;
    seat.toAssembler.post(() => {
      this.#options.assembler.onChunks(chunks, (buffers) => {
        const back = buffers.map(moved);
        seat.fromAssembler.post(() => {
          for (const buffer of back) seat.outBytes -= buffer.length;
          this.#receive(index, seat, { kind: "recycle", buffers: back });
        });
      });
    });
  }

  #flush(index: number, seat: Seat, joined: Joined): void {
    seat.joined = undefined;
    if (!this.isClosed) this.#handOverDatagrams(index, seat, joined.datagrams, joined.from);
  }

  #handOverDatagrams(
    index: number,
    seat: Seat,
    datagrams: readonly Bytes[],
    from: Endpoint,
  ): void {
    let length = 0;
    for (const datagram of datagrams) {
      this.#received.set(datagram, length);
      length += datagram.length;
    }
    const bytes = this.#received.subarray(0, length);
    this.#receive(index, seat, {
      kind: "datagrams",
      bytes,
      from,
      segmentBytes: datagrams[0]?.length ?? 0,
    });
    bytes.fill(0xa5);
  }

  #seat(index: number): Seat {
    const existing = this.#seats.get(index);
    if (existing !== undefined) return existing;
    const { clock, spec } = this.#options;
    const machine = new Receiver({
      mtuBytes: MTU_BYTES_DEFAULT,
      receiveBufferBytes: spec.receiveBufferBytes,
      clockOriginMs: 0,
    });
    const readyMs = this.#startMs();
    const seat: Seat = {
      machine,
      alarm: new Alarm(clock, () => this.#receive(index, seat, { kind: "wakeup" })),
      toIt: this.#channel(readyMs),
      toMain: this.#channel(),
      toAssembler: this.#channel(),
      fromAssembler: this.#channel(),
      held: [],
      heldBytes: 0,
      heldBytesMax: 0,
      joined: undefined,
      outBytes: 0,
    };
    this.#seats.set(index, seat);
    return seat;
  }

  #startMs(): number {
    const { clock, random } = this.#options;
    return clock.nowMs + random.between(0, START_MS_MAX);
  }

  #channel(readyMs = 0): Channel {
    const { clock, random, spec } = this.#options;
    return new Channel(clock, () => random.between(0, spec.hopMs), readyMs);
  }
}

function moved(bytes: Bytes): Bytes {
  return new Uint8Array(bytes.buffer.transfer());
}
