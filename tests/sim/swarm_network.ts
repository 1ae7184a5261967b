/**
 * Hosts of a simulated world and what is between them: a cable for each, full duplex, or air that some share; two subnets with a
 * router, which passes no broadcasts; and partitions. It counts what each host sends, and what the router carries.
 */
import { type Endpoint, endpointText } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { isWithin, type Span } from "../support/impairments.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import { type Lie, lied } from "./swarm_liar.ts";
import { SimLink } from "./sim_link.ts";
import type { SimTrace } from "./sim_trace.ts";
import type { Attachment, SwarmScenario, TakerSpec } from "./swarm_scenario.ts";
import type { VirtualClock } from "./virtual_clock.ts";
import type { VirtualProcess } from "./virtual_process.ts";
import { connectVirtual } from "./virtual_stream.ts";
import type { VirtualThread } from "./virtual_thread.ts";

type HostTraits = "isRemote" | "isFirewalled" | "lie";

export const SERVER_NETWORK = "10.0.0.";
export const BROADCAST = "255.255.255.255";
/** Of IP and UDP. */
const DATAGRAM_HEADER_BYTES = 28;

export interface SwarmHost {
  readonly address: string;
  readonly isRemote: boolean;
  readonly lie: Lie | undefined;
  /** Behind a firewall: the endpoints that may answer. */
  readonly asked: Set<string> | undefined;
  readonly disk: MemoryDisk;
  readonly up: SimLink;
  readonly down: SimLink;
  process: VirtualProcess | undefined;
  /** That have left it, headers included; what finds the queue full does not leave. */
  sentBytes: number;
}

export interface NetworkOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly trace: SimTrace;
  readonly scenario: SwarmScenario;
  /** Something is handed to the network by a host. */
  readonly onSent: (host: SwarmHost, from: Endpoint, to: Endpoint, datagram: Bytes) => void;
  /** It was for an address that no host has. */
  readonly onStray: (from: Endpoint, to: Endpoint, datagram: Bytes) => void;
}

/** What a scenario says in its own terms. */
export interface ScenarioTerms {
  /** From when its times count. */
  readonly startMs: number;
  /** Of a host by its number. */
  readonly addressOf: (host: number) => string;
}

export class SwarmNetwork {
  readonly #options: NetworkOptions;
  readonly #air: SimLink;
  /** Into the second subnet, and out of it. */
  readonly #between: readonly [SimLink, SimLink];
  readonly #hosts = new Map<string, SwarmHost>();
  readonly #partitions: readonly {
    readonly duringMs: Span;
    readonly addresses: ReadonlySet<string>;
  }[];
  readonly #breaks = new Map<() => void, readonly string[]>();
  #ports = 20_000;
  /** That the router has carried into the second subnet. */
  crossedBytes = 0;
  /** Datagrams to addresses that no host has, by who sent them where. */
  readonly strays = new Map<string, number>();

  constructor(options: NetworkOptions, { startMs, addressOf }: ScenarioTerms) {
    this.#options = options;
    const { air, between, partitions } = options.scenario;
    this.#air = this.#link(air);
    this.#between = [this.#link(between), this.#link(between)];
    this.#partitions = partitions.map(({ duringMs, hosts }) => ({
      duringMs: [startMs + duringMs[0], startMs + duringMs[1]],
      addresses: new Set(hosts.map(addressOf)),
    }));
  }

  addHost(
    address: string,
    link: Attachment,
    disk: MemoryDisk,
    { isRemote = false, isFirewalled = false, lie }: Partial<Pick<TakerSpec, HostTraits>> = {},
  ): SwarmHost {
    const [up, down] = link === "air"
      ? [this.#air, this.#air]
      : [this.#link(link.up), this.#link(link.down)];
    const host = {
      ...{ address, isRemote, lie, disk, up, down, process: undefined, sentBytes: 0 },
      asked: isFirewalled ? new Set<string>() : undefined,
    };
    this.#hosts.set(address, host);
    return host;
  }

  send(host: SwarmHost, port: number, to: Endpoint, meant: Bytes): void {
    const { clock, trace, onSent } = this.#options;
    const datagram = host.lie === undefined ? meant : lied(host.lie, meant);
    if (datagram === undefined) return;
    const from = { address: host.address, port };
    trace.datagram(
      clock.nowMs,
      datagram,
      () => `${endpointText(from)} → ${endpointText(to)}  ${datagram.length} bytes`,
    );
    onSent(host, from, to, datagram);
    host.asked?.add(endpointText(to));
    host.up.send(datagram, (passed) => {
      host.sentBytes += passed.length + DATAGRAM_HEADER_BYTES;
      for (const target of this.#reached(host, to)) this.#carry(host, target, from, to, passed);
      if (to.address !== BROADCAST && !this.#hosts.has(to.address)) this.#stray(from, to, passed);
    });
  }

  /** Something that comes from an address that no host has. */
  inject(from: Endpoint, to: Endpoint, datagram: Bytes): void {
    const target = this.#hosts.get(to.address);
    target?.down.send(datagram, (passed) => target.process?.arrive(to.port, passed, from));
  }

  async connect(
    host: SwarmHost,
    thread: VirtualThread,
    to: Endpoint,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    const far = this.#hosts.get(to.address);
    if (far === undefined || this.#isParted(host, far)) throw new Error("no route to host");
    const { stream, break: breakOff } = await connectVirtual({
      client: { endpoint: { address: host.address, port: this.#ports++ }, thread },
      server: to,
      listener: () => far.process?.listenerOn(to.port),
      ...{ toServer: far.down, toClient: host.down },
    }, signal);
    this.#breaks.set(breakOff, [host.address, to.address]);
    return stream;
  }

  /** All streams of a host that is no more. */
  breakStreams({ address }: SwarmHost): void {
    for (const [breakOff, ends] of this.#breaks) {
      if (!ends.includes(address)) continue;
      this.#breaks.delete(breakOff);
      breakOff();
    }
  }

  *#reached(host: SwarmHost, to: Endpoint): Generator<SwarmHost> {
    if (to.address !== BROADCAST) {
      const target = this.#hosts.get(to.address);
      if (target !== undefined) yield target;
      return;
    }
    for (const each of this.#hosts.values()) if (each.isRemote === host.isRemote) yield each;
  }

  #carry(from: SwarmHost, target: SwarmHost, source: Endpoint, to: Endpoint, sent: Bytes): void {
    // A broadcast reaches its own host, too, without any network.
    if (target === from) return target.process?.arrive(to.port, sent, source);
    if (this.#isParted(from, target) || this.#isShutOut(source, target)) return;
    const deliver = (passed: Bytes): void =>
      target.down.send(passed, (bytes) => target.process?.arrive(to.port, bytes, source));
    if (from.isRemote === target.isRemote) return deliver(sent);
    this.#between[target.isRemote ? 0 : 1].send(sent, (passed) => {
      if (target.isRemote) this.crossedBytes += passed.length + DATAGRAM_HEADER_BYTES;
      deliver(passed);
    });
  }

  #isShutOut(source: Endpoint, { asked }: SwarmHost): boolean {
    const isServer = source.address.startsWith(SERVER_NETWORK);
    return asked !== undefined && !isServer && !asked.has(endpointText(source));
  }

  #stray(from: Endpoint, to: Endpoint, datagram: Bytes): void {
    const path = `${from.address} ${to.address}`;
    this.strays.set(path, (this.strays.get(path) ?? 0) + 1);
    this.#options.onStray(from, to, datagram);
  }

  #isParted(a: SwarmHost, b: SwarmHost): boolean {
    return this.#partitions.some(({ duringMs, addresses }) =>
      addresses.has(a.address) !== addresses.has(b.address) &&
      isWithin([duringMs], this.#options.clock.nowMs)
    );
  }

  #link(spec: SwarmScenario["air"]): SimLink {
    return new SimLink(this.#options.clock, this.#options.random, spec);
  }
}
