/**
 * A simulated world of many small files: a client that wants them all, and the one server that has them, which may
 * die and come back. Both are what ships, over a network that loses nothing.
 */
import type { Endpoint } from "../../lib/address.ts";
import { getIn } from "../../lib/app/client/get_files.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../../lib/app/events.ts";
import { Serving } from "../../lib/app/serve/serving.ts";
import { type Bytes, hashHex, type SafeFileName, serverId, toHex } from "../../lib/ids.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { testTransport } from "../support/test_transport.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import { TreeHasher } from "../../lib/protocol/merkle/merkle.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { BROADCAST, OUT_DIR } from "./sim_client.ts";
import { FOLDER, SimIndex } from "./sim_index.ts";
import { DATA_PORT } from "./sim_server.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { VirtualProcess } from "./virtual_process.ts";

const CLIENT = "10.0.0.1";
const SERVER = "10.0.0.2";
const DELAY_MS = 1;
const FILE_BYTES = 2_000;
const CLIENT_PORT = 40_000;
const BUFFER_BYTES = 1 << 20;

export interface BatchSpec {
  readonly files: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly jobs: number;
  readonly rateBytesPerS: number;
  /** The server dies each time that so many files are there, and is started again after `backAfterMs`. */
  readonly diesAfterFiles: readonly number[];
  readonly backAfterMs?: number;
}

export interface BatchOutcome {
  readonly ends: readonly (DoneEvent | FailedEvent)[];
  readonly diedMs: number;
  readonly endedMs: number;
}

export class BatchWorld {
  readonly #spec: BatchSpec;
  readonly #clock = new VirtualClock();
  readonly #random = new Random(11);
  readonly #served = new MemoryDisk({ writeMs: 0 }, { onWrite() {}, onNamed() {} });
  readonly #names: SafeFileName[] = [];
  readonly #client: VirtualProcess;
  #server: VirtualProcess | undefined;
  #doneCount = 0;
  #diedMs = Infinity;

  constructor(spec: BatchSpec) {
    this.#spec = spec;
    for (let i = 0; i < spec.files; i++) {
      const name = `f${String(i).padStart(4, "0")}` as SafeFileName;
      this.#names.push(name);
      this.#served.put(`${FOLDER}/${name}`, this.#random.bytes(FILE_BYTES), 1_000);
    }
    const disk = new MemoryDisk({ writeMs: 0.05 }, { onWrite() {}, onNamed() {} });
    this.#client = this.#process(disk, CLIENT_PORT, (port, to, datagram) => {
      if (to.address !== BROADCAST && to.address !== SERVER) return;
      const from = { address: CLIENT, port };
      this.#clock.after(DELAY_MS, () => this.#server?.arrive(to.port, datagram, from));
    });
  }

  async run(limitMs: number): Promise<BatchOutcome> {
    this.#startServer();
    this.#clock.settle();
    let ends: (DoneEvent | FailedEvent)[] | undefined;
    let [failure, endedMs]: [unknown, number] = [undefined, 0];
    this.#get().then((all) => {
      ends = all;
      endedMs = this.#clock.nowMs;
    }).catch((error) => failure = error);
    await this.#clock.run(limitMs, () => ends !== undefined || failure !== undefined);
    if (ends === undefined) throw failure ?? new Error(`it had not ended after ${limitMs} ms`);
    return { ends, diedMs: this.#diedMs, endedMs };
  }

  async #get(): Promise<(DoneEvent | FailedEvent)[]> {
    const { timeoutMs, retries, jobs } = this.#spec;
    const ends = await getIn(this.#client.runtime, {
      ...{ names: this.#names, outDir: OUT_DIR, broadcast: [BROADCAST], timeoutMs, retries, jobs },
      onEvent: (event) => this.#onEvent(event),
    });
    return [...ends];
  }

  #onEvent({ event }: GetEvent): void {
    if (event !== "done") return;
    this.#doneCount += 1;
    if (!this.#spec.diesAfterFiles.includes(this.#doneCount)) return;
    this.#diedMs = this.#clock.nowMs;
    this.#server?.end();
    this.#server = undefined;
    const { backAfterMs } = this.#spec;
    if (backAfterMs !== undefined) this.#clock.after(backAfterMs, () => this.#startServer());
  }

  #startServer(): void {
    const index = new SimIndex({ onRecheck() {}, onDoubt() {} });
    for (const name of this.#names) {
      const path = `${FOLDER}/${name}`;
      const bytes = this.#served.contentOf(path)!;
      const hasher = new TreeHasher(bytes.length);
      hasher.update(bytes);
      const { root } = hasher.finish();
      index.catalogue.put(name, this.#served.identityAt(path)!.signature, "pending");
      index.catalogue.ready(name, { sha256: hashHex(toHex(sha256(bytes))), root });
    }
    const process = this.#server = this.#process(this.#served, DATA_PORT, (port, to, datagram) => {
      const from = { address: SERVER, port };
      this.#clock.after(DELAY_MS, () => this.#client.arrive(to.port, datagram, from));
    });
    const [server, seed] = [serverId(toHex(this.#random.bytes(16))), this.#random.u32()];
    const nothing = (): void => {};
    const policy = { server, allowsUpload: false, uploadBytesMax: 0, chunkBytes: 1_024 };
    const { runtime } = process;
    const serving = new Serving({
      ...{ runtime, index, server, seed, tokenSecret: this.#random.bytes(32) },
      rateBytesPerS: this.#spec.rateBytesPerS,
      interfaces: { only: [], except: [] },
      discovery: runtime.net.openDatagrams(
        testTransport({ ports: [DISCOVERY_PORT], share: true }),
      ),
      transport: testTransport(),
      sessions: {
        ...{ host: "0.0.0.0", ports: [DISCOVERY_PORT], rateBytesPerS: 0 },
        policy: { ...policy, errorRate: 0, seed },
        quota: { bytes: 0, perPartyBytes: 0, entries: 0, perPartyEntries: 0 },
        layers: [],
      },
      onFailure: (error) => {
        throw error;
      },
      ...{ onSearched: nothing, onClassicRequest: nothing, onRequested: nothing },
      ...{
        onSending: nothing,
        onUploaded: nothing,
        onRefused: nothing,
        onLog: nothing,
        onDetail: nothing,
      },
      onServed: nothing,
    });
    void serving.open();
  }

  #process(
    disk: MemoryDisk,
    firstPort: number,
    send: (port: number, to: Endpoint, datagram: Bytes) => void,
  ): VirtualProcess {
    return new VirtualProcess({
      ...{ clock: this.#clock, random: this.#random, disk, firstPort, send },
      ...{ hopMs: () => 0.1, startMs: () => 5, joinMs: 0, receiveBufferBytes: BUFFER_BYTES },
      watch: { onPosted() {}, onDelivered() {} },
    });
  }
}
