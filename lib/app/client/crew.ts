/**
 * The workers of a client: one assembler, and receivers as the coordinator asks for them. Carries
 * out what the coordinator says and tells it what they answer; the files themselves pass by.
 */
import { type ReceiverIndex, receiverIndex, type ServerId, type TransferId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { RECEIVERS_MAX } from "../../protocol/download/limits.ts";
import { nowMs, WakeupTimer } from "../../io/system/clock.ts";
import { randomU64 } from "../../io/system/random_source.ts";
import { startWorker, type WorkerPort } from "../../io/system/worker_port.ts";
import type { AssemblerReply, AssemblerRequest } from "../../messages/assembler.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import type { ReceiverReply, ReceiverRequest, StageTimes } from "../../messages/receiver.ts";
import {
  Coordinator,
  type CoordinatorAction,
  type CoordinatorEvent,
} from "../../protocol/download/coordinator.ts";
import { paceText, timesText } from "../stage_times.ts";

/** What the coordinator decides that is not a worker's business. */
export type CrewNews = Extract<
  CoordinatorAction,
  { kind: "server" | "complete" | "stalled" | "orphaned" }
>;

export interface CrewOptions {
  /** Of each receiver's socket. */
  readonly transport: TransportConfig;
  readonly timeoutMs: number;
  readonly rateBytesPerS: number;
  /** A transfer's news from the assembler. */
  readonly onAssembler: (reply: Extract<AssemblerReply, { transfer: TransferId }>) => void;
  readonly onNews: (news: CrewNews) => void;
  /** New payload bytes from a server. */
  readonly onBytes: (server: ServerId, bytes: number) => void;
  /** A worker broke: nothing can go on. */
  readonly onFailure: (error: ShoalError) => void;
  /** What a worker's socket was tuned to, and where its time went. */
  readonly onDetail: (message: string) => void;
}

interface ReceiverSeat {
  readonly port: WorkerPort<ReceiverReply, ReceiverRequest>;
  readonly stopped: PromiseWithResolvers<void>;
}

export class Crew {
  readonly coordinator: Coordinator;
  readonly #options: CrewOptions;
  readonly #assembler: WorkerPort<AssemblerReply, AssemblerRequest>;
  readonly #assemblerStopped = Promise.withResolvers<void>();
  readonly #seats = new Map<ReceiverIndex, ReceiverSeat>();
  /** Of those that have stopped. */
  readonly #receiverTimes: StageTimes[] = [];
  readonly #timer = new WakeupTimer(() => this.step({ kind: "wakeup" }));

  constructor(options: CrewOptions) {
    this.#options = options;
    this.coordinator = new Coordinator(options);
    this.#assembler = startWorker<AssemblerReply, AssemblerRequest>("assembler.ts");
    this.#assembler.onError((error) => {
      this.#assemblerStopped.resolve();
      options.onFailure(error);
    });
    this.#assembler.onMessage((reply) => this.#onAssembler(reply));
    this.#assembler.post({ kind: "init" });
    // Nearly every run needs one receiver; it starts while the first question is on its way.
    this.warmUp(1);
  }

  /** Tells the coordinator and does what it says. */
  step(event: CoordinatorEvent): void {
    const now = nowMs();
    for (const action of this.coordinator.handle(now, event)) this.#perform(action);
    this.#timer.set(this.coordinator.nextWakeupMs(now));
  }

  /** Starts the receiver workers that so many servers will need. */
  warmUp(serverCount: number): void {
    const count = Math.min(serverCount, RECEIVERS_MAX);
    for (let index = 0; index < count; index++) this.#seat(receiverIndex(index));
  }

  askAssembler(request: AssemblerRequest): void {
    this.#assembler.post(request);
  }

  /** Stops every worker; what is verified is on disk and marked when this resolves. */
  async close(): Promise<void> {
    this.#timer.clear();
    for (const seat of this.#seats.values()) seat.port.post({ kind: "stop" });
    await Promise.all([...this.#seats.values()].map((seat) => seat.stopped.promise));
    this.#assembler.post({ kind: "stop" });
    await this.#assemblerStopped.promise;
    for (const seat of this.#seats.values()) seat.port.close();
    this.#assembler.close();
  }

  #perform(action: CoordinatorAction): void {
    switch (action.kind) {
      case "assign": {
        const seat = this.#seat(action.receiver);
        const assignment = { ...action.path, server: action.server, nonce: randomU64() };
        return seat.port.post({ kind: "assign", assignment });
      }
      case "path": {
        const assignment = { ...action.path, server: action.server, nonce: randomU64() };
        return this.#seat(action.receiver).port.post({ kind: "path", assignment });
      }
      case "release":
        return this.#seat(action.receiver).port.post(action);
      case "lease":
        return this.#seat(action.receiver).port.post(action, [action.lease.hashes.buffer]);
      case "revoke":
      case "allot":
        return this.#seat(action.receiver).port.post(action);
      case "server":
      case "complete":
      case "stalled":
      case "orphaned":
        return this.#options.onNews(action);
      default:
        action satisfies never;
    }
  }

  /** The receiver worker of this index, started when it is first needed. */
  #seat(receiver: ReceiverIndex): ReceiverSeat {
    const existing = this.#seats.get(receiver);
    if (existing !== undefined) return existing;
    const port = startWorker<ReceiverReply, ReceiverRequest>("receiver.ts");
    const seat: ReceiverSeat = { port, stopped: Promise.withResolvers<void>() };
    this.#seats.set(receiver, seat);
    port.onError((error) => {
      seat.stopped.resolve();
      this.#options.onFailure(error);
    });
    port.onMessage((reply) => this.#onReceiver(receiver, seat, reply));
    const { port1, port2 } = new MessageChannel();
    this.#assembler.post({ kind: "feed", port: port1 }, [port1]);
    const transport = { ...this.#options.transport, joins: true };
    port.post({ kind: "init", transport, feed: port2 }, [port2]);
    return seat;
  }

  #onReceiver(receiver: ReceiverIndex, seat: ReceiverSeat, reply: ReceiverReply): void {
    switch (reply.kind) {
      case "ready":
        return this.#options.onDetail(
          `receiver ${receiver}: receive buffer ${reply.receiveBufferBytes} bytes, ` +
            (reply.isTuned ? "joined datagrams" : "plain socket"),
        );
      case "report":
        this.#options.onBytes(reply.report.server, reply.report.receivedBytes);
        return this.step({ kind: "report", receiver, report: reply.report });
      case "gone":
        return this.step({ ...reply, receiver });
      case "failed":
        seat.stopped.resolve();
        return this.#options.onFailure(ShoalError.fromMessage(reply.error));
      case "stopped":
        this.#options.onDetail(
          `receiver ${receiver}: ${timesText(reply.times)}; ${reply.ignored} datagrams ignored, ` +
            `${reply.duplicateBytes} bytes came twice`,
        );
        this.#receiverTimes.push(reply.times);
        return seat.stopped.resolve();
      default:
        reply satisfies never;
    }
  }

  #onAssembler(reply: AssemblerReply): void {
    switch (reply.kind) {
      case "ready":
        return;
      case "failed":
        this.#assemblerStopped.resolve();
        return this.#options.onFailure(ShoalError.fromMessage(reply.error));
      case "stopped":
        this.#options.onDetail(`assembler: ${timesText(reply.times)}`);
        if (this.#receiverTimes.length > 0) {
          this.#options.onDetail(paceText(this.#receiverTimes, reply.times));
        }
        return this.#assemblerStopped.resolve();
      default:
        return this.#options.onAssembler(reply);
    }
  }
}
