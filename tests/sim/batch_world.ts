/**
 * A simulated world of many small files: a client that wants them all, and the one server that has them, which may
 * die and come back. Both are what ships, over a network that loses nothing.
 */
import type { Endpoint } from "../../lib/address.ts";
import { getIn } from "../../lib/app/client/get_files.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../../lib/app/events.ts";
import { serveIn } from "../../lib/app/serve/serve.ts";
import type { Bytes, SafeFileName } from "../../lib/ids.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { BROADCAST, OUT_DIR } from "./sim_client.ts";
import { FOLDER } from "./sim_index.ts";
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
  #failure: unknown;

  constructor(spec: BatchSpec) {
    this.#spec = spec;
    for (let i = 0; i < spec.files; i++) {
      const name = `f${String(i).padStart(4, "0")}` as SafeFileName;
      this.#names.push(name);
      this.#served.put(`${FOLDER}/${name}`, this.#random.bytes(FILE_BYTES), -1_000_000);
    }
    const disk = new MemoryDisk({ writeMs: 0.05 }, { onWrite() {}, onNamed() {} });
    this.#client = this.#process(disk, CLIENT_PORT, (port, to, datagram) => {
      if (to.address !== BROADCAST && to.address !== SERVER) return;
      const from = { address: CLIENT, port };
      this.#clock.after(DELAY_MS, () => this.#server?.arrive(to.port, datagram, from));
    });
  }

  async run(limitMs: number): Promise<BatchOutcome> {
    let ends: (DoneEvent | FailedEvent)[] | undefined;
    let endedMs = 0;
    this.#clock.at(0, () => this.#startServer());
    this.#clock.at(0, () =>
      this.#follow(async () => {
        ends = await this.#get();
        endedMs = this.#clock.nowMs;
      }));
    const isOver = (): boolean => ends !== undefined || this.#failure !== undefined;
    await this.#clock.run(limitMs, isOver);
    if (ends === undefined) {
      throw this.#failure ?? new Error(`it had not ended after ${limitMs} ms`);
    }
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
    const process = this.#server = this.#process(this.#served, DATA_PORT, (port, to, datagram) => {
      const from = { address: SERVER, port };
      this.#clock.after(DELAY_MS, () => this.#client.arrive(to.port, datagram, from));
    });
    const { rateBytesPerS } = this.#spec;
    this.#follow(async () => {
      await serveIn(process.runtime, { dir: FOLDER, port: DISCOVERY_PORT, rateBytesPerS });
    });
  }

  #follow(work: () => Promise<void>): void {
    this.#clock.settle();
    work().catch((error) => this.#failure ??= error);
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
