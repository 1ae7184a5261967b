/** A simulated world of one who sends by a code and some who fetch, all as they ship, over a network that loses what it likes. */
import { setImmediate } from "node:timers/promises";
import type { CodeGetOptions, Sending, SendOptions } from "../../lib/app/code_options.ts";
import { getByCodeIn } from "../../lib/app/codes/get_by_code.ts";
import { sendIn } from "../../lib/app/codes/send.ts";
import type { GetResult } from "../../lib/app/options.ts";
import type { SendEvent } from "../../lib/app/events.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { MemoryDisk } from "./memory_disk.ts";
import { BROADCAST, OUT_DIR } from "./sim_client.ts";
import { VirtualClock } from "./virtual_clock.ts";
import { VirtualProcess } from "./virtual_process.ts";

const SENT = "/sent";
const DELAY_MS = 1;
const FIRST_PORT = 40_000;
const BUFFER_BYTES = 1 << 20;
const LIMIT_MS = 600_000;
/** Turns of real events in which nothing virtual happens, after which nothing more will. */
const IDLE_TURNS_MAX = 50;

/** How something ended; whoever was killed has no end. */
interface End<T> {
  value?: T;
  error?: unknown;
  endedMs?: number;
}

export interface Machine {
  readonly address: string;
  readonly disk: MemoryDisk;
  readonly process: VirtualProcess;
}

export class CodeWorld {
  readonly clock = new VirtualClock();
  readonly told: SendEvent[] = [];
  readonly #random: Random;
  readonly #lossRate: number;
  readonly #machines: Machine[] = [];

  constructor(seed: number, lossRate: number) {
    this.#random = new Random(seed);
    this.#lossRate = lossRate;
  }

  /** A machine that has these files. */
  machine(files: Readonly<Record<string, number>> = {}): Machine {
    const disk = new MemoryDisk({ writeMs: 0.05 }, { onWrite() {}, onNamed() {} });
    for (const [name, bytes] of Object.entries(files)) {
      disk.put(`${SENT}/${name}`, this.#random.bytes(bytes), -1_000_000);
    }
    return this.again(`10.0.0.${this.#machines.length + 1}`, disk);
  }

  /** A process at an address whose last one is over. */
  again(address: string, disk: MemoryDisk): Machine {
    disk.restart();
    const process = new VirtualProcess({
      ...{ clock: this.clock, random: this.#random, disk, firstPort: FIRST_PORT },
      ...{ hopMs: () => 0.1, startMs: () => 5, joinMs: 0, receiveBufferBytes: BUFFER_BYTES },
      send: (port, to, datagram) => {
        for (const other of this.#machines) {
          if (to.address !== BROADCAST && to.address !== other.address) continue;
          if (this.#random.chance(this.#lossRate)) continue;
          const bytes = datagram.slice();
          this.clock.after(DELAY_MS, () => other.process.arrive(to.port, bytes, { address, port }));
        }
      },
      watch: { onPosted() {}, onDelivered() {} },
    });
    const machine = { address, disk, process };
    this.#machines.push(machine);
    return machine;
  }

  /** Resolves, in virtual time, when there is a code. */
  async send(machine: Machine, options: SendOptions): Promise<Sending> {
    const opened = this.follow(sendIn(machine.process.runtime, {
      ...{ broadcast: [BROADCAST], onEvent: (event) => this.told.push(event), ...options },
    }));
    await this.until(() => opened.endedMs !== undefined);
    if (opened.value === undefined) throw opened.error;
    return opened.value;
  }

  get(machine: Machine, code: string, options: Partial<CodeGetOptions> = {}): End<GetResult> {
    return this.follow(getByCodeIn(machine.process.runtime, {
      ...{ code, outDir: OUT_DIR, broadcast: [BROADCAST], ...options },
    }));
  }

  follow<T>(work: Promise<T>): End<T> {
    const end: End<T> = {};
    work.then((value) => end.value = value, (error) => end.error = error)
      .finally(() => end.endedMs = this.clock.nowMs);
    this.clock.settle();
    return end;
  }

  async until(isOver: () => boolean): Promise<void> {
    const limitMs = this.clock.nowMs + LIMIT_MS;
    for (let idle = 0; !isOver(); idle++) {
      // What was asked for in real time goes on before the virtual one does.
      await setImmediate();
      const { eventCount } = this.clock;
      await this.clock.run(limitMs, isOver);
      if (this.clock.eventCount > eventCount) idle = 0;
      if (idle < IDLE_TURNS_MAX) continue;
      throw new Error(`it had not come to that at ${this.clock.nowMs} ms: ${this.states()}`);
    }
  }

  /** How it went with the code. */
  states(): readonly string[] {
    return this.told.flatMap((event) => event.event === "code" ? [event.state] : []);
  }
}

export function sentPath(name: string): string {
  return `${SENT}/${name}`;
}
