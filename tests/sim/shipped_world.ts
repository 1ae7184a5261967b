/**
 * A simulated world in which everything is entered as users enter it: servers of folders that change, with their scans, their
 * watching and their hashing; a master that dies; and clients that get, list and put meanwhile. What must hold: no file
 * appears whose bytes nobody ever offered, what is said to be stored is, quotas hold, and everything ends.
 */
import { type Endpoint, endpointText } from "../../lib/address.ts";
import { getIn } from "../../lib/app/client/get_files.ts";
import { listIn } from "../../lib/app/list/list.ts";
import { masterIn } from "../../lib/app/master/master.ts";
import { serveIn } from "../../lib/app/serve/serve.ts";
import { putIn } from "../../lib/app/session/put.ts";
import { ShoalError } from "../../lib/errors.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { Verdict, Violation } from "./verdict.ts";
import { MemoryDisk } from "./memory_disk.ts";
import type { ShippedScenario } from "./shipped_scenario.ts";
import { simContent } from "./sim_contents.ts";
import { SimLink } from "./sim_link.ts";
import { SimTrace } from "./sim_trace.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { VirtualProcess } from "./virtual_process.ts";
import { type VirtualSeal, virtualSeal } from "./virtual_seal.ts";
import { connectVirtual } from "./virtual_stream.ts";
import type { VirtualThread } from "./virtual_thread.ts";

const BROADCAST = "255.255.255.255";
const SERVED = "/served";
const OUT = "/out";
const MASTER_NAME = "master.example";
const MASTER = "10.0.1.1";
const GETTER = "10.0.2.1";
const PUTTER = "10.0.2.2";
/** No use case takes longer than this, whatever happens. */
const WORLD_MS_MAX = 900_000;
const HOP_MS = 0.1;
const START_MS = 5;
const BUFFER_BYTES = 1 << 20;
/** Of what is not an upload in the folder of uploads: the ledger of what was stored. */
const LEDGER_BYTES_MAX = 4_096;
const VARIANTS_PER_FILE = 16;

export interface ShippedOutcome {
  readonly violation: string | undefined;
  /** How each use case ended, in order of their ends: `get a: done`. */
  readonly ends: readonly string[];
  readonly digest: string;
  readonly elapsedMs: number;
  readonly lines: readonly string[];
}

export async function runShipped(scenario: ShippedScenario, keepsLines = false) {
  return await new ShippedWorld(scenario, keepsLines).run();
}

class Host {
  readonly disk: MemoryDisk;
  readonly up: SimLink;
  readonly down: SimLink;
  process: VirtualProcess | undefined;

  constructor(disk: MemoryDisk, up: SimLink, down: SimLink) {
    this.disk = disk;
    this.up = up;
    this.down = down;
  }
}

class ShippedWorld {
  readonly #scenario: ShippedScenario;
  readonly #clock = new VirtualClock();
  readonly #random: Random;
  readonly #trace: SimTrace;
  readonly #hosts = new Map<string, Host>();
  readonly #breaks = new Map<() => void, readonly string[]>();
  /** By name: every content that was ever there to be had. */
  readonly #offered = new Map<string, Set<string>>();
  readonly #versions = new Map<string, number>();
  readonly #ends: string[] = [];
  #unended = 0;
  #ports = 20_000;
  readonly #verdict = new Verdict();
  readonly #seal: VirtualSeal | undefined;

  constructor(scenario: ShippedScenario, keepsLines: boolean) {
    this.#scenario = scenario;
    this.#seal = scenario.isSealed ? virtualSeal(scenario.seed) : undefined;
    this.#random = new Random(scenario.seed);
    this.#trace = new SimTrace(keepsLines);
    const clock = this.#clock;
    scenario.servers.forEach(({ serves }, index) => {
      const host = this.#addHost(
        serverAddress(index),
        () => this.#verdict.watch(() => this.#checkQuota(index)),
      );
      host.disk.makeFolder(SERVED);
      for (const { file, sizeBytes } of serves) this.#serve(host, file, sizeBytes, 0, -1_000_000);
      clock.at(0, () => this.#startServer(index));
      const { diesMs, backAfterMs } = scenario.servers[index]!;
      if (diesMs !== undefined) {
        clock.at(diesMs, () => this.#kill(serverAddress(index)));
        clock.at(diesMs + backAfterMs, () => this.#startServer(index));
      }
    });
    for (const { atMs, server, file, sizeBytes } of scenario.changes) {
      clock.at(atMs, () => this.#change(server, file, sizeBytes));
    }
    if (scenario.hasMaster) this.#planMaster();
    this.#addHost(
      GETTER,
      () => {},
      (to, bytes) => this.#verdict.watch(() => this.#checkPublished(to, bytes)),
    );
    this.#addHost(PUTTER, () => {});
    clock.at(scenario.getAtMs, () => this.#get());
    scenario.listAtMs.forEach((atMs, index) => {
      this.#addHost(listerAddress(index), () => {});
      clock.at(atMs, () => this.#list(listerAddress(index)));
    });
    clock.at(scenario.putAtMs, () => this.#put());
    for (const atMs of scenario.breaksMs) clock.at(atMs, () => this.#breakStreams());
    this.#unended = 1 + scenario.listAtMs.length + 1;
  }

  async run(): Promise<ShippedOutcome> {
    try {
      const isOver = (): boolean => this.#verdict.isBroken || this.#unended === 0;
      await this.#clock.run(WORLD_MS_MAX, isOver);
      if (this.#unended > 0) throw new Violation(`${this.#unended} use cases never end`);
      this.#checkCalm();
    } catch (error) {
      this.#verdict.onError(error);
    }
    const violation = this.#verdict.text;
    const { digest, lines } = this.#trace;
    return { violation, ends: this.#ends, digest, elapsedMs: this.#clock.nowMs, lines };
  }

  // — Servers ———————————————————————————————————————————————————————————————————————————————————

  #startServer(index: number): void {
    const address = serverAddress(index);
    const { runtime } = this.#start(address);
    const { hasMaster, servers } = this.#scenario;
    this.#guard(async () => {
      await serveIn(runtime, {
        dir: SERVED,
        port: DISCOVERY_PORT,
        allowUpload: true,
        uploadQuotaBytes: servers[index]!.quotaBytes,
        masters: hasMaster ? [MASTER_NAME] : [],
        onEvent: (event) => this.#note(`${address} ${JSON.stringify(event)}`),
      });
    });
  }

  #change(server: number, file: number, sizeBytes: number | undefined): void {
    const host = this.#hosts.get(serverAddress(server))!;
    if (sizeBytes === undefined) return host.disk.unlink(`${SERVED}/${nameOf(file)}`);
    const version = (this.#versions.get(nameOf(file)) ?? 0) + 1;
    this.#versions.set(nameOf(file), version);
    this.#serve(host, file, sizeBytes, version, this.#clock.nowMs);
  }

  #serve({ disk }: Host, file: number, sizeBytes: number, version: number, mtimeMs: number): void {
    const name = nameOf(file);
    const { bytes, content } = simContent(sizeBytes, VARIANTS_PER_FILE * file + version);
    this.#offered.set(name, (this.#offered.get(name) ?? new Set()).add(content.sha256));
    this.#note(`${name} is ${content.sha256} of ${sizeBytes} bytes`);
    // Written anew, as a server's own files are: whoever reads the old ones reads on.
    disk.unlink(`${SERVED}/${name}`);
    disk.put(`${SERVED}/${name}`, bytes.slice(), mtimeMs);
  }

  /** Before it is on the disk it was allowed: all uploads, parts included, stay within the quota. */
  #checkQuota(index: number): void {
    const { disk } = this.#hosts.get(serverAddress(index))!;
    const { quotaBytes } = this.#scenario.servers[index]!;
    let uploadedBytes = 0;
    for (const path of disk.paths) {
      if (isUpload(path)) uploadedBytes += disk.contentOf(path)?.length ?? 0;
    }
    if (uploadedBytes <= quotaBytes + LEDGER_BYTES_MAX) return;
    throw new Violation(`uploads take ${uploadedBytes} bytes, of ${quotaBytes}`);
  }

  // — The master ————————————————————————————————————————————————————————————————————————————————

  #planMaster(): void {
    const { masterDiesMs, masterBackAfterMs } = this.#scenario;
    this.#addHost(MASTER, () => {});
    this.#clock.at(0, () => this.#startMaster());
    if (masterDiesMs === undefined) return;
    this.#clock.at(masterDiesMs, () => this.#kill(MASTER));
    this.#clock.at(masterDiesMs + masterBackAfterMs, () => this.#startMaster());
  }

  #startMaster(): void {
    const { runtime } = this.#start(MASTER);
    this.#guard(async () => {
      await masterIn(runtime, { host: MASTER, store: "memory" });
    });
  }

  // — Use cases —————————————————————————————————————————————————————————————————————————————————

  #get(): void {
    const { gets, timeoutMs, retries, hasMaster } = this.#scenario;
    const { runtime } = this.#start(GETTER);
    this.#useCase("get", async () => {
      const results = await getIn(runtime, {
        ...{ timeoutMs, retries, outDir: OUT, broadcast: [BROADCAST] },
        names: gets.length === 0 ? ["*.bin"] : gets.map(nameOf),
        masters: hasMaster ? [MASTER_NAME] : [],
        onEvent: (event) => this.#note(`get ${JSON.stringify(event)}`),
      });
      for (const each of results) {
        if (each.event === "failed") this.#end(`get: ${each.code}`);
        else this.#onGot(each.path, each.sha256);
      }
    });
  }

  #onGot(path: string, sha256: string): void {
    const bytes = this.#hosts.get(GETTER)!.disk.contentOf(path);
    if (bytes === undefined) throw new Violation(`${path} is done, and not there`);
    this.#checkPublished(path, bytes);
    const name = path.slice(path.lastIndexOf("/") + 1);
    if (!this.#offered.get(name)?.has(sha256)) {
      throw new Violation(`${path} is said to be ${sha256}`);
    }
    this.#end("get: done");
  }

  #checkPublished(path: string, bytes: Uint8Array): void {
    if (!path.startsWith(OUT) || !path.endsWith(".bin")) return;
    const name = path.slice(path.lastIndexOf("/") + 1);
    const wanted = this.#offered.get(name);
    const isRight = [...this.#contents(name)].some((each) =>
      wanted?.has(each.content.sha256) && isSame(each.bytes, bytes)
    );
    if (!isRight) throw new Violation(`${path} was published with bytes that nobody offered`);
  }

  *#contents(name: string) {
    const file = Number(/\d+/.exec(name)![0]);
    const { servers, changes } = this.#scenario;
    for (const { serves } of servers) {
      for (const each of serves) {
        if (each.file === file) yield simContent(each.sizeBytes, VARIANTS_PER_FILE * file);
      }
    }
    let version = 0;
    for (const change of changes) {
      if (change.file !== file || change.sizeBytes === undefined) continue;
      yield simContent(change.sizeBytes, VARIANTS_PER_FILE * file + ++version);
    }
  }

  #list(address: string): void {
    const { timeoutMs, retries, hasMaster } = this.#scenario;
    const { runtime } = this.#start(address);
    this.#useCase("list", async () => {
      const files = await listIn(runtime, {
        ...{ timeoutMs, retries, broadcast: [BROADCAST] },
        masters: hasMaster ? [MASTER_NAME] : [],
      });
      for (const { name, sha256 } of files) {
        const isOurs = name.endsWith(".bin");
        if (!isOurs || sha256 === undefined || this.#offered.get(name)?.has(sha256)) continue;
        throw new Violation(`${name} is listed as ${sha256}`);
      }
      this.#end(`list: ${files.length > 0 ? "some" : "none"}`);
    });
  }

  #put(): void {
    const { puts, timeoutMs, retries } = this.#scenario;
    const host = this.#hosts.get(PUTTER)!;
    const files = puts.map((sizeBytes, index) => {
      const path = `/home/up${index}.dat`;
      host.disk.put(path, simContent(sizeBytes, 1_000 + index).bytes.slice(), -1_000_000);
      return path;
    });
    const { runtime } = this.#start(PUTTER);
    this.#useCase("put", async () => {
      const results = await putIn(runtime, {
        ...{ files, server: `${serverAddress(0)}:${DISCOVERY_PORT}`, timeoutMs, retries },
        onEvent: (event) => this.#note(`put ${JSON.stringify(event)}`),
      });
      results.forEach((each, index) => {
        if (each.event === "failed") return this.#end(`put: ${each.code}`);
        if (each.event === "stored") {
          this.#onStored(each.storedAs ?? `up${index}.dat`, puts[index]!, index);
        }
      });
    });
  }

  #onStored(name: string, sizeBytes: number, index: number): void {
    const stored = this.#hosts.get(serverAddress(0))!.disk.contentOf(`${SERVED}/${name}`);
    const { bytes } = simContent(sizeBytes, 1_000 + index);
    if (stored === undefined || !isSame(stored, bytes)) {
      throw new Violation(`${name} is said to be stored, and is not`);
    }
    this.#end("put: stored");
  }

  #useCase(what: string, work: () => Promise<void>): void {
    this.#guard(async () => {
      try {
        await work();
      } catch (error) {
        if (!(error instanceof ShoalError) || error.code === "internal") throw error;
        this.#end(`${what}: ${error.code}`);
      }
      this.#unended -= 1;
    });
  }

  #guard(work: () => Promise<void>): void {
    this.#clock.settle();
    work().catch((error) => this.#verdict.onError(error));
  }

  #end(text: string): void {
    this.#note(text);
    this.#ends.push(text);
  }

  /** Where nothing goes wrong but streams that break, and not those by which the only master hears of servers, all that is there is got, listed and taken. */
  #checkCalm(): void {
    const { servers, changes, link, masterDiesMs } = this.#scenario;
    const isCalm = servers.every(({ diesMs }) => diesMs === undefined) && changes.length === 0 &&
      masterDiesMs === undefined && link.loss === 0 && link.downMs.length === 0;
    const { isOneNetwork, gets, breaksMs } = this.#scenario;
    if (!isCalm || (!isOneNetwork && breaksMs.length > 0)) return;
    const isThere = servers.some(({ serves }) => serves.length > 0);
    const allowed = ["get: done", "get: not_found", "list: some", "put: stored", "put: refused"];
    if (!isThere) allowed.push("list: none");
    const isServed = (file: number): boolean =>
      servers.some(({ serves }) => serves.some((each) => each.file === file));
    // A master that knows of nobody is nobody who answers.
    if (!isThere || !gets.every(isServed)) allowed.push("get: no_server");
    const odd = this.#ends.filter((end) => !allowed.includes(end));
    if (odd.length > 0) throw new Violation(`nothing was wrong, and yet: ${odd.join(", ")}`);
  }

  // — Hosts and what is between them ————————————————————————————————————————————————————————————

  #addHost(
    address: string,
    onWritten: () => void,
    onNamed: (to: string, bytes: Uint8Array) => void = () => {},
  ): Host {
    const { link } = this.#scenario;
    const newLink = (): SimLink => new SimLink(this.#clock, this.#random, link);
    const disk = new MemoryDisk(
      { writeMs: 0 },
      { onWrite: onWritten, onNamed: (_from, to, bytes) => onNamed(to, bytes) },
      (ms, gate) => this.#clock.elapsed(ms, gate),
    );
    const host = new Host(disk, newLink(), newLink());
    this.#hosts.set(address, host);
    return host;
  }

  #start(address: string): VirtualProcess {
    const host = this.#hosts.get(address)!;
    host.process?.end();
    const isListener = address.startsWith("10.0.0.") || address === MASTER;
    this.#ports += 100;
    return host.process = new VirtualProcess({
      ...{ clock: this.#clock, random: this.#random, disk: host.disk, firstPort: this.#ports },
      ...{ hopMs: () => HOP_MS, startMs: () => START_MS, joinMs: 0.2 },
      ...{ receiveBufferBytes: BUFFER_BYTES, listens: isListener },
      ...(this.#seal !== undefined && { seal: this.#seal }),
      send: (port, to, datagram) => this.#send({ address, port }, to, datagram),
      connect: (thread, to, signal) => this.#connect(address, thread, to, signal),
      // One of its addresses leads nowhere.
      lookUp: (thread) => thread.clock.sleep(1).then(() => ["10.0.9.9", MASTER]),
      watch: { onPosted() {}, onDelivered() {} },
    });
  }

  #kill(address: string): void {
    const host = this.#hosts.get(address)!;
    this.#note(`${address} dies`);
    host.process?.end();
    host.process = undefined;
    host.disk.restart();
    this.#breakStreams(address);
  }

  #send(from: Endpoint, to: Endpoint, datagram: Bytes): void {
    const sender = this.#hosts.get(from.address)!;
    this.#trace.datagram(
      this.#clock.nowMs,
      datagram,
      () => `${endpointText(from)} → ${endpointText(to)}  ${datagram.length} bytes`,
    );
    for (const [address, host] of this.#hosts) {
      const isReached = to.address === address ||
        (to.address === BROADCAST && this.#scenario.isOneNetwork && address !== from.address);
      if (!isReached) continue;
      sender.up.send(
        datagram,
        (passed) => host.down.send(passed, (bytes) => host.process?.arrive(to.port, bytes, from)),
      );
    }
  }

  async #connect(
    from: string,
    thread: VirtualThread,
    to: Endpoint,
    signal: AbortSignal,
  ): Promise<ByteStream> {
    const [near, far] = [this.#hosts.get(from)!, this.#hosts.get(to.address)];
    if (far === undefined) throw new Error("no route to host");
    const { stream, break: breakOff } = await connectVirtual({
      client: { endpoint: { address: from, port: this.#ports++ }, thread },
      server: to,
      listener: () => far.process?.listenerOn(to.port),
      ...{ toServer: far.down, toClient: near.down },
    }, signal);
    this.#breaks.set(breakOff, [from, to.address]);
    return stream;
  }

  /** @param address only those of this host; all by default */
  #breakStreams(address?: string): void {
    for (const [breakOff, ends] of this.#breaks) {
      if (address !== undefined && !ends.includes(address)) continue;
      this.#breaks.delete(breakOff);
      breakOff();
    }
  }

  #note(text: string): void {
    this.#trace.note(this.#clock.nowMs, text);
  }
}

function serverAddress(index: number): string {
  return `10.0.0.${index + 1}`;
}

function listerAddress(index: number): string {
  return `10.0.2.${10 + index}`;
}

function nameOf(file: number): string {
  return `file${file}.bin`;
}

function isUpload(path: string): boolean {
  return path.startsWith(`${SERVED}/.shoal-uploads/`) || /\/up\d[^/]*\.dat$/.test(path);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
