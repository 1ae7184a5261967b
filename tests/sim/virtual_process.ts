/**
 * A process of a simulated world: the runtime that its drivers and use cases are handed, with workers that
 * are threads of the same world. They run the drivers that ship; nothing of it happens once it is over.
 */
import type { Endpoint, Subnet } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";
import type { DatagramTransport } from "../../lib/io/net/datagram_transport.ts";
import { SealedStream } from "../../lib/io/net/sealed_stream.ts";
import { SealedTransport } from "../../lib/io/net/sealed_transport.ts";
import type { StreamRole } from "../../lib/io/net/transport_factory.ts";
import type { Runtime } from "../../lib/io/runtime.ts";
import { HashTable } from "../../lib/io/store/hash_table.ts";
import { channelPort, type WorkerPort } from "../../lib/io/system/worker_port.ts";
import { runAssembler } from "../../lib/io/workers/assembler_driver.ts";
import { runDigest } from "../../lib/io/workers/digest_driver.ts";
import { runIndexer } from "../../lib/io/workers/indexer_driver.ts";
import { runPacker } from "../../lib/io/workers/packer_driver.ts";
import { runReceiver } from "../../lib/io/workers/receiver_driver.ts";
import { runSender } from "../../lib/io/workers/sender_driver.ts";
import { runSessions } from "../../lib/io/workers/session_driver.ts";
import { runStreamReceiver } from "../../lib/io/workers/stream_driver.ts";
import type { Layers, SealConfig, TransportConfig } from "../../lib/messages/transport_config.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import { type ChannelOptions, type MessageWatch, VirtualEnd } from "./virtual_channel.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import { VirtualListener } from "./virtual_stream.ts";
import { type VirtualSeal, virtualSeal } from "./virtual_seal.ts";
import { VirtualThread } from "./virtual_thread.ts";
import { VirtualTransport } from "./virtual_transport.ts";

/** Of every simulated machine. */
const CORES = 2;

/** What each worker runs, by the name of its file. */
export type VirtualWorkers = Readonly<
  Record<string, (parent: VirtualEnd, runtime: Runtime) => void>
>;

/** Nobody measures how long these hash. */
const WORKERS: VirtualWorkers = {
  "assembler.ts": (parent, runtime) => runAssembler(channelPort(parent), runtime),
  "digest.ts": (parent, runtime) => runDigest(channelPort(parent), runtime),
  "indexer.ts": (parent, runtime) => runIndexer(channelPort(parent), runtime),
  "packer.ts": (parent, runtime) => runPacker(channelPort(parent), runtime),
  "receiver.ts": (parent, runtime) => runReceiver(channelPort(parent), runtime, () => 0),
  "sender.ts": (parent, runtime) => runSender(channelPort(parent), runtime),
  "session.ts": (parent, runtime) => runSessions(channelPort(parent), runtime),
  "stream_receiver.ts": (parent, runtime) =>
    runStreamReceiver(channelPort(parent), runtime, () => 0),
};

export interface ProcessOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly disk: MemoryDisk;
  readonly hopMs: ChannelOptions["hopMs"];
  /** How long a worker takes to start. */
  readonly startMs: () => number;
  /** See {@linkcode VirtualThread}; it never pauses by default. */
  readonly pausedUntilMs?: () => number;
  /** Of sockets for bulk data: see {@linkcode VirtualTransport}. */
  readonly joinMs: number;
  readonly receiveBufferBytes: number;
  readonly bytesPerMs?: number;
  /** Its sockets have the ports from here on, where they want no other. */
  readonly firstPort: number;
  /** Those that it is on; it does not know by default. */
  readonly subnets?: readonly Subnet[];
  /** Seals all that it says, and unseals what it hears; nothing does by default. */
  readonly seal?: VirtualSeal;
  /** Whether its ports for streams can be reached, and so are told to anybody. */
  readonly listens?: boolean;
  /** Opens a stream to whoever listens there. */
  readonly connect?: (
    thread: VirtualThread,
    to: Endpoint,
    signal: AbortSignal,
  ) => Promise<ByteStream>;
  /** What a name stands for, as its resolver says in its time; nothing where it knows none. */
  readonly lookUp?: (thread: VirtualThread, host: string) => Promise<readonly string[]>;
  readonly send: (fromPort: number, to: Endpoint, datagram: Bytes) => void;
  readonly watch: MessageWatch;
  /** What it has beside the workers that ship, or instead of them. */
  readonly moreWorkers?: VirtualWorkers;
  /** Its main thread has done something. */
  readonly onMainTurn?: () => void;
}

interface VirtualWorker {
  readonly file: string;
  readonly thread: VirtualThread;
  readonly end: VirtualEnd;
}

export class VirtualProcess {
  /** Of its main thread. */
  readonly runtime: Runtime;
  isOver = false;
  readonly #options: ProcessOptions;
  readonly #main: VirtualThread;
  readonly #workers: VirtualWorker[] = [];
  readonly #transports = new Map<number, VirtualTransport>();
  readonly #listeners = new Map<number, VirtualListener>();

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#main = this.#thread(true);
    this.runtime = this.#runtimeOf(this.#main);
  }

  /** Nothing of it happens any more, as if it had been killed. */
  end(): void {
    this.isOver = true;
  }

  /** A datagram has come to one of its ports, or to one that it does not have. */
  arrive(port: number, datagram: Bytes, from: Endpoint): void {
    if (!this.isOver) this.#transports.get(port)?.arrive(datagram, from);
  }

  /** Who listens for streams on this port. */
  listenerOn(port: number): VirtualListener | undefined {
    return this.isOver ? undefined : this.#listeners.get(port);
  }

  /** Workers of this kind are at work for so long. */
  takeTime(file: string, ms: number): void {
    for (const each of this.#workers) if (each.file === file) each.thread.takeTime(ms);
  }

  /** How many workers of this kind it has started. */
  countOf(file: string): number {
    return this.#workers.filter((each) => each.file === file).length;
  }

  /** Messages between the main thread and workers of these kinds. */
  pendingOf(files: readonly string[]): number {
    let pending = 0;
    for (const each of this.#workers) if (files.includes(each.file)) pending += each.end.pending;
    return pending;
  }

  #thread(isMain: boolean): VirtualThread {
    const { clock, pausedUntilMs = () => 0, onMainTurn } = this.#options;
    return new VirtualThread(clock, {
      isMain,
      isGone: () => this.isOver,
      pausedUntilMs,
      ...(isMain && onMainTurn !== undefined && { onTurn: onMainTurn }),
    });
  }

  #runtimeOf(thread: VirtualThread): Runtime {
    const { random, disk } = this.#options;
    return {
      clock: thread.clock,
      random: {
        bytes: (count) => random.bytes(count),
        u64: () => random.u64(),
        u32: () => random.u32(),
      },
      disk,
      // Nothing is remembered from one run to the next.
      treeRecords: () => ({ manifestsDir: undefined, read: () => new Map(), write() {} }),
      hashFiles: {
        open: (clock) => ({ table: new HashTable(clock, ":memory:"), setAside() {} }),
      },
      net: {
        openDatagrams: (config) => this.#sealed(this.#open(thread, config), config.layers),
        connect: async (to, layers, signal) =>
          this.#sealedStream(await this.#connect(thread, to, signal), layers, "client"),
        listen: ({ ports: [port], layers }) => {
          const listener = new VirtualListener(this.#options.listens ? port! : 0, thread);
          this.#listeners.set(listener.port, listener);
          return {
            port: listener.port,
            accept: async () => {
              const stream = await listener.accept();
              return stream && this.#sealedStream(stream, layers, "server");
            },
            close: () => listener.close(),
          };
        },
        subnets: () => this.#options.subnets ?? [],
        lookUp: async (host) => {
          const found = await this.#options.lookUp?.(thread, host);
          if (found === undefined) throw new Error(`nobody knows ${host}`);
          return found;
        },
      },
      workers: {
        start: (file) => this.#start(thread, file),
        channel: () => VirtualEnd.pair(this.#channelOptions(), thread, thread),
        coreCount: () => CORES,
      },
    };
  }

  /** The seal of the world, or the one that is asked for; what is drawn for that is drawn from the world's seed as well. */
  #seal(layers: Layers): VirtualSeal | undefined {
    const asked = layers.find(({ kind }) => kind === "seal") as SealConfig | undefined;
    if (asked === undefined) return this.#options.seal;
    return { ...virtualSeal(this.#options.random.u32()), groups: asked.groups };
  }

  #sealed(transport: DatagramTransport, layers: Layers): DatagramTransport {
    const { clock } = this.#options;
    const seal = this.#seal(layers);
    if (seal === undefined) return transport;
    return new SealedTransport(transport, { ...seal, nowMs: () => clock.nowMs });
  }

  #sealedStream(stream: ByteStream, layers: Layers, role: StreamRole): ByteStream {
    const seal = this.#seal(layers);
    return seal === undefined ? stream : new SealedStream(stream, { ...seal, role });
  }

  async #connect(
    thread: VirtualThread,
    to: Endpoint,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    const { connect } = this.#options;
    if (connect === undefined) throw new Error("this process connects to nobody");
    return await connect(thread, to, signal);
  }

  #open(thread: VirtualThread, { joins, ports }: TransportConfig): VirtualTransport {
    const { clock, receiveBufferBytes, joinMs, bytesPerMs, firstPort } = this.#options;
    const wanted = ports.find((port) => !this.#transports.has(port)) ?? ports[0];
    const port = wanted === undefined || wanted === 0 ? firstPort + this.#transports.size : wanted;
    const transport = new VirtualTransport({
      ...{ clock, thread, port, receiveBufferBytes },
      joinMs: joins ? joinMs : 0,
      ...(bytesPerMs !== undefined && { bytesPerMs }),
      send: (to, datagram) => this.#options.send(port, to, datagram),
    });
    this.#transports.set(port, transport);
    return transport;
  }

  #start<In, Out>(parent: VirtualThread, file: string): WorkerPort<In, Out> {
    const { clock } = this.#options;
    const run = this.#options.moreWorkers?.[file] ?? WORKERS[file];
    if (run === undefined) throw new Error(`${file} is no worker of a simulated world`);
    const thread = this.#thread(false);
    const readyMs = clock.nowMs + this.#options.startMs();
    const [end, far] = VirtualEnd.pair(this.#channelOptions(), parent, thread, readyMs);
    this.#workers.push({ file, thread, end });
    clock.at(readyMs, () => thread.run(() => run(far, this.#runtimeOf(thread))));
    return { ...channelPort<In, Out>(end), close: () => thread.end() };
  }

  #channelOptions(): ChannelOptions {
    const { clock, hopMs, watch } = this.#options;
    return { clock, hopMs, watch };
  }
}
