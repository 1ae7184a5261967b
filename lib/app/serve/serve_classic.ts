/** The classic side of a server: performs the actions of its machine, with files and the shared socket. */
import { type Endpoint, endpointText, isLoopback, isOnSubnet } from "../../address.ts";
import type { Bytes, SafeFileName } from "../../ids.ts";
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import { type ContentReader, openContent } from "../../io/files/content_reader.ts";
import type { Net } from "../../io/net/net.ts";
import { type OnRefused, SendQueue } from "../../io/net/send_queue.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import type { Runtime } from "../../io/runtime.ts";
import { KnownSubnets } from "./known_subnets.ts";
import {
  ClassicServer,
  type ClassicServerAction,
  type ClassicServerEvent,
} from "../../protocol/classic/classic_server.ts";
import type { ByteSpan } from "../../protocol/classic/classic_transfer.ts";
import type { ServeEvent } from "../events.ts";
import type { ServedIndex } from "../index/served_index.ts";

interface ClassicServiceOptions {
  readonly runtime: Runtime;
  readonly transport: DatagramTransport;
  readonly index: ServedIndex;
  readonly chunkBytes: number;
  /** 0 for no cap. */
  readonly rateBytesPerS: number;
  readonly seed: number;
  /** Whether somebody at an address has shown that datagrams reach it. */
  readonly hasProved: (address: string) => boolean;
  readonly onEvent: (event: ServeEvent) => void;
  readonly onRefused: OnRefused;
}

interface OpenFile {
  readonly name: SafeFileName;
  readonly reader: ContentReader;
}

export class ClassicService {
  readonly #options: ClassicServiceOptions;
  readonly #machine: ClassicServer;
  readonly #queue: SendQueue;
  readonly #timer: Wakeup;
  /** By transfer. */
  readonly #files = new Map<number, OpenFile>();

  constructor(options: ClassicServiceOptions) {
    this.#options = options;
    const { clock } = options.runtime;
    this.#timer = clock.timer(() => this.#step({ kind: "wakeup" }));
    this.#queue = new SendQueue(options.transport, options.onRefused);
    const { chunkBytes, rateBytesPerS, seed, hasProved } = options;
    const isNeighbour = neighbourCheck(clock, options.runtime.net);
    this.#machine = new ClassicServer({ chunkBytes, rateBytesPerS, seed, isNeighbour, hasProved });
  }

  /** A FIND came from here. */
  onSearched(from: Endpoint): void {
    this.#step({ kind: "searched", from });
  }

  onRequest(from: Endpoint, name: string): void {
    this.#step({ kind: "request", from, name });
  }

  close(): void {
    this.#timer.clear();
    for (const { reader } of this.#files.values()) reader.close();
    this.#files.clear();
  }

  /** Events that an action causes reach the machine after the actions that came with it. */
  #step(first: ClassicServerEvent): void {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      for (const action of this.#machine.handle(this.#options.runtime.clock.nowMs(), event)) {
        const answer = this.#perform(action);
        if (answer !== undefined) events.push(answer);
      }
    }
    this.#timer.set(this.#machine.nextWakeupMs());
  }

  #perform(action: ClassicServerAction): ClassicServerEvent | undefined {
    const { onEvent } = this.#options;
    switch (action.kind) {
      case "locate":
        return this.#locate(action.transfer, action.name);
      case "read": {
        const spans = this.#read(action.transfer, action.spans);
        return { kind: "read", transfer: action.transfer, ...(spans !== undefined && { spans }) };
      }
      case "send":
        for (const datagram of action.datagrams) this.#queue.push(datagram, action.to);
        return undefined;
      case "release":
        this.#files.get(action.transfer)?.reader.close();
        this.#files.delete(action.transfer);
        return undefined;
      case "requested":
        onEvent(classicEvent("request", action.name, action.from));
        return undefined;
      case "sending":
        onEvent(classicEvent("sending", action.name, action.to));
        return undefined;
      case "notice":
        onEvent({ event: "notice", level: action.level, message: action.message });
        return undefined;
    }
  }

  /** A request for a file that is not hashed yet is not answered: the client will ask again. */
  #locate(transfer: number, wanted: SafeFileName): ClassicServerEvent {
    const { runtime, index } = this.#options;
    const known = index.catalogue.lookUp(wanted);
    if (known !== undefined) index.refresh(known);
    const entry = index.catalogue.lookUp(wanted);
    if (entry?.content === undefined) {
      if (entry !== undefined) index.prioritise(entry.name, "");
      return { kind: "located", transfer };
    }
    const { name } = entry;
    const opened = openContent(runtime.disk, index.placeOf(name), entry.signature);
    if (!opened.ok) {
      index.recheck(name);
      return { kind: "located", transfer };
    }
    this.#files.set(transfer, { name, reader: opened.reader });
    const { sizeBytes, sha256 } = entry.content;
    return { kind: "located", transfer, file: { sizeBytes, sha256 } };
  }

  /** `undefined` when the file is not what was answered for. */
  #read(transfer: number, spans: readonly ByteSpan[]): readonly Bytes[] | undefined {
    const file = this.#files.get(transfer);
    if (file === undefined) return undefined;
    const buffers: Bytes[] = [];
    for (const { offset, lengthBytes } of spans) {
      const buffer = new Uint8Array(lengthBytes);
      if (file.reader.readAt(buffer, 0, lengthBytes, offset) !== lengthBytes) break;
      buffers.push(buffer);
    }
    if (buffers.length === spans.length && file.reader.isUnchanged()) return buffers;
    this.#options.index.recheck(file.name);
    return undefined;
  }
}

function classicEvent(
  event: "request" | "sending",
  name: SafeFileName,
  client: Endpoint,
): ServeEvent {
  return { event, name, client: endpointText(client), classic: true };
}

/** Who is on a subnet of this machine. */
function neighbourCheck(clock: Clock, net: Net): (address: string) => boolean {
  const subnets = new KnownSubnets(clock, net);
  return (address) =>
    isLoopback(address) || subnets.now.some((subnet) => isOnSubnet(address, subnet));
}
