/** A server's data socket, which lives in the sender worker, as the main thread sees it. */
import type { Endpoint } from "../../address.ts";
import type { Bytes, HashHex, ServerId } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { OnRefused } from "../../io/net/send_queue.ts";
import { WorkerHandle, type WorkReply } from "../../io/system/worker_handle.ts";
import { DATA_PORTS } from "../../limits.ts";
import type { SenderReply, SenderRequest } from "../../messages/sender_worker.ts";
import type { ContentRef, LocatedContent, ServedFile } from "../../protocol/base/served_file.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import type { QuestionFrame } from "../../protocol/serve/questions.ts";
import type { SentShare } from "../../protocol/serve/sent_tally.ts";
import type { ServedCounts } from "../../protocol/serve/range_server.ts";
import { timesText } from "../stage_times.ts";

interface DataSocketOptions {
  readonly runtime: Runtime;
  /** Of its socket, but for the ports. */
  readonly transport: TransportConfig;
  /** Those that it may have, in this order; one of the usual range, or any free one, by default. */
  readonly ports?: readonly number[];
  readonly rateBytesPerS: number;
  readonly tokenSecret: Bytes;
  readonly server: ServerId;
  readonly onQuestion: (from: Endpoint, frame: QuestionFrame, frameBytes: number) => void;
  /** Which file has this content? */
  readonly locate: (root: HashHex, sizeBytes: number) => ServedFile | undefined;
  /** What is likely to be asked for after that. */
  readonly following: (ref: ContentRef) => readonly LocatedContent[];
  /** The file of this content is not what was indexed. */
  readonly onChanged: (root: HashHex, sizeBytes: number) => void;
  /** A client of the proved address `party` found this chunk bad, which it was sent. */
  readonly onStruck: (party: string, content: ContentRef, chunk: number) => void;
  /** A client begins to be sent this content. */
  readonly onFlow: (to: Endpoint, root: HashHex, sizeBytes: number) => void;
  /** What was sent whom since the last time. */
  readonly onSent: (shares: readonly SentShare[]) => void;
  /** What was sent and ignored since the last time. */
  readonly onServed: (served: ServedCounts) => void;
  /** What was ignored, or could not be sent. */
  readonly onDetail: (message: string) => void;
  /** The system refuses to send what was asked for. */
  readonly onRefused: OnRefused;
  /** The worker broke. */
  readonly onFailure: (error: ShoalError) => void;
}

type Opened = Extract<SenderReply, { kind: "ready" }>;

/** The first free one of the range; any other where none is. */
const PORTS: readonly number[] = [...DATA_PORTS, 0];

export class DataSocket {
  /** Rejects when the socket cannot be opened. */
  readonly opened: Promise<Opened>;
  readonly #options: DataSocketOptions;
  readonly #worker: WorkerHandle<SenderRequest, SenderReply>;
  readonly #left = Promise.withResolvers<void>();

  constructor(options: DataSocketOptions) {
    this.#options = options;
    const { runtime, transport, ports, rateBytesPerS, tokenSecret, server } = options;
    this.#worker = new WorkerHandle<SenderRequest, SenderReply>(runtime, "sender.ts", {
      init: {
        kind: "init",
        transport: { ...transport, ports: ports ?? PORTS, answers: true },
        rateBytesPerS,
        tokenSecret,
        serverId: server,
        clockOriginMs: runtime.clock.originMs(),
      },
      onReply: (reply) => this.#onReply(reply),
      onFailure: options.onFailure,
    });
    this.opened = this.#worker.ready;
  }

  send(to: Endpoint, datagrams: readonly Bytes[]): void {
    this.#worker.post({ kind: "send", to, datagrams });
  }

  /** A file that had this content has it no more: ask again before the next read. */
  forget(root: HashHex, sizeBytes: number): void {
    this.#worker.post({ kind: "forget", root, sizeBytes });
  }

  /** Where these lie, which somebody is about to ask for. */
  foresee(contents: readonly LocatedContent[]): void {
    this.#worker.post({ kind: "foreseen", contents });
  }

  /** Promises nothing more; resolves when all that was promised is sent. */
  async leave(): Promise<void> {
    this.#worker.post({ kind: "leave" });
    await this.#left.promise;
  }

  async close(): Promise<void> {
    const stopped = await this.#worker.end();
    if (stopped !== undefined) this.#options.onDetail(`sender: ${timesText(stopped.times)}`);
  }

  #onReply(reply: WorkReply<SenderReply>): void {
    switch (reply.kind) {
      case "question": {
        const { from, frame, frameBytes, work } = reply;
        this.#options.onQuestion(from, frame, frameBytes);
        return this.#worker.post({ kind: "handled", work });
      }
      case "locate": {
        const { root, sizeBytes } = reply;
        const file = this.#options.locate(root, sizeBytes);
        const found = file === undefined ? {} : { file };
        this.#worker.post({ kind: "located", root, sizeBytes, ...found });
        const next = this.#options.following({ root, sizeBytes });
        if (next.length > 0) this.foresee(next);
        return;
      }
      case "changed":
        return this.#options.onChanged(reply.root, reply.sizeBytes);
      case "struck": {
        const { party, root, sizeBytes, chunk } = reply;
        return this.#options.onStruck(party, { root, sizeBytes }, chunk);
      }
      case "flow":
        return this.#options.onFlow(reply.to, reply.root, reply.sizeBytes);
      case "sent":
        return this.#options.onSent(reply.shares);
      case "left":
        return this.#left.resolve();
      case "refused":
        return this.#options.onRefused(reply.refusal, reply.to);
      case "counts":
        return this.#onServed(reply);
      default:
        reply satisfies never;
    }
  }

  #onServed(served: ServedCounts): void {
    this.#options.onServed(served);
    const { malformed, dropped, tooLong } = served;
    if (malformed + dropped > 0) {
      this.#options.onDetail(`ignored ${malformed} malformed datagrams and ${dropped} requests`);
    }
    if (tooLong > 0) {
      this.#options.onDetail(`${tooLong} sends were too long for the network interface`);
    }
  }
}
