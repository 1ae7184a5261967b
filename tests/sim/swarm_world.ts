/**
 * A simulated world of many who want the same: servers and takers are entered as users enter them. What must hold, whatever happens:
 * no file appears that is not the server's, no byte is given that is not the file's or was not asked for, and everybody ends.
 */
import { Buffer } from "node:buffer";
import { getIn } from "../../lib/app/client/get_files.ts";
import { masterIn } from "../../lib/app/master/master.ts";
import { serveIn } from "../../lib/app/serve/serve.ts";
import { ShoalError } from "../../lib/errors.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { GiftWatch } from "../support/gift_watch.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { type SimContent, simContent } from "./sim_contents.ts";
import { Phantoms } from "./swarm_phantoms.ts";
import { SimTrace } from "./sim_trace.ts";
import { BROADCAST, SERVER_NETWORK, type SwarmHost, SwarmNetwork } from "./swarm_network.ts";
import { cable, type SwarmScenario, type TakerSpec } from "./swarm_scenario.ts";
import { Verdict, Violation } from "./verdict.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { VirtualProcess } from "./virtual_process.ts";

const SERVED = "/served";
const OUT = "/out";
const FILE = "image.bin";
const MASTER_NAME = "master.example";
const MASTER = "10.0.200.1";
/** Bytes that do not pack: what is counted are those of the file. */
const VARIANT = 1;
/** By then the servers have looked at what they offer. Times of a scenario count from here. */
const START_MS = 3_000;
/** Nobody takes longer than this, whatever happens. */
const WORLD_MS_MAX = 900_000;
/** So long before the first taker. */
const PHANTOMS_BEFORE_MS = 2_500;
const HOP_MS = 0.1;
const WORKER_START_MS = 5;
const JOIN_MS = 0.2;
const BUFFER_BYTES = 1 << 20;
const PORTS_PER_PROCESS = 100;
const TAKERS_PER_NETWORK = 250;

/** How it ended for one of them. */
export interface TakerOutcome {
  /** `killed` where it did not come back. */
  readonly end: "done" | "killed" | ShoalError["code"];
  /** From its first start to its end. */
  readonly tookMs: number;
  readonly endMs: number;
  /** Bytes of the file that it has given to others. */
  readonly givenBytes: number;
}

export interface SwarmOutcome {
  readonly violation: string | undefined;
  readonly takers: readonly TakerOutcome[];
  /** From the first start to the last end. */
  readonly makespanMs: number;
  /** Of the file, by the servers together. */
  readonly servedBytes: number;
  /** All that the first server has sent, headers included. */
  readonly serverSentBytes: number;
  /** All that the router has carried into the second subnet. */
  readonly crossedBytes: number;
  /** Datagrams to addresses that no host has, by who sent them where. */
  readonly strays: ReadonlyMap<string, number>;
  /** Phantoms whose address the server has proved. */
  readonly phantomCount: number;
  readonly eventCount: number;
  readonly digest: string;
  readonly lines: readonly string[];
}

export async function runSwarm(scenario: SwarmScenario, keepsLines = false): Promise<SwarmOutcome> {
  return await new SwarmWorld(scenario, keepsLines).run();
}

/** Of what those who are done got a millisecond: how much less the slowest got than the mean. */
export function slowestShare({ takers }: SwarmOutcome): number {
  const rates = takers.flatMap(({ end, tookMs }) => end === "done" ? [1 / tookMs] : []);
  return Math.min(...rates) * rates.length / rates.reduce((sum, rate) => sum + rate, 0);
}

class SwarmWorld {
  readonly #scenario: SwarmScenario;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #trace: SimTrace;
  readonly #verdict = new Verdict();
  readonly #file: SimContent;
  readonly #gifts: GiftWatch;
  readonly #network: SwarmNetwork;
  readonly #servers: readonly SwarmHost[];
  readonly #takers: readonly SwarmHost[];
  readonly #phantoms: Phantoms;
  readonly #outcomes = new Map<number, TakerOutcome>();
  /** Addresses whose disks have gone bad. */
  readonly #rotten = new Set<string>();
  #ports = 20_000;

  constructor(scenario: SwarmScenario, keepsLines: boolean) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed);
    this.#trace = new SimTrace(keepsLines);
    this.#file = simContent(scenario.sizeBytes, VARIANT);
    this.#gifts = new GiftWatch(this.#file.bytes);
    const { servers, takers } = scenario;
    this.#network = new SwarmNetwork(
      {
        ...{ clock: this.#clock, random: this.#random, trace: this.#trace, scenario },
        onSent: ({ lie, address }, from, to, datagram) => {
          const isHonest = lie === undefined && !this.#rotten.has(address);
          const wrong = this.#gifts.onSent(from, to, datagram, isHonest);
          if (wrong !== undefined) this.#verdict.onError(new Violation(wrong));
        },
        onStray: (from, to, datagram) => this.#phantoms.arrive(to.address, from, datagram),
      },
      {
        startMs: START_MS,
        addressOf: (host) =>
          host < servers.length ? serverAddress(host) : takerAddress(host - servers.length),
      },
    );
    if (scenario.hasMaster) this.#addMaster();
    this.#servers = servers.map(({ link }, index) => {
      const host = this.#network.addHost(serverAddress(index), link, this.#newDisk());
      host.disk.put(`${SERVED}/${FILE}`, this.#file.bytes, -1_000_000);
      return host;
    });
    this.#takers = takers.map(({ link, ...spec }, index) => {
      const disk = this.#newDisk((to, bytes) => this.#checkPublished(index, to, bytes));
      return this.#network.addHost(takerAddress(index), link, disk, spec);
    });
    this.#phantoms = new Phantoms({
      ...{ clock: this.#clock, random: this.#random, server: serverAddress(0), fileName: FILE },
      content: this.#file.content,
      send: (from, to, datagram) => this.#network.inject(from, to, datagram),
    });
    this.#phantoms.announce(scenario.phantoms, START_MS - PHANTOMS_BEFORE_MS);
    for (const host of this.#servers) this.#clock.at(0, () => this.#serve(host));
    takers.forEach((spec, index) => this.#plan(spec, index));
  }

  async run(): Promise<SwarmOutcome> {
    const { takers } = this.#scenario;
    try {
      const isOver = () => this.#verdict.isBroken || this.#outcomes.size === takers.length;
      await this.#clock.run(WORLD_MS_MAX, isOver);
      const missing = takers.length - this.#outcomes.size;
      if (missing > 0 && !this.#verdict.isBroken) throw new Violation(`${missing} never end`);
      this.#checkEnds();
    } catch (error) {
      this.#verdict.onError(error);
    }
    const outcomes = [...this.#outcomes].sort(([a], [b]) => a - b).map(([, outcome]) => outcome);
    const givenBytes = this.#servers.map(({ address }) => this.#gifts.givenBytes(address));
    return {
      violation: this.#verdict.text,
      takers: outcomes,
      makespanMs: Math.max(...outcomes.map(({ endMs }) => endMs)) - START_MS -
        Math.min(...takers.map(({ startsMs }) => startsMs)),
      servedBytes: givenBytes.reduce((sum, each) => sum + each, 0),
      serverSentBytes: this.#servers[0]?.sentBytes ?? 0,
      crossedBytes: this.#network.crossedBytes,
      strays: this.#network.strays,
      phantomCount: this.#phantoms.provedCount,
      eventCount: this.#clock.eventCount,
      digest: this.#trace.digest,
      lines: this.#trace.lines,
    };
  }

  /** A server is there all along: whoever is left in peace gets the file. */
  #checkEnds(): void {
    this.#scenario.takers.forEach(({ diesMs, backAfterMs, leavesMs, rotsMs, lie }, index) => {
      const end = this.#outcomes.get(index)?.end;
      const isKilled = end === "killed" && diesMs !== undefined && backAfterMs === undefined;
      const hasLeft = end === "interrupted" && leavesMs !== undefined;
      const isSpoilt = end === "unverified" && rotsMs !== undefined;
      if (end === "done" || isKilled || hasLeft || isSpoilt || lie !== undefined) return;
      throw new Violation(`${takerAddress(index)} could have the file, and ends: ${end}`);
    });
  }

  #serve(host: SwarmHost): void {
    const { runtime } = this.#start(host, true);
    this.#guard(async () => {
      await serveIn(runtime, { dir: SERVED, port: DISCOVERY_PORT, masters: this.#masters });
    });
  }

  #addMaster(): void {
    const host = this.#network.addHost(MASTER, cable(), this.#newDisk());
    this.#clock.at(0, () => {
      const { runtime } = this.#start(host, true);
      this.#guard(async () => {
        await masterIn(runtime, { host: MASTER, store: "memory" });
      });
    });
  }

  get #masters(): readonly string[] {
    return this.#scenario.hasMaster ? [MASTER_NAME] : [];
  }

  // — Takers ————————————————————————————————————————————————————————————————————————————————————

  #plan(spec: TakerSpec, index: number): void {
    const { startsMs, diesMs, backAfterMs, leavesMs, rotsMs } = spec;
    const at = (ms: number, run: () => void) => this.#clock.at(START_MS + ms, run);
    const leaving = new AbortController();
    at(startsMs, () => this.#take(index, leaving.signal));
    if (leavesMs !== undefined) {
      at(leavesMs, () => {
        this.#clock.settle();
        leaving.abort();
      });
    }
    if (rotsMs !== undefined) at(rotsMs, () => this.#rot(index));
    if (diesMs === undefined) return;
    at(diesMs, () => this.#kill(index, backAfterMs === undefined));
    if (backAfterMs !== undefined) {
      at(diesMs + backAfterMs, () => {
        if (!this.#outcomes.has(index)) this.#take(index, leaving.signal);
      });
    }
  }

  #take(index: number, signal: AbortSignal): void {
    const { timeoutMs, retries } = this.#scenario;
    const { shares = true, shareRateBytesPerS = 0 } = this.#scenario.takers[index]!;
    const host = this.#takers[index]!;
    const { runtime } = this.#start(host, false);
    this.#guard(async () => {
      try {
        const [result] = await getIn(runtime, {
          ...{ names: [FILE], outDir: OUT, broadcast: [BROADCAST], masters: this.#masters },
          ...{ timeoutMs, retries, signal, share: shares, shareRateBytesPerS },
          onEvent: (event) => this.#note(`${host.address} ${JSON.stringify(event)}`),
        });
        if (result?.event === "done") this.#onDone(index, result.path, result.sha256);
        else this.#onEnd(index, result?.code ?? "internal");
      } catch (error) {
        if (!(error instanceof ShoalError) || error.code === "internal") throw error;
        this.#onEnd(index, error.code);
      }
    });
  }

  #onDone(index: number, path: string, sha256: string): void {
    const bytes = this.#takers[index]!.disk.contentOf(path);
    if (bytes === undefined) throw new Violation(`${path} is done, and not there`);
    this.#checkPublished(index, path, bytes);
    if (sha256 !== this.#file.content.sha256) throw new Violation(`it is said to be ${sha256}`);
    this.#onEnd(index, "done");
  }

  #checkPublished(index: number, path: string, bytes: Uint8Array): void {
    // What a disk makes of bytes that were right when they were written is seen by nobody.
    if (this.#rotten.has(takerAddress(index))) return;
    if (path !== `${OUT}/${FILE}` || Buffer.compare(bytes, this.#file.bytes) === 0) return;
    throw new Violation(`${path} was published with other bytes than the server's`);
  }

  #rot(index: number): void {
    const { disk, address } = this.#takers[index]!;
    this.#rotten.add(address);
    for (const path of disk.paths) {
      const { length = 0 } = disk.contentOf(path) ?? {};
      if (!path.startsWith(`${OUT}/${FILE}`)) continue;
      for (let at = 0; at < length; at += CHUNK_BYTES_MIN) disk.rot(path, at);
    }
  }

  #kill(index: number, isForGood: boolean): void {
    if (this.#outcomes.has(index)) return;
    const host = this.#takers[index]!;
    this.#note(`${host.address} dies`);
    host.process?.end();
    host.process = undefined;
    host.disk.restart();
    this.#network.breakStreams(host);
    if (isForGood) this.#onEnd(index, "killed");
  }

  #onEnd(index: number, end: TakerOutcome["end"]): void {
    const { address } = this.#takers[index]!;
    this.#note(`${address} ends: ${end}`);
    const endMs = this.#clock.nowMs;
    this.#outcomes.set(index, {
      ...{ end, endMs, tookMs: endMs - START_MS - this.#scenario.takers[index]!.startsMs },
      givenBytes: this.#gifts.givenBytes(address),
    });
  }

  // — Processes —————————————————————————————————————————————————————————————————————————————————

  #newDisk(onNamed: (to: string, bytes: Uint8Array) => void = () => {}): MemoryDisk {
    return new MemoryDisk(
      { writeMs: 0 },
      {
        onWrite: () => {},
        onNamed: (_from, to, bytes) => this.#verdict.watch(() => onNamed(to, bytes)),
      },
      (ms, gate) => this.#clock.elapsed(ms, gate),
    );
  }

  #start(host: SwarmHost, listens: boolean): VirtualProcess {
    host.process?.end();
    this.#ports = 20_000 + (this.#ports + PORTS_PER_PROCESS) % 40_000;
    return host.process = new VirtualProcess({
      ...{ clock: this.#clock, random: this.#random, disk: host.disk, firstPort: this.#ports },
      ...{ hopMs: () => HOP_MS, startMs: () => WORKER_START_MS, joinMs: JOIN_MS, listens },
      receiveBufferBytes: BUFFER_BYTES,
      // A full socket keeps its sender waiting.
      bytesPerMs: host.up.spec.bytesPerMs,
      send: (port, to, datagram) => this.#network.send(host, port, to, datagram),
      connect: (thread, to, signal) => this.#network.connect(host, thread, to, signal),
      lookUp: (thread) => thread.clock.sleep(1).then(() => [MASTER]),
      watch: { onPosted() {}, onDelivered() {} },
    });
  }

  #guard(work: () => Promise<void>): void {
    this.#clock.settle();
    work().catch((error) => this.#verdict.onError(error));
  }

  #note(text: string): void {
    this.#trace.note(this.#clock.nowMs, text);
  }
}

function serverAddress(index: number): string {
  return `${SERVER_NETWORK}${index + 1}`;
}

function takerAddress(index: number): string {
  return `10.0.${1 + Math.floor(index / TAKERS_PER_NETWORK)}.${1 + index % TAKERS_PER_NETWORK}`;
}
