/**
 * A simulated world: a client that wants one file and the servers of a scenario, all of them real
 * machines, on a virtual clock and a network of seeded links. Same scenario, same run, byte for byte.
 */
import { type Endpoint, endpointText } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";
import { sameContent } from "../../lib/ids.ts";
import type { DoneEvent, GetEvent } from "../../lib/app/events.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import { Invariants, PROGRESS_MS_MAX } from "./invariants.ts";
import { Verdict, Violation } from "./verdict.ts";
import { MemoryDisk } from "./memory_disk.ts";
import type { Scenario } from "./scenario.ts";
import { BROADCAST, SimClient } from "./sim_client.ts";
import { simContent } from "./sim_contents.ts";
import { SimAdversary } from "./sim_adversary.ts";
import { SimLink } from "./sim_link.ts";
import { addressOf, clientAddress, placeOf } from "./sim_addresses.ts";
import { SimServer } from "./sim_server.ts";
import { SimTrace } from "./sim_trace.ts";
import { type VirtualSeal, virtualSeal } from "./virtual_seal.ts";
import { connectVirtual } from "./virtual_stream.ts";
import type { VirtualThread } from "./virtual_thread.ts";
import { VirtualClock } from "./virtual_clock.ts";

/** Every world ends before this. */
const WORLD_MS_MAX = 3_600_000;
const LOOK_MS = 250;
const ADVERSARY_MS = 0.01;
const RESTART_MS = 50;
/** More than any question. */
const LONG_BYTES = 700;
/** TCP takes over where UDP ends within this. */
const TAKEOVER_MS = 10_000;
const STREAM_PORT_FIRST = 50_000;
/** What has ended leaves nothing behind by then. */
const CLOSE_MS_MAX = 5_000;
/** What is still to happen at any time: datagrams on their way, timers, messages. */
const COMING_MAX = 20_000;

export interface Outcome {
  /** `undefined` where everything held. */
  readonly violation: string | undefined;
  /** How the last run of the client ended: `done`, or the code of its error. */
  readonly end: string;
  /** What was said at its end, where it was done. */
  readonly done: DoneEvent | undefined;
  /** What its user was warned of. */
  readonly warnings: readonly string[];
  /** When its user was told that data comes over TCP, each time. */
  readonly streamedMs: readonly number[];
  /** When it was told that a server is back. */
  readonly resumedMs: readonly number[];
  /** How many streams were opened. */
  readonly streamCount: number;
  readonly digest: string;
  readonly elapsedMs: number;
  readonly eventCount: number;
  readonly lines: readonly string[];
}

interface Wire {
  readonly toServer: SimLink;
  readonly toClient: SimLink;
}

class World {
  readonly #scenario: Scenario;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #trace: SimTrace;
  readonly #servers: readonly SimServer[];
  readonly #wires: readonly (readonly Wire[])[];
  readonly #disk: MemoryDisk;
  readonly #invariants: Invariants;
  readonly #verdict = new Verdict();
  readonly #killsAtDiskOp: number[];
  /** What breaks the streams that were opened to each server. */
  readonly #streams: readonly (() => void)[][];
  #connections = 0;
  #streamCount = 0;
  readonly #streamedMs: number[] = [];
  readonly #resumedMs: number[] = [];
  /** What people were told once, by the run in which they were. */
  readonly #said = new Set<string>();
  readonly #warnings: string[] = [];
  readonly #adversary: SimAdversary | undefined;
  #client: SimClient | undefined;
  #runs = 0;
  #killsLeft: number;
  #progressMs = 0;
  #progress = "";
  /** Since when each server can be reached. */
  readonly #reachableSinceMs: number[];

  readonly #seal: VirtualSeal | undefined;

  constructor(scenario: Scenario, keepsLines: boolean) {
    this.#scenario = scenario;
    this.#random = new Random(scenario.seed + 0x1_0000_0000);
    this.#trace = new SimTrace(keepsLines);
    const clock = this.#clock;
    const random = this.#random;
    this.#wires = scenario.servers.map(({ paths }) =>
      paths.map(({ toServer, toClient }) => ({
        toServer: new SimLink(clock, random, toServer),
        toClient: new SimLink(clock, random, toClient),
      }))
    );
    this.#streams = scenario.servers.map(() => []);
    scenario.servers.forEach(({ tcp }, index) => {
      for (const atMs of tcp?.breaksMs ?? []) clock.at(atMs, () => this.#breakStreams(index));
    });
    this.#seal = scenario.isSealed ? virtualSeal(scenario.seed) : undefined;
    this.#servers = scenario.servers.map((spec, index) =>
      new SimServer(spec, scenario.sizeBytes, {
        clock,
        random,
        send: (path, to, datagram, port) => this.#toClient(index, path, { to, port }, datagram),
        onCrash: () => this.#breakStreams(index),
        ...(this.#seal !== undefined && { seal: this.#seal }),
      })
    );
    this.#adversary = scenario.adversary &&
      new SimAdversary(scenario.adversary, scenario.sizeBytes, {
        random,
        honest: () =>
          this.#servers.flatMap(({ ids }, index) =>
            [...ids].map((id) => ({ id, address: addressOf(index, 0) }))
          ),
        send: (from, to, datagram) => this.#fromAdversary(from, to, datagram),
      });
    this.#reachableSinceMs = this.#servers.map(() => Infinity);
    this.#invariants = new Invariants(scenario, this.#servers);
    this.#disk = new MemoryDisk(scenario.client.disk, {
      onWrite: (path, bytes, position) => {
        this.#verdict.watch(() => this.#invariants.onWrite(path, bytes, position));
        if (path.endsWith(".part")) this.#client?.onWritten();
      },
      onNamed: (_from, to, bytes) => this.#verdict.watch(() => this.#invariants.onNamed(to, bytes)),
    }, (ms, gate) => this.#clock.elapsed(ms, gate));
    this.#killsAtDiskOp = [...scenario.client.killsAtDiskOp];
    this.#killsLeft = scenario.client.killsMs.length;
  }

  async run(): Promise<Outcome> {
    const { killsMs } = this.#scenario.client;
    this.#clock.at(0, () => this.#startClient());
    this.#clock.at(LOOK_MS, () => this.#look());
    for (const killMs of killsMs) {
      this.#clock.at(killMs, () => {
        this.#killsLeft -= 1;
        this.#killClient();
      });
    }
    const violation = await this.#violation();
    const end = this.#client?.ended;
    return {
      violation,
      end: end === undefined ? "running" : end.event === "done" ? "done" : end.code,
      done: end?.event === "done" ? end : undefined,
      warnings: this.#warnings,
      streamedMs: this.#streamedMs,
      resumedMs: this.#resumedMs,
      streamCount: this.#streamCount,
      digest: this.#trace.digest,
      elapsedMs: this.#clock.nowMs,
      eventCount: this.#clock.eventCount,
      lines: this.#trace.lines,
    };
  }

  async #violation(): Promise<string | undefined> {
    try {
      await this.#clock.run(WORLD_MS_MAX, () => this.#verdict.isBroken || this.#isOver());
      if (this.#verdict.isBroken) return this.#verdict.text;
      if (this.#client?.ended === undefined) return "it never ends";
      if (!this.#client.isClosed) return "it has ended, and never closes";
      return undefined;
    } catch (error) {
      this.#verdict.onError(error);
      return this.#verdict.text;
    }
  }

  #isOver(): boolean {
    if (this.#disk.isCut) {
      this.#killsAtDiskOp.shift();
      this.#killClient();
    }
    if (this.#client?.failure !== undefined) throw this.#client.failure;
    return this.#client?.isClosed === true && this.#killsLeft === 0;
  }

  // — The client ————————————————————————————————————————————————————————————————————————————————

  #startClient(): void {
    const { clock, random, disk, scenario } = {
      clock: this.#clock,
      random: this.#random,
      disk: this.#disk,
      scenario: this.#scenario,
    };
    disk.cutAtOp = this.#killsAtDiskOp[0] ?? Infinity;
    this.#note(`client starts (${this.#runs})`);
    this.#client = new SimClient({
      clock,
      random,
      disk,
      scenario,
      send: (port, to, datagram) => this.#fromClient(port, to, datagram),
      connect: (thread, to, signal) => this.#connect(thread, to, signal),
      ...(this.#seal !== undefined && { seal: this.#seal }),
      hosts: this.#servers.map((_server, index) => addressOf(index, 0)),
      onEvent: (event) => this.#verdict.watch(() => this.#onEvent(event)),
      onChunk: (chunk, bytes) => this.#verdict.watch(() => this.#invariants.onChunk(chunk, bytes)),
      onBlamed: (server, what) => {
        this.#note(`${server} ${what}`);
        this.#verdict.watch(() => this.#invariants.onBlamed(server, what));
      },
      onStep: () => this.#verdict.watch(() => this.#check()),
    }, this.#runs++);
    this.#progressMs = clock.nowMs;
  }

  #killClient(): void {
    const client = this.#client;
    if (client === undefined || client.ended !== undefined) {
      // It was too late: there is nothing left to be killed.
      this.#disk.restart();
      return;
    }
    this.#note("client is killed");
    client.kill();
    this.#disk.restart();
    if (this.#scenario.client.rots) this.#rot();
    this.#clock.after(RESTART_MS, () => {
      if (this.#client === client) this.#startClient();
    });
  }

  #rot(): void {
    for (const path of this.#disk.paths) {
      const bytes = path.endsWith(".part") ? this.#disk.contentOf(path)! : undefined;
      if (bytes !== undefined) this.#disk.rot(path, this.#random.below(bytes.length + 1));
    }
  }

  #onEvent(event: GetEvent): void {
    this.#note(JSON.stringify(event));
    if (event.event === "notice" && event.level === "warning") this.#warnings.push(event.message);
    if (event.event === "notice" && /using TCP instead/.test(event.message)) {
      this.#streamedMs.push(this.#clock.nowMs);
      const said = `${this.#runs} ${event.message}`;
      if (this.#said.has(said)) throw new Violation(`said twice: ${event.message}`);
      this.#said.add(said);
    }
    // What was said may be said anew of what was back.
    if (event.event === "server" && event.state === "resumed") {
      this.#resumedMs.push(this.#clock.nowMs);
      this.#said.clear();
    }
    if (event.event === "done") this.#invariants.onDone(event, this.#disk);
    if (event.event === "failed") {
      this.#invariants.onFailed(event, this.#reachableMs(), this.#disk);
    }
  }

  // — The network ———————————————————————————————————————————————————————————————————————————————

  #fromClient(port: number, to: Endpoint, datagram: Bytes): void {
    this.#trace.datagram(
      this.#clock.nowMs,
      datagram,
      () => `:${port} → ${endpointText(to)}  ${describe(datagram)}`,
    );
    if (this.#adversary !== undefined) {
      const from = { address: clientAddress(0), port };
      this.#clock.after(
        ADVERSARY_MS,
        () => this.#adversary?.hear(datagram, from, to, to.address === BROADCAST),
      );
    }
    this.#wires.forEach((paths, index) => {
      paths.forEach((wire, path) => {
        if (to.address !== BROADCAST && to.address !== addressOf(index, path)) return;
        const from = { address: clientAddress(path), port };
        if (this.#isBlocked(index, path, to.port, datagram)) return;
        wire.toServer.send(datagram, (bytes) => {
          this.#servers[index]!.arrive({ bytes, from, port: to.port });
        });
      });
    });
  }

  /** He is faster than anybody. */
  #fromAdversary(from: Endpoint, to: Endpoint, datagram: Bytes): void {
    this.#trace.datagram(
      this.#clock.nowMs,
      datagram,
      () => `:${to.port} ← ${endpointText(from)}  (adversary) ${describe(datagram)}`,
    );
    this.#clock.after(ADVERSARY_MS, () => this.#client?.arrive(to.port, datagram, from));
  }

  #toClient(
    index: number,
    path: number,
    { to, port }: { readonly to: Endpoint; readonly port: number },
    datagram: Bytes,
  ): void {
    const from = { address: addressOf(index, path), port };
    this.#trace.datagram(
      this.#clock.nowMs,
      datagram,
      () => `:${to.port} ← ${endpointText(from)}  ${describe(datagram)}`,
    );
    if (this.#isBlocked(index, path, port, datagram)) return;
    this.#wires[index]![path]!.toClient.send(datagram, (bytes) => {
      this.#client?.arrive(to.port, bytes, from);
    });
  }

  /** @param port that of the server */
  #isBlocked(index: number, path: number, port: number, datagram: Bytes): boolean {
    const { block } = this.#scenario.servers[index]!.paths[path]!;
    if (block === undefined || this.#clock.nowMs < block.fromMs) return false;
    if (this.#clock.nowMs >= (block.untilMs ?? Infinity)) return false;
    if (block.what === "all") return true;
    if (port === DISCOVERY_PORT) return false;
    return block.what === "data" || datagram.length > LONG_BYTES;
  }

  async #connect(
    thread: VirtualThread,
    server: Endpoint,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    const { path, index } = placeOf(server.address);
    const { toServer, toClient } = this.#wires[index]![path]!;
    const port = STREAM_PORT_FIRST + this.#connections++;
    const opened = await connectVirtual({
      client: { endpoint: { address: clientAddress(path), port }, thread },
      server,
      listener: () => this.#servers[index]!.listenerOn(server.port),
      ...{ toServer, toClient },
    }, signal);
    this.#streamCount += 1;
    this.#note(`a stream to ${endpointText(server)}`);
    this.#streams[index]!.push(opened.break);
    return opened.stream;
  }

  #breakStreams(index: number): void {
    for (const breakOff of this.#streams[index]!.splice(0)) breakOff();
  }

  // — Watching ——————————————————————————————————————————————————————————————————————————————————

  #check(): void {
    const client = this.#client;
    if (client === undefined || client.isOver) return;
    const problem = client.problem();
    if (problem !== undefined) throw new Violation(problem);
  }

  #look(): void {
    this.#clock.after(LOOK_MS, () => this.#look());
    if (this.#clock.comingMax > COMING_MAX) {
      throw new Violation(`${this.#clock.comingMax} things were on their way at once`);
    }
    const { nowMs } = this.#clock;
    this.#servers.forEach((server, index) => {
      const problem = server.problem();
      if (problem !== undefined) throw new Violation(`server ${index}: ${problem}`);
      if (!this.#isReachable(server, index)) this.#reachableSinceMs[index] = Infinity;
      else this.#reachableSinceMs[index] = Math.min(this.#reachableSinceMs[index]!, nowMs);
    });
    this.#lookAtProgress();
  }

  #lookAtProgress(): void {
    const client = this.#client;
    if (client === undefined || client.isOver) return;
    const { nowMs } = this.#clock;
    if (!client.isClosed && nowMs - client.endedMs > CLOSE_MS_MAX) {
      throw new Violation(`it ended ${nowMs - client.endedMs} ms ago and is still there`);
    }
    if (client.ended !== undefined) return;
    const progress = `${this.#runs} ${client.verifiedCount}`;
    if (progress !== this.#progress) this.#progressMs = nowMs;
    this.#progress = progress;
    const stillMs = Math.min(nowMs - this.#progressMs, this.#reachableMs());
    if (stillMs < PROGRESS_MS_MAX) return;
    throw new Violation(`nothing has come for ${stillMs} ms, though a server could be reached`);
  }

  /** For how long somebody can be reached who has what is wanted. */
  #reachableMs(): number {
    const { nowMs } = this.#clock;
    const sinceMs = Math.max(this.#client?.startedMs ?? nowMs, Math.min(...this.#reachableSinceMs));
    return Math.max(0, nowMs - sinceMs);
  }

  #isReachable(server: SimServer, index: number): boolean {
    const { offered } = server;
    if (!server.isUp || !server.isHonest || offered === undefined) return false;
    const { isPinned } = this.#scenario.client;
    const pinned = isPinned ? simContent(this.#scenario.sizeBytes, 0).content : undefined;
    const wanted = this.#client?.content ?? pinned;
    if (wanted !== undefined && !sameContent(offered, wanted)) return false;
    const { nowMs } = this.#clock;
    const { paths, tcp } = this.#scenario.servers[index]!;
    return this.#wires[index]!.some(({ toServer, toClient }, path) => {
      const { block } = paths[path]!;
      const links = [toServer, toClient];
      if (links.some((link) => link.isDown(nowMs))) return false;
      if (block === undefined || nowMs < block.fromMs) return true;
      // Who cannot be found is not asked over TCP either, unless by name and at once.
      const isFound = block.what !== "all" ||
        (this.#scenario.client.namesServers && path === 0 && block.fromMs === 0);
      if (!isFound || tcp === undefined || nowMs < block.fromMs + TAKEOVER_MS) return false;
      return !links.some((link) => link.isStreamDown(nowMs));
    });
  }

  #note(text: string): void {
    this.#trace.note(this.#clock.nowMs, text);
  }
}

export async function runScenario(scenario: Scenario, keepsLines = false): Promise<Outcome> {
  return await new World(scenario, keepsLines).run();
}

/** A datagram in one line, for people. */
function describe(datagram: Bytes): string {
  const frames: string[] = [];
  for (const frame of framesIn(datagram)) {
    frames.push(
      JSON.stringify(frame, (key, value: unknown) => {
        if (typeof value === "bigint") return value.toString(16);
        if (value instanceof Uint8Array) return undefined;
        return key === "sha256" ? undefined : value;
      }),
    );
  }
  return frames.join(" + ") || `DATA ${datagram.length} bytes`;
}
