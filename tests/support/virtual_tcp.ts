/**
 * Clients of TCP sessions against peers that are played, in virtual time: `play` says what came of a use case, how
 * long it took by the clock, and how many connections it made.
 */
import { setTimeout } from "node:timers/promises";
import type { Endpoint, Subnet } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { ShoalError } from "../../lib/errors.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";
import type { TcpRuntime } from "../../lib/io/net/tcp_client.ts";
import type { Clock } from "../../lib/io/system/clock.ts";
import { encodeMessage } from "../../lib/wire/session_json.ts";
import { Alarm, VirtualClock } from "../sim/virtual_clock.ts";

/** Use cases that take longer than this never end. */
const END_MS = 3_600_000;
/** How often the real disk is waited for, a millisecond or more each time. */
const TURNS_MAX = 10_000;
const SERVER = { address: "192.0.2.1", port: 9_999 };
const utf8 = new TextEncoder();

/** One connection, as its peer has it. */
export class PeerLink {
  /** What it was sent, all together. */
  received = "";
  /** Whether it takes what it is sent. */
  takes = true;
  readonly #world: VirtualClock;
  readonly #deliver: (bytes: Bytes | undefined) => void;
  isClosed = false;

  constructor(world: VirtualClock, deliver: (bytes: Bytes | undefined) => void) {
    this.#world = world;
    this.#deliver = deliver;
  }

  /** Says this after so long. */
  say(bytes: string | Bytes, afterMs = 1): void {
    const said = typeof bytes === "string" ? utf8.encode(bytes) : bytes;
    this.#world.after(afterMs, () => this.#deliver(said));
  }

  /** The same as a JSON message. */
  tell(message: unknown, afterMs = 1): void {
    this.say(encodeMessage(message), afterMs);
  }

  /** Says it again and again, each time after so long. */
  repeat(bytes: string | Bytes, everyMs: number): void {
    this.#world.after(everyMs, () => {
      if (this.isClosed) return;
      this.say(bytes, 0);
      this.repeat(bytes, everyMs);
    });
  }

  hangUp(afterMs = 1): void {
    this.#world.after(afterMs, () => this.#deliver(undefined));
  }
}

/** What a peer does on one connection. */
export interface VirtualPeer {
  onOpen?(link: PeerLink): void;
  onBytes?(link: PeerLink, bytes: Bytes): void;
}

export interface Played<T> {
  /** What the use case returned, or the error that it ended with. */
  readonly result: T | ShoalError;
  readonly tookMs: number;
  readonly links: readonly PeerLink[];
}

/** The network that a use case sees; what is left out is a network where names stand for nothing and all connect. */
export interface VirtualNames {
  /** In virtual time, what a name stands for: it rejects, takes its time, or never answers. */
  readonly lookUp?: (host: string, world: VirtualClock) => Promise<readonly string[]>;
  /** What comes of a connection there. */
  readonly reach?: (to: Endpoint) => "accepted" | "refused" | "silent";
  /** The interfaces of the machine; none are known by default. */
  readonly subnets?: readonly Subnet[];
}

/** @param peer one for each connection, which are counted from 0 */
export async function playTcp<T>(
  useCase: (runtime: TcpRuntime, server: string) => Promise<T>,
  peer: (connection: number) => VirtualPeer,
  {
    lookUp = () => Promise.reject(new Error("no such name")),
    reach = () => "accepted",
    subnets = [],
  }: VirtualNames = {},
): Promise<Played<T>> {
  const world = new VirtualClock();
  const links: PeerLink[] = [];
  const runtime: TcpRuntime = {
    clock: clockOf(world),
    net: {
      subnets: () => subnets,
      lookUp: (host) => lookUp(host, world),
      connect: (to, _layers, signal) => {
        if (reach(to) === "refused") return Promise.reject(new Error("connection refused"));
        if (reach(to) === "silent") {
          return new Promise((_resolve, reject) => {
            signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
          });
        }
        const stream = new VirtualStream(world, to, peer(links.length));
        links.push(stream.link);
        return Promise.resolve(stream);
      },
    },
  };
  let result: T | ShoalError | undefined;
  const running = useCase(runtime, `${SERVER.address}:${SERVER.port}`)
    .catch((thrown: unknown) => {
      if (thrown instanceof ShoalError) return thrown;
      throw thrown;
    })
    .then((value) => {
      result = value;
      world.settle();
    });
  // What the real disk does takes no time by this clock.
  for (let turns = 0; result === undefined && turns < TURNS_MAX; turns++) {
    await setTimeout(1);
    await world.run(END_MS, () => result !== undefined);
    if (world.nowMs > END_MS / 2) break;
  }
  if (result === undefined) throw new Error("it never ends");
  await running;
  return { result, tookMs: world.nowMs, links };
}

class VirtualStream implements ByteStream {
  readonly peer: Endpoint;
  readonly localAddress = "192.0.2.2";
  readonly link: PeerLink;
  readonly #world: VirtualClock;
  readonly #peer: VirtualPeer;
  readonly #coming: (Bytes | undefined)[] = [];
  #reading: { readonly target: Bytes; readonly done: (count: number) => void } | undefined;

  constructor(world: VirtualClock, endpoint: Endpoint, peer: VirtualPeer) {
    this.peer = endpoint;
    this.#world = world;
    this.#peer = peer;
    this.link = new PeerLink(world, (bytes) => {
      this.#coming.push(bytes);
      this.#hand();
    });
    peer.onOpen?.(this.link);
  }

  read(target: Bytes): Promise<number> {
    return new Promise((done) => {
      this.#reading = { target, done };
      this.#hand();
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    const { link } = this;
    if (link.isClosed) return Promise.resolve(0);
    if (!link.takes) return new Promise(() => {});
    const copy = bytes.slice() as Bytes;
    link.received += new TextDecoder("latin1").decode(copy);
    this.#peer.onBytes?.(link, copy);
    return Promise.resolve(bytes.length);
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.link.isClosed = true;
    this.#hand();
  }

  #hand(): void {
    if (this.#reading === undefined) return;
    const { target, done } = this.#reading;
    const next = this.#coming[0];
    if (this.#coming.length === 0 && !this.link.isClosed) return;
    this.#reading = undefined;
    this.#world.settle();
    if (next === undefined) return done(0);
    const count = Math.min(target.length, next.length);
    target.set(next.subarray(0, count));
    if (count < next.length) this.#coming[0] = next.subarray(count);
    else this.#coming.shift();
    done(count);
  }
}

/** The clock of a thread that everything else takes no time on. */
export function clockOf(world: VirtualClock): Clock {
  return {
    nowMs: () => world.nowMs,
    originMs: () => 0,
    timer: (wake) => {
      const alarm = new Alarm(world, () => {
        world.settle();
        wake();
      });
      return { set: (atMs) => alarm.set(atMs), clear: () => alarm.set(Infinity) };
    },
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const done = (): void => {
          world.settle();
          resolve();
        };
        if (signal?.aborted) return done();
        signal?.addEventListener("abort", done, { once: true });
        world.after(ms, done);
      }),
    yieldToEvents: () => Promise.resolve(),
    within: (promise, ms) =>
      new Promise((resolve, reject) => {
        world.after(ms, () => resolve(undefined));
        promise.then(resolve, reject);
      }),
  };
}
