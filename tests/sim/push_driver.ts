/**
 * The driver of the third kind of source in a simulated world, and the sender that it hears: all of one file,
 * in small pieces, round and round, some of them lost and some of them wrong.
 */
import { type Bytes, serverId } from "../../lib/ids.ts";
import type { Runtime } from "../../lib/io/runtime.ts";
import type { Clock, Wakeup } from "../../lib/io/system/clock.ts";
import {
  type AssignOrder,
  SourceDriver,
  type SourceParent,
  type SourceSocket,
} from "../../lib/io/workers/source_driver.ts";
import type { SourceRoute } from "../../lib/protocol/download/source_route.ts";
import { runDriver } from "../../lib/io/workers/worker_driver.ts";
import type { SourceInit } from "../../lib/messages/chunk_source.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { chunkBytesFor } from "../../lib/protocol/merkle/merkle.ts";
import { type PushEvent, PushReceiver } from "./push_receiver.ts";
import type { PushSpec } from "./scenario.ts";
import type { SimContent } from "./sim_contents.ts";

type Parent = SourceParent<unknown, SourceRoute>;

const TICK_MS = 2;
/** No chunk ends within a piece. */
const PIECE_BYTES = 4_096;

/** Where pieces come from, and whose they are. */
export const PUSHER = {
  id: serverId("9f".repeat(16)),
  endpoint: { address: "10.0.1.200", port: 9_000 },
} as const;

export interface PushSender {
  readonly spec: PushSpec;
  /** What it sends. */
  readonly file: SimContent;
  readonly random: Random;
}

export function runPush(
  parent: Parent,
  { clock }: Pick<Runtime, "clock">,
  sender: PushSender,
): void {
  runDriver(parent, ({ feed }: SourceInit) => {
    const machine = new PushReceiver();
    const socket: PushSocket = new PushSocket(clock, sender, (event) => driver.onArrival(event));
    const driver = new SourceDriver<SourceRoute, PushEvent, never>({
      ...{ clock, parent, feed, machine, socket, hashedMs: () => 0 },
    });
    parent.post({ kind: "ready", detail: "pushed" });
    return driver;
  });
}

class PushSocket implements SourceSocket<SourceRoute, PushEvent, never> {
  readonly #clock: Clock;
  readonly #sender: PushSender;
  readonly #onPiece: (piece: PushEvent) => void;
  readonly #pieces: Wakeup;
  /** Where in the file the sender is. */
  #offset: number;
  #owedBytes = 0;
  readonly #sentChunks = new Set<number>();

  constructor(clock: Clock, sender: PushSender, onPiece: (piece: PushEvent) => void) {
    this.#clock = clock;
    this.#sender = sender;
    this.#onPiece = onPiece;
    const { bytes } = sender.file;
    this.#offset = PIECE_BYTES * sender.random.below(Math.ceil(bytes.length / PIECE_BYTES));
    this.#pieces = clock.timer(() => this.#tick());
    this.#pieces.set(Math.max(sender.spec.startsMs, clock.nowMs()));
  }

  assigned({ kind, source }: AssignOrder<SourceRoute>): PushEvent {
    return { kind, source };
  }

  /** It only hears. */
  perform(_action: never): void {}

  close() {
    this.#pieces.clear();
    return { waitMs: 0, detail: "" };
  }

  #tick(): void {
    const { spec: { bytesPerMs, endsMs = Infinity, loss }, file, random } = this.#sender;
    if (this.#clock.nowMs() >= endsMs) return;
    this.#owedBytes += bytesPerMs * TICK_MS;
    for (; this.#owedBytes >= PIECE_BYTES; this.#owedBytes -= PIECE_BYTES) {
      const offset = this.#offset;
      const bytes = this.#piece(offset);
      this.#offset = offset + PIECE_BYTES < file.bytes.length ? offset + PIECE_BYTES : 0;
      if (random.chance(loss)) continue;
      this.#onPiece({ kind: "piece", root: file.content.root, offset, bytes });
    }
    this.#pieces.set(this.#clock.nowMs() + TICK_MS);
  }

  /** What comes of a chunk while it comes for the first time may be wrong. */
  #piece(offset: number): Bytes {
    const { spec: { badChunks }, file } = this.#sender;
    const bytes = file.bytes.slice(offset, offset + PIECE_BYTES);
    const chunkBytes = chunkBytesFor(file.bytes.length);
    const chunk = Math.floor(offset / chunkBytes);
    if (!this.#sentChunks.has(chunk) && badChunks.includes(chunk)) bytes[0]! ^= 1;
    const isLast = (offset + bytes.length) % chunkBytes === 0 || bytes.length < PIECE_BYTES;
    if (isLast || offset + bytes.length === file.bytes.length) this.#sentChunks.add(chunk);
    return bytes;
  }
}
