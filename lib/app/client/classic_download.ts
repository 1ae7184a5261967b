/**
 * One file from servers that only speak the classic protocol: the machine of
 * `protocol/classic_client.ts` wired to a socket and a part file.
 *
 * Classic datagrams name no file, so each download has a port of its own. What arrives is proved only
 * by the whole file's SHA-256, so a download that ends early leaves nothing to resume from.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import type { HashHex, SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import {
  ClassicTarget,
  type ClassicTargetOptions,
  type PublishedFile,
} from "../../io/files/classic_target.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import { SendQueue } from "../../io/net/send_queue.ts";
import type { DatagramTransport, Received } from "../../io/net/datagram_transport.ts";
import type { Runtime } from "../../io/runtime.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import { displayName } from "../../names.ts";
import { secondsLeftField } from "../seconds_left.ts";
import { usualPath } from "../usual_path.ts";
import {
  ClassicClient,
  type ClassicClientAction,
  type ClassicClientEvent,
} from "../../protocol/classic/classic_client.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { TimeLeft } from "../../protocol/base/time_left.ts";
import { NO_TOKEN } from "../../protocol/base/tokens.ts";
import { encodeClassicRequest } from "../../wire/classic.ts";
import { encodeFrame } from "../../wire/frames.ts";
import type { DoneEvent, FailedEvent, GetEvent, ServerShare } from "../events.ts";

/** In place of a server id: classic servers have none. */
const CLASSIC_ID = "classic";

export interface ClassicDownloadOptions extends ClassicTargetOptions {
  readonly name: SafeFileName;
  /** Only this content is wanted. */
  readonly sha256?: HashHex;
  /** Where to ask, one at a time. */
  readonly targets: readonly Endpoint[];
  readonly timeoutMs: number;
  readonly retries: number;
  readonly runtime: Runtime;
  readonly transport: TransportConfig;
  /** When the search for the file began. */
  readonly startedMs: number;
  /** Asked at the first answer: whether the file is still wanted from here. */
  readonly onAnswer: () => boolean;
  /** Progress and notices. How it ended is in {@linkcode ClassicDownload.ended}. */
  readonly emit: (event: GetEvent) => void;
}

/** What the system refuses to send to an address, it has refused to the FINDs of the same run. */
const toldBySearch = (): void => {};

export class ClassicDownload {
  /** `undefined` when it was closed, or not wanted any more, before it came to an end. */
  readonly ended: Promise<DoneEvent | FailedEvent | undefined>;
  readonly #end: (event?: DoneEvent | FailedEvent) => void;
  readonly #options: ClassicDownloadOptions;
  readonly #client: ClassicClient;
  readonly #transport: DatagramTransport;
  readonly #queue: SendQueue;
  readonly #timer: Wakeup;
  readonly #meter: RateMeter;
  readonly #timeLeft = new TimeLeft();
  #target: ClassicTarget | undefined;
  #published: Promise<void> = Promise.resolve();
  #progressAtMs = 0;
  #meteredBytes = 0;
  #isOver = false;

  /** Asks at once. Throws a ShoalError where no socket can be opened. */
  constructor(options: ClassicDownloadOptions) {
    this.#options = options;
    const { clock } = options.runtime;
    this.#timer = clock.timer(() => this.#step({ kind: "wakeup" }));
    this.#meter = new RateMeter(clock.nowMs());
    const { promise, resolve } = Promise.withResolvers<DoneEvent | FailedEvent | undefined>();
    this.ended = promise;
    this.#end = resolve;
    const { name, sha256, timeoutMs, retries, targets } = options;
    const pinned = sha256 === undefined ? {} : { sha256 };
    const addressCount = targets.length;
    this.#client = new ClassicClient({ name, addressCount, timeoutMs, retries, ...pinned });
    this.#transport = options.runtime.net.openDatagrams(options.transport);
    this.#queue = new SendQueue(this.#transport, toldBySearch);
    this.#transport.listen(
      (received) => this.#take(received),
      (error) => this.#fail(error),
    );
    this.#step({ kind: "started" });
  }

  /** Gives up whatever is not complete. Settles when nothing is left of it, the part file included. */
  async close(): Promise<void> {
    this.#finish();
    await Promise.all([this.#transport.close(), this.#published]);
  }

  /**
   * Tells Shoal servers that this port speaks Shoal, so that they leave its requests to the others:
   * before each of them, because a server may be new, or have missed it the last time. It needs no answer, and so no padding,
   * which some paths would not carry.
   */
  #announce(target: Endpoint): void {
    const queryId = this.#options.runtime.random.u64();
    const find = {
      kind: "find",
      queryId,
      token: NO_TOKEN,
      round: 0,
      known: [],
      queries: [],
    } as const;
    const frame = encodeFrame(find, this.#transport.overheadBytes, 0);
    this.#queue.push(frame, target);
  }

  #take({ bytes, from }: Received): void {
    this.#step({ kind: "datagram", from, bytes });
    this.#reportProgress();
  }

  #step(event: ClassicClientEvent): void {
    if (this.#isOver) return;
    try {
      for (const action of this.#client.handle(this.#options.runtime.clock.nowMs(), event)) {
        this.#perform(action);
      }
    } catch (error) {
      this.#fail(ShoalError.from(error));
    }
    if (!this.#isOver) this.#timer.set(this.#client.nextWakeupMs());
  }

  #perform(action: ClassicClientAction): void {
    const { name, targets, emit } = this.#options;
    switch (action.kind) {
      case "ask":
        this.#announce(targets[action.addressIndex]!);
        return this.#ask(targets[action.addressIndex]!);
      case "ask_server":
        return this.#ask(action.server);
      case "found": {
        const { chunkCount, sha256 } = action.answer;
        if (this.#target === undefined && !this.#begin(sha256)) return;
        const message = `Server found: ${endpointText(action.server)} has ${displayName(name)} ` +
          `(classic, ${chunkCount} chunks, sha256 ${sha256})`;
        return emit({ event: "notice", level: "info", message });
      }
      case "write":
        return this.#target?.write(action.bytes, action.offset, this.#client.sizeBytes);
      case "clear":
        return this.#target?.clear();
      case "complete":
        this.#published = this.#publish(action.sizeBytes, action.sha256);
        return;
      case "notice":
        return emit({ event: "notice", level: "warning", message: action.message });
      case "failed":
        return this.#fail(action.error);
    }
  }

  #ask(to: Endpoint): void {
    this.#queue.push(encodeClassicRequest(this.#options.name), to);
  }

  /** Whether the file is wanted from here; if so, its part file is open and empty. */
  #begin(sha256: HashHex): boolean {
    const { runtime, name, onAnswer } = this.#options;
    if (!onAnswer()) {
      this.#finish();
      return false;
    }
    this.#target = new ClassicTarget(runtime, name, sha256, this.#options);
    return true;
  }

  /** Every chunk is there: is it the file? */
  async #publish(sizeBytes: number, sha256: HashHex): Promise<void> {
    try {
      const published = await this.#target?.publish(sizeBytes, sha256);
      if (published === undefined) return this.#step({ kind: "rejected" });
      this.#finish(this.#doneEvent(published, sizeBytes, sha256));
    } catch (error) {
      this.#fail(ShoalError.from(error));
    }
  }

  #doneEvent({ path, isPresent }: PublishedFile, size: number, sha256: HashHex): DoneEvent {
    return {
      event: "done",
      name: this.#options.name,
      path,
      ...usualPath(this.#options.outDir, this.#options.savedAs ?? this.#options.name, path),
      size,
      sha256,
      seconds: (this.#options.runtime.clock.nowMs() - this.#options.startedMs) / 1_000,
      resumedBytes: 0,
      savedBytes: 0,
      present: isPresent,
      servers: this.#client.shares.map((share): ServerShare => ({
        server: endpointText(share.server),
        id: CLASSIC_ID,
        bytes: share.bytes,
        chunks: share.chunks,
        badChunks: share.badChunks,
        retransmits: share.askedAgain,
        savedBytes: 0,
      })),
    };
  }

  #reportProgress(): void {
    const now = this.#options.runtime.clock.nowMs();
    const { receivedBytes: bytes, sizeBytes: size, shares } = this.#client;
    if (this.#isOver || bytes === 0 || now < this.#progressAtMs) return;
    this.#progressAtMs = now + PROGRESS_INTERVAL_MS;
    this.#meter.add(Math.max(0, bytes - this.#meteredBytes));
    this.#meteredBytes = bytes;
    const rate = this.#meter.read(now);
    const lanes = shares.map((share) => ({
      server: endpointText(share.server),
      rate: rate * share.bytes / bytes,
      bytes: share.bytes,
    }));
    this.#timeLeft.note(now, bytes, 0);
    const time = secondsLeftField(this.#timeLeft.seconds(now, size - bytes, 0));
    const { name, emit } = this.#options;
    emit({ event: "progress", name, bytes, size, rate, ...time, lanes });
  }

  #fail(error: ShoalError): void {
    this.#finish({ event: "failed", name: this.#options.name, ...error.toMessage() });
  }

  #finish(event?: DoneEvent | FailedEvent): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer.clear();
    try {
      this.#target?.discard();
    } catch (error) {
      const { message } = ShoalError.from(error);
      this.#options.emit({ event: "notice", level: "warning", message });
    }
    this.#end(event);
  }
}
