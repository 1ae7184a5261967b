/**
 * What a server does with an index: it answers questions that come in on its two sockets
 * for datagrams, serves requests for bytes, and talks to clients over TCP. What it says of itself, and to whom
 * else, is the business of `serve.ts`.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import type { Bytes, Content, HashHex, ServerId } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import type { Runtime } from "../../io/runtime.ts";
import type {
  RefusedUpload,
  SessionSettings,
  UploadedFile,
} from "../../messages/session_worker.ts";
import type { InterfaceChoice, TransportConfig } from "../../messages/transport_config.ts";
import { isFromExcluded } from "../../io/net/network.ts";
import { KnownSubnets } from "./known_subnets.ts";
import { Random } from "../../protocol/base/random.ts";
import { type SendRefusal, SendRefusals } from "../../protocol/base/send_refusals.ts";
import { Tokens } from "../../protocol/base/tokens.ts";
import { chunkBytesFor } from "../../protocol/merkle/merkle.ts";
import { DelayedAnswers } from "../../protocol/serve/delayed_answers.ts";
import type { QuestionFrame } from "../../protocol/serve/questions.ts";
import type { ServedCounts } from "../../protocol/serve/range_server.ts";
import {
  type AnsweringPort,
  Responder,
  type ResponderAction,
} from "../../protocol/serve/responder.ts";
import type { LogLevel } from "../../protocol/session/dialogue.ts";
import { DataSocket } from "./data_socket.ts";
import { DiscoverySocket } from "./discovery_socket.ts";
import type { ServedIndex } from "../index/served_index.ts";
import type { PackJob } from "../../protocol/serve/packs.ts";
import { PackingService } from "./packing_service.ts";
import { type ReadPart, TransferReport } from "./transfer_report.ts";
import type { TransferEvent } from "../events.ts";
import type { SentShare } from "../../protocol/serve/sent_tally.ts";
import type { OpenUpload, UploadToBegin } from "../receiving.ts";
import { SessionService } from "./session_service.ts";

type SendAction = Extract<ResponderAction, { kind: "send" }>;

interface ServingOptions {
  readonly runtime: Runtime;
  readonly index: ServedIndex;
  readonly server: ServerId;
  readonly tokenSecret: Bytes;
  /** For the order of similar names, and for delays. */
  readonly seed: number;
  /** The shared socket, which is open already. */
  readonly discovery: DatagramTransport;
  /** On which interfaces it lets itself be found. */
  readonly interfaces: InterfaceChoice;
  /** Of the data socket, but for its ports. */
  readonly transport: TransportConfig;
  /** The only one that it may have; one of the usual range, or any free one, by default. */
  readonly dataPort?: number;
  readonly rateBytesPerS: number;
  readonly sessions: Omit<SessionSettings, "uploadDir">;
  /** Somebody speaks our own protocol. */
  readonly onSearched: (from: Endpoint) => void;
  /** `name` is unchecked. */
  readonly onClassicRequest: (from: Endpoint, name: string) => void;
  /** A name was asked for. */
  readonly onRequested: (name: string, client: string) => void;
  /** A client begins to be sent a file. */
  readonly onSending: (name: string, client: string) => void;
  /** What somebody fetches begins, goes on, or is over. */
  readonly onTransfer: (event: TransferEvent) => void;
  readonly onUploaded: (file: UploadedFile, client: string) => void;
  readonly onRefused: (upload: RefusedUpload) => void;
  readonly onLog: (level: LogLevel, message: string) => void;
  readonly onServed: (served: ServedCounts) => void;
  /** For people who look for a fault. */
  readonly onDetail: (message: string) => void;
  /** A socket or a worker broke. */
  readonly onFailure: (error: ShoalError) => void;
}

interface OpenedPorts {
  readonly dataPort: number;
  readonly tcpPort: number;
  readonly isTuned: boolean;
}

export class Serving {
  readonly #options: ServingOptions;
  readonly #responder: Responder;
  /** Nobody is answered before all ports are known: an offer that names half of them would be kept. */
  #discovery: DiscoverySocket | undefined;
  readonly #data: DataSocket;
  readonly #packing: PackingService;
  readonly #sessions: SessionService;
  readonly #transfers: TransferReport;
  readonly #delayed: DelayedAnswers<SendAction>;
  readonly #timer: Wakeup;
  readonly #refusals = new SendRefusals();

  constructor(options: ServingOptions) {
    this.#options = options;
    const { runtime, index, server, tokenSecret, seed, discovery, onFailure } = options;
    const { transport, rateBytesPerS, onServed, onDetail, dataPort } = options;
    this.#responder = new Responder({
      server,
      tokens: new Tokens(tokenSecret),
      view: index,
      seed,
      overheadBytes: discovery.overheadBytes,
    });
    this.#delayed = new DelayedAnswers(new Random(seed));
    this.#timer = runtime.clock.timer(() => this.#sendDelayed());
    this.#packing = new PackingService({
      ...{ runtime, index, onDetail },
      onAnswer: (to, datagram) => this.#data.send(to, [datagram]),
      onForeseen: (content) => this.#data.foresee([content]),
      onDropped: ({ root, sizeBytes }) => this.#data.forget(root, sizeBytes),
    });
    this.#transfers = new TransferReport({
      ...{ clock: runtime.clock, index, emit: options.onTransfer },
      packedRange: (pack) => this.#packing.rangeOf(pack),
    });
    const onSent = (shares: readonly SentShare[]): void => this.#transfers.onSent(shares);
    this.#data = new DataSocket({
      ...{ runtime, transport, rateBytesPerS, tokenSecret, server },
      ...{ onDetail, onFailure },
      onServed: (served) => {
        this.#packing.onSent(served.sentBytes);
        onServed(served);
      },
      ...(dataPort !== undefined && { ports: [dataPort] }),
      onRefused: (...refused) => this.tellRefused(...refused),
      onQuestion: (...question) => this.#onQuestion("data", ...question),
      locate: (root, sizeBytes) =>
        this.#packing.located({ root, sizeBytes }) ?? index.located(root, sizeBytes),
      following: (ref) => index.following(ref),
      onChanged: (root, sizeBytes) => this.#onChanged(root, sizeBytes),
      onStruck: (party, content, chunk) => {
        const packed = this.#packing.doubt(content);
        if (packed === undefined) return index.doubt(party, content, chunk);
        for (const each of chunksOf(packed)) index.doubt(party, packed.content, each);
      },
      onFlow: (to, root, sizeBytes) => this.#onFlow(to, root, sizeBytes),
      onSent,
    });
    const { onUploaded, onRefused, onSending, onLog } = options;
    this.#sessions = new SessionService({
      ...{ runtime, index, onUploaded, onRefused, onSending, onSent, onLog, onFailure },
      ...options.sessions,
    });
  }

  /** Resolves when questions are answered and requests are served; rejects when a port cannot be opened. */
  async open(): Promise<OpenedPorts> {
    const { port: dataPort, isTuned } = await this.#data.opened;
    const tcpPort = await this.#sessions.opened;
    this.#responder.tcpPort = tcpPort;
    this.#responder.dataPort = dataPort;
    const { discovery, onClassicRequest, onFailure } = this.#options;
    // What came meanwhile has waited in the socket.
    this.#discovery = new DiscoverySocket(discovery, {
      isHeard: this.#neighbours(),
      onQuestion: (...question) => this.#onQuestion("discovery", ...question),
      onClassicRequest,
      onRefused: (...refused) => this.tellRefused(...refused),
      onFailure,
    });
    return { dataPort, tcpPort, isTuned };
  }

  /** Who is listened to at the port of discovery. */
  #neighbours(): (address: string) => boolean {
    const { interfaces, runtime: { clock, net } } = this.#options;
    if (interfaces.only.length + interfaces.except.length === 0) return () => true;
    const subnets = new KnownSubnets(clock, net);
    return (address) => !isFromExcluded(address, subnets.now, interfaces);
  }

  /** Whether somebody at `address` has lately shown a token that was sent there. */
  hasProved(address: string): boolean {
    return this.#responder.hasProved(this.#options.runtime.clock.nowMs(), address);
  }

  /** A file that had this content has it no more. */
  forget({ root, sizeBytes }: Content): void {
    this.#packing.forget({ root, sizeBytes });
    this.#data.forget(root, sizeBytes);
  }

  /** Begins an upload that comes by neither. */
  async beginUpload(upload: UploadToBegin): Promise<OpenUpload> {
    return await this.#sessions.beginUpload(upload);
  }

  /** Somebody is sent something by neither of its sockets nor its sessions. */
  onRead(part: ReadPart): void {
    this.#transfers.onRead(part);
  }

  /** The system refuses to send this, from whichever socket of the server. */
  tellRefused(refusal: SendRefusal, to: Endpoint): void {
    const message = this.#refusals.notice(refusal, to);
    if (message !== undefined) this.#options.onLog("WARNING", message);
  }

  /** Resolves when its sockets and workers are closed. */
  async close(): Promise<void> {
    this.#timer.clear();
    const { discovery, onDetail } = this.#options;
    await discovery.close();
    const { port } = discovery;
    const noiseCount = this.#discovery?.noiseCount ?? 0;
    if (noiseCount > 0) onDetail(`ignored ${noiseCount} datagrams on port ${port}`);
    await this.#data.close();
    await this.#packing.close();
    await this.#sessions.close();
    this.#transfers.close();
  }

  // — Questions —————————————————————————————————————————————————————————————————————————————————

  #onQuestion(
    askedAt: AnsweringPort,
    from: Endpoint,
    frame: QuestionFrame,
    frameBytes: number,
  ): void {
    if (this.#discovery === undefined) return;
    if (frame.kind === "find") this.#options.onSearched(from);
    const now = this.#options.runtime.clock.nowMs();
    for (const action of this.#responder.handle(now, from, frame, frameBytes, askedAt)) {
      this.#perform(action);
    }
  }

  #perform(action: ResponderAction): void {
    switch (action.kind) {
      case "send":
        return action.afterMs === 0 ? this.#send(action) : this.#sendLater(action);
      case "prioritise":
        return this.#options.index.prioritise(action.name, action.party);
      case "pack":
        return this.#packing.ask(action.to, action.want);
      case "requested":
        return this.#options.onRequested(action.name, endpointText(action.from));
      default:
        action satisfies never;
    }
  }

  #send({ to, port, datagrams }: SendAction): void {
    const socket = port === "data" ? this.#data : this.#discovery;
    socket?.send(to, datagrams);
  }

  #sendLater(action: SendAction): void {
    const now = this.#options.runtime.clock.nowMs();
    this.#delayed.add(now + action.afterMs, action);
    this.#timer.set(this.#delayed.nextWakeupMs());
  }

  #sendDelayed(): void {
    for (const action of this.#delayed.take(this.#options.runtime.clock.nowMs())) {
      this.#send(action);
    }
    this.#timer.set(this.#delayed.nextWakeupMs());
  }

  // — Requests for bytes, and what becomes of files —————————————————————————————————————————————

  #onFlow(to: Endpoint, root: HashHex, sizeBytes: number): void {
    const name = this.#options.index.located(root, sizeBytes)?.name;
    if (name !== undefined) this.#options.onSending(name, endpointText(to));
  }

  /** The sender could not read what was indexed. */
  #onChanged(root: HashHex, sizeBytes: number): void {
    this.#options.index.mistrust(root, sizeBytes);
  }
}

/** The chunks of which a part is in this range. */
function* chunksOf({ content: { sizeBytes }, offset, lengthBytes }: PackJob): Generator<number> {
  const chunkBytes = chunkBytesFor(sizeBytes);
  const end = Math.ceil((offset + lengthBytes) / chunkBytes);
  for (let chunk = Math.floor(offset / chunkBytes); chunk < end; chunk++) yield chunk;
}
