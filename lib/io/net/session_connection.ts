/**
 * One connection of a session, over whatever stream: input is queued until a message is complete, output waits
 * its turn, and neither waits forever.
 */
import { type Endpoint, endpointText, partyOf } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { SESSION_COMMAND_BYTES_MAX, SESSION_LINE_BYTES_MAX } from "../../wire/limits.ts";
import { ASCII_QUIET_MS, SESSION_IDLE_MS } from "../../protocol/session/limits.ts";
import {
  LINGER_BYTES_MAX,
  LINGER_MS,
  SESSION_PACE_BYTES,
  SESSION_READ_BYTES,
  UPLOAD_MESSAGES_BYTES_MAX,
  UPLOAD_MESSAGES_PER_ADDRESS_BYTES_MAX,
} from "./limits.ts";
import type { Ended, LineRead, MessageRead } from "../../protocol/session/dialogue.ts";
import { ByteQueue } from "../../wire/byte_queue.ts";
import { type LineForm, takeLine } from "../../wire/session_ascii.ts";
import { type Opening, openingOf } from "../../wire/session_opening.ts";
import { claimedLength, takeMessage } from "../../wire/session_json.ts";
import type { ConnectionStage } from "../../protocol/base/admission.ts";
import type { Clock } from "../system/clock.ts";
import type { ByteStream } from "./byte_stream.ts";

/** The peer is gone, or too slow: nothing more can be said. */
export class ConnectionLost extends Error {
  override readonly name = "ConnectionLost";
}

interface Patience {
  readonly idleMs?: number;
  /** After how long a silence `take` may take what is there for all; `undefined` for never. */
  readonly quietMs?: () => number | undefined;
  /** How many bytes are known to come. */
  readonly expectedBytes?: () => number;
}

type Arrival = "data" | "closed";

function lost(why: "closed" | "late"): ConnectionLost {
  return new ConnectionLost(
    why === "late" ? "nothing arrived for too long" : "the connection ended",
  );
}

export class SessionConnection {
  readonly queue = new ByteQueue();
  readonly #stream: ByteStream;
  readonly #clock: Clock;
  readonly #budget: MessageBudget;
  readonly #idleMs: number;
  /** Made at the first read: many connections never send anything. */
  #buffer: Bytes | undefined;
  /** The one read that is under way; it outlives its caller. */
  #reading: Promise<Arrival> | undefined;
  #isClosed = false;
  /** When it connected. */
  readonly sinceMs: number;
  #activeMs: number;
  #stage: ConnectionStage = "asking";

  /** @param budget shared by the connections that one process reads messages from */
  constructor(
    stream: ByteStream,
    clock: Clock,
    budget = new MessageBudget(),
    idleMs = SESSION_IDLE_MS,
  ) {
    this.#stream = stream;
    this.#clock = clock;
    this.sinceMs = this.#activeMs = clock.nowMs();
    this.#budget = budget;
    this.#idleMs = idleMs;
  }

  /** `IP:PORT` of the peer. */
  get peer(): string {
    return endpointText(this.#stream.peer);
  }

  /** Our address, as the peer has reached it. */
  get localAddress(): string {
    return this.#stream.localAddress;
  }

  get peerEndpoint(): Endpoint {
    return this.#stream.peer;
  }

  /** The peer's address. */
  get peerAddress(): string {
    return this.#stream.peer.address;
  }

  /** When something was last received or sent. */
  get activeMs(): number {
    return this.#activeMs;
  }

  /** A first message that is longer than any command counts by what has come of it, not by its end. */
  get stage(): ConnectionStage {
    const isLong = this.queue.lengthBytes > SESSION_COMMAND_BYTES_MAX;
    return this.#stage === "asking" && isLong ? "served" : this.#stage;
  }

  /** What `take` finds in the input, as soon as it finds something. */
  async taken<T>(take: (queue: ByteQueue) => T | undefined): Promise<T | Ended> {
    return await this.#asked(this.#fill(() => take(this.queue), {}));
  }

  /** The next byte, without taking it. */
  async peek(): Promise<number | undefined> {
    const end = await this.#fill(() => this.queue.lengthBytes > 0 ? true : undefined, {});
    return end === true ? this.queue.peek(1)[0] : undefined;
  }

  /** What the peer begins to speak, without taking it; `undefined` if it says nothing. */
  async opening(): Promise<Opening | undefined> {
    const take = (isQuiet: boolean): { readonly opening: Opening } | undefined => {
      const opening = openingOf(this.queue.peek(SESSION_LINE_BYTES_MAX + 1), isQuiet);
      return opening && { opening };
    };
    const end = await this.#fill(take, { quietMs: this.#quietMs });
    return "opening" in end ? end.opening : undefined;
  }

  async line(form: LineForm): Promise<LineRead> {
    return await this.#asked(
      this.#fill((isQuiet) => takeLine(this.queue, form, isQuiet), { quietMs: this.#quietMs }),
    );
  }

  /**
   * The next message; one for which no room is left in the budget counts as too large.
   *
   * @param idleMs how long it may take to come, Infinity included
   */
  async message(bytesMax: number, idleMs = this.#idleMs): Promise<MessageRead> {
    const take = (): MessageRead | undefined => {
      const hasRoom = this.#budget.hold(this, this.queue.lengthBytes);
      return takeMessage(this.queue, hasRoom ? bytesMax : 0);
    };
    const expectedBytes = (): number => claimedLength(this.queue) ?? 0;
    const read = await this.#asked(this.#fill(take, { idleMs, expectedBytes }));
    this.#budget.hold(this, 0);
    return read;
  }

  /** For reading a body that must not take for ever. */
  pace(idleMs = this.#idleMs): Pace {
    return new Pace(this.#clock, idleMs);
  }

  /** Resolves when nothing more will come of the peer, whatever comes until then. */
  async ended(): Promise<void> {
    while (!this.#isClosed) {
      if (await this.#arrival(this.#idleMs) === "closed") return;
      this.queue.skip(Infinity);
    }
  }

  /** Waits until more bytes are in the queue. Throws {@linkcode ConnectionLost} if none come. */
  async more(pace: Pace): Promise<void> {
    if (!await this.moreWithin(Infinity, pace)) throw lost("late");
  }

  /**
   * Waits for more bytes for `patienceMs` at most; returns whether any have come. Throws {@linkcode ConnectionLost} if none will.
   */
  async moreWithin(patienceMs: number, pace: Pace): Promise<boolean> {
    const queuedBytes = this.queue.lengthBytes;
    const arrival = await this.#arrival(Math.min(patienceMs, pace.leftMs));
    pace.on(this.queue.lengthBytes - queuedBytes);
    if (arrival === "closed" || (arrival === "late" && pace.leftMs === 0)) throw lost(arrival);
    return arrival === "data";
  }

  /** Passes over bytes; `false` if they do not come. */
  async skip(lengthBytes: number): Promise<boolean> {
    const pace = this.pace();
    for (let left = lengthBytes - this.queue.skip(lengthBytes); left > 0;) {
      if (await this.#arrival(pace.leftMs) !== "data") return false;
      const skipped = this.queue.skip(left);
      pace.on(skipped);
      left -= skipped;
    }
    return true;
  }

  /** Throws {@linkcode ConnectionLost} when the peer is gone or does not take it. */
  async send(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) {
      const written = await this.#clock.within(
        this.#stream.write(bytes.subarray(at)),
        this.#idleMs,
      );
      if (written === undefined) this.close();
      if (!written) throw new ConnectionLost("the peer is gone, or takes nothing");
      this.#activeMs = this.#clock.nowMs();
      at += written;
    }
  }

  /** Says that nothing follows, and gives the peer time to read what was sent. */
  async finish(): Promise<void> {
    this.#stage = "ended";
    try {
      await this.#stream.closeWrite();
      // Closed with bytes unread, the connection would take back what was said last.
      const endMs = this.#clock.nowMs() + LINGER_MS;
      for (let bytes = 0; bytes < LINGER_BYTES_MAX;) {
        if (await this.#arrival(Math.max(0, endMs - this.#clock.nowMs())) !== "data") break;
        bytes += this.queue.skip(Infinity);
      }
    } catch {
      // The peer was faster.
    }
    this.close();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#budget.hold(this, 0);
    this.#stream.close();
  }

  /** What was read is a request, or all of one that will ever come. */
  async #asked<T>(read: Promise<T>): Promise<T> {
    const taken = await read;
    if (this.#stage === "asking") this.#stage = "served";
    return taken;
  }

  /** What has come may be a whole message, if nothing follows for this long. */
  readonly #quietMs = (): number | undefined =>
    this.queue.lengthBytes > 0 ? ASCII_QUIET_MS : undefined;

  /**
   * Reads until `take` has what it wants. A message must be whole within the idle time, and so much
   * longer as its length asks for at the slowest pace.
   */
  async #fill<T>(
    take: (isQuiet: boolean) => T | undefined,
    patience: Patience,
  ): Promise<T | Ended> {
    const { idleMs = this.#idleMs, quietMs, expectedBytes } = patience;
    const startMs = this.#clock.nowMs();
    for (let isQuiet = false;;) {
      const taken = take(isQuiet);
      if (taken !== undefined) return taken;
      const allowedMs = idleMs * (1 + (expectedBytes?.() ?? 0) / SESSION_PACE_BYTES);
      const leftMs = startMs + allowedMs - this.#clock.nowMs();
      if (leftMs <= 0) return { kind: "ended", why: "idle" };
      const pauseMs: number | undefined = isQuiet ? undefined : quietMs?.();
      const arrival = await this.#arrival(Math.min(leftMs, pauseMs ?? this.#idleMs));
      if (arrival === "closed") return take(true) ?? { kind: "ended", why: "closed" };
      isQuiet = arrival === "late" && pauseMs !== undefined && pauseMs <= leftMs;
    }
  }

  /** What happens first: bytes arrive, the peer ends, or the time is over. */
  async #arrival(patienceMs: number): Promise<Arrival | "late"> {
    this.#reading ??= this.#read();
    const arrival = await this.#clock.within(this.#reading, patienceMs);
    if (arrival !== undefined) this.#reading = undefined;
    return arrival ?? "late";
  }

  async #read(): Promise<Arrival> {
    const buffer = this.#buffer ??= new Uint8Array(SESSION_READ_BYTES);
    const count = await this.#stream.read(buffer);
    if (count === 0) return "closed";
    this.#activeMs = this.#clock.nowMs();
    // What fills most of the buffer keeps it; a little is copied, so that it does not keep much.
    const isMuch = count > buffer.length / 2;
    this.queue.push(isMuch ? buffer.subarray(0, count) : buffer.slice(0, count));
    if (isMuch) this.#buffer = undefined;
    return "data";
  }
}

/** What all connections together keep of messages that are not complete, and those of one address. */
export class MessageBudget {
  readonly #held = new Map<{ readonly peerAddress: string }, number>();
  readonly #heldByParty = new Map<string, number>();
  #heldBytes = 0;

  /** `holder` holds so much now; `false` if that is more than a little and too much of the whole. */
  hold(holder: { readonly peerAddress: string }, bytes: number): boolean {
    const before = this.#held.get(holder) ?? 0;
    if (bytes === before) return this.#hasRoom(holder, bytes);
    const party = partyOf(holder.peerAddress);
    const ofParty = (this.#heldByParty.get(party) ?? 0) + bytes - before;
    this.#heldBytes += bytes - before;
    if (bytes === 0) this.#held.delete(holder);
    else this.#held.set(holder, bytes);
    if (ofParty === 0) this.#heldByParty.delete(party);
    else this.#heldByParty.set(party, ofParty);
    return this.#hasRoom(holder, bytes);
  }

  #hasRoom(holder: { readonly peerAddress: string }, bytes: number): boolean {
    if (bytes <= 2 * SESSION_COMMAND_BYTES_MAX) return true;
    const ofParty = this.#heldByParty.get(partyOf(holder.peerAddress)) ?? 0;
    return this.#heldBytes <= UPLOAD_MESSAGES_BYTES_MAX &&
      ofParty <= UPLOAD_MESSAGES_PER_ADDRESS_BYTES_MAX;
  }
}

/** The time that a slow sender has left: so much for each piece of its body. */
class Pace {
  readonly #clock: Clock;
  readonly #idleMs: number;
  #deadlineMs: number;
  #bytes = 0;

  constructor(clock: Clock, idleMs: number) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#deadlineMs = this.#clock.nowMs() + idleMs;
  }

  get leftMs(): number {
    return Math.max(0, this.#deadlineMs - this.#clock.nowMs());
  }

  on(bytes: number): void {
    this.#bytes += bytes;
    if (this.#bytes < SESSION_PACE_BYTES) return;
    this.#bytes = 0;
    this.#deadlineMs = this.#clock.nowMs() + this.#idleMs;
  }
}
