/**
 * A simulated network under fire: a server and a client after client, entered as users enter them, and a stranger who
 * sends spoilt datagrams to every port of both, from addresses that are his, the other's or nobody's. What is worth
 * spoiling is what the two say to each other. It is checked that nobody who has not proved to be there is
 * sent more than came from his address, that a client asks only where somebody was heard, and that no bytes get a name
 * but those that are served.
 */
import { assert } from "@std/assert";
import { type Endpoint, endpointText } from "../../lib/address.ts";
import { getIn } from "../../lib/app/client/get_files.ts";
import { listIn } from "../../lib/app/list/list.ts";
import { serveIn } from "../../lib/app/serve/serve.ts";
import { ShoalError } from "../../lib/errors.ts";
import { type Bytes, hashHex, toHex } from "../../lib/ids.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { sha256 } from "../../lib/protocol/base/sha256.ts";
import { RECEIVERS_MAX } from "../../lib/protocol/download/limits.ts";
import { SealedSegments } from "../../lib/io/net/sealed_segments.ts";
import { SealedPeers } from "../../lib/protocol/seal/sealed_peers.ts";
import { CONTROL_BYTES_MAX } from "../../lib/wire/limits.ts";
import { MemoryDisk } from "../sim/memory_disk.ts";
import { Verdict } from "../sim/verdict.ts";
import { VirtualClock } from "../sim/virtual_clock.ts";
import { VirtualProcess } from "../sim/virtual_process.ts";
import type { VirtualSeal } from "../sim/virtual_seal.ts";
import { mixedFile } from "../support/virtual_link.ts";
import { pick } from "./mutator.ts";

const SERVER = "10.0.0.1";
const CLIENT = "10.0.0.2";
const BROADCAST = "10.0.0.255";
const DATA_PORT = 10_530;
const CLIENT_PORT = 40_000;
/** More sockets than these no client opens. */
const CLIENT_PORTS = RECEIVERS_MAX + 2;
/** Those of the server's subnet have the classic protocol, whose answers are files. */
const NEIGHBOURS = [3, 4].map((host) => `10.0.0.${host}`);
const STRANGERS = [1, 2, 3].map((host) => `10.9.9.${host}`);
const SERVED = "/served";
const OUT = "/out";
const FOLDER = "films";
const NAMES = [`${FOLDER}/Amélie.mkv`, `${FOLDER}/b/last.txt`, "a.txt", "c.txt", "x".repeat(250)];
const FILE_BYTES = 200_000;
/** So that some hundreds of datagrams come in between. */
const RATE_BYTES_PER_S = 1_000_000;
const DELAY_MS = 0.3;
const TIMEOUT_MS = 500;
const RETRIES = 3;
/** Longer than the longest of uses: after this it hangs. */
const USE_MS_MAX = 120_000;
const HEARD_KEPT = 64;
/** Timers, messages and datagrams on their way. */
const COMING_MAX = 20_000;

/** What an address may still be sent for what came from it; what came long ago counts no more. */
const CREDIT_BYTES_MAX = 8_192;

export class FuzzWorld {
  readonly #random: Random;
  readonly #seal: VirtualSeal | undefined;
  /** One who has the secret as well, where there is one: what he spoils is opened, and read. */
  readonly #stranger: SealedSegments | undefined;
  readonly #clock = new VirtualClock();
  readonly #verdict = new Verdict();
  readonly #server: VirtualProcess;
  #client: VirtualProcess | undefined;
  readonly #clientDisk: MemoryDisk;
  readonly #contents = new Set<string>();
  readonly #creditBytes = new Map<string, number>();
  /** What the two have lately said, by its receiver. */
  readonly #heard = { server: new Array<Bytes>(), client: new Array<Bytes>() };
  #useStartedMs = 0;
  answered = 0;
  published = 0;
  uses = 0;

  /** @param seal all that the two say is sealed by it, and a part of what the stranger says */
  constructor(random: Random, seal?: VirtualSeal) {
    this.#random = random;
    this.#seal = seal;
    if (seal !== undefined) {
      this.#stranger = new SealedSegments(new SealedPeers(seal.suite, seal.groups));
    }
    const served = new MemoryDisk({ writeMs: 0 }, { onWrite() {}, onNamed() {} });
    NAMES.forEach((name, i) => {
      const bytes = mixedFile(i === 0 ? FILE_BYTES : 1 + 9_000 * i);
      this.#contents.add(toHex(sha256(bytes)));
      served.put(`${SERVED}/${name}`, bytes, -1_000_000);
    });
    this.#clientDisk = new MemoryDisk(
      { writeMs: 0 },
      {
        onWrite() {},
        onNamed: (_from, to, bytes) => this.#verdict.watch(() => this.#onNamed(to, bytes)),
      },
    );
    this.#server = this.#process(SERVER, served, DATA_PORT);
    this.#follow(async () => {
      const { runtime } = this.#server;
      const offers = { dir: SERVED, port: DISCOVERY_PORT, rateBytesPerS: RATE_BYTES_PER_S };
      await serveIn(runtime, offers);
      this.#use();
    });
  }

  /** What is worth spoiling now, if anything has been said. */
  seed(): Bytes | undefined {
    const { server, client } = this.#heard;
    const heard = this.#random.chance(0.5) ? server : client;
    return heard.length === 0 ? undefined : pick(this.#random, heard);
  }

  /** Lets the world go on for so long. */
  async run(ms: number): Promise<void> {
    await this.#clock.run(this.#clock.nowMs + ms, () => this.#verdict.isBroken);
    const { nowMs } = this.#clock;
    // Where nothing was to happen, the clock stands still.
    this.#clock.at(nowMs + ms, () => {});
    if (nowMs - this.#useStartedMs > USE_MS_MAX) {
      this.#verdict.onError(new Error("a use of it never ends"));
    }
    if (this.#verdict.isBroken) throw new Error(this.#verdict.text);
    assert(this.#clock.comingMax <= COMING_MAX, `${this.#clock.comingMax} things are to happen`);
  }

  /** Sends a datagram to one of the ports of either, from somewhere. */
  fire(spoilt: Bytes): void {
    const random = this.#random;
    const isFitting = spoilt.length > 0 && spoilt.length <= CONTROL_BYTES_MAX;
    const datagram = this.#stranger !== undefined && isFitting && random.chance(0.5)
      ? this.#stranger.firsts(spoilt)[0]!
      : spoilt;
    const foreign = pick(random, [...NEIGHBOURS, ...STRANGERS]);
    if (random.chance(0.5)) {
      const address = random.chance(0.2) ? CLIENT : foreign;
      const from = { address, port: CLIENT_PORT + random.below(CLIENT_PORTS) };
      this.#arriveAtServer(datagram, from, pick(random, [DISCOVERY_PORT, DATA_PORT]));
    } else {
      const address = random.chance(0.5) ? SERVER : foreign;
      const from = { address, port: pick(random, [DISCOVERY_PORT, DATA_PORT]) };
      this.#client?.arrive(CLIENT_PORT + random.below(CLIENT_PORTS), datagram, from);
    }
  }

  // — What is used ——————————————————————————————————————————————————————————————————————————————

  /** One use after the other, for ever. */
  #use(): void {
    this.#client?.end();
    this.#useStartedMs = this.#clock.nowMs;
    for (const path of this.#clientDisk.paths) this.#clientDisk.unlink(path);
    this.#clientDisk.restart();
    const { runtime } = this.#client = this.#process(CLIENT, this.#clientDisk, CLIENT_PORT);
    const asked = { broadcast: [BROADCAST], timeoutMs: TIMEOUT_MS, retries: RETRIES };
    const names = pick(this.#random, [[NAMES[0]!], [NAMES[0]!, NAMES[3]!], [`${FOLDER}/`]]);
    const isListing = this.#random.chance(0.2);
    this.#follow(async () => {
      try {
        if (isListing) await listIn(runtime, asked);
        else await getIn(runtime, { ...asked, names, outDir: OUT });
      } catch (error) {
        if (!(error instanceof ShoalError) || error.code === "internal") throw error;
      }
      this.uses += 1;
      this.#clock.after(1, () => this.#use());
    });
  }

  #follow(work: () => Promise<void>): void {
    this.#clock.settle();
    work().catch((error) => this.#verdict.onError(error));
  }

  #onNamed(to: string, bytes: Uint8Array): void {
    const isOurs = to.includes(".part") || to.endsWith(".manifest");
    if (!to.startsWith(`${OUT}/`) || isOurs) return;
    const digest = hashHex(toHex(sha256(bytes)));
    assert(this.#contents.has(digest), `${to} has bytes that nobody serves`);
    this.published += 1;
  }

  // — What is between them ——————————————————————————————————————————————————————————————————————

  #process(address: string, disk: MemoryDisk, firstPort: number): VirtualProcess {
    return new VirtualProcess({
      ...{ clock: this.#clock, random: this.#random, disk, firstPort },
      ...{ hopMs: () => 0.05, startMs: () => 1, joinMs: 0.2, receiveBufferBytes: 1 << 20 },
      subnets: [{ address, netmask: "255.255.255.0" }],
      ...(this.#seal !== undefined && { seal: this.#seal }),
      send: (port, to, datagram) => this.#send({ address, port }, to, datagram),
      watch: { onPosted() {}, onDelivered() {} },
    });
  }

  #send(from: Endpoint, to: Endpoint, datagram: Bytes): void {
    this.#verdict.watch(() => this.#check(from, to, datagram));
    if (from.address === CLIENT) {
      if (to.address !== SERVER && to.address !== BROADCAST) return;
      this.#keep(this.#heard.server, datagram);
      this.#clock.after(DELAY_MS, () => this.#arriveAtServer(datagram, from, to.port));
    } else if (to.address === CLIENT) {
      this.#keep(this.#heard.client, datagram);
      this.#clock.after(DELAY_MS, () => this.#client?.arrive(to.port, datagram, from));
    }
  }

  #check(from: Endpoint, to: Endpoint, datagram: Bytes): void {
    if (from.address === SERVER) {
      this.answered += 1;
      const leftBytes = (this.#creditBytes.get(to.address) ?? 0) - datagram.length;
      this.#creditBytes.set(to.address, leftBytes);
      const isFree = to.address === CLIENT || NEIGHBOURS.includes(to.address);
      assert(isFree || leftBytes >= 0, `${-leftBytes} bytes too many to ${endpointText(to)}`);
      return;
    }
    const known = [SERVER, BROADCAST, ...NEIGHBOURS, ...STRANGERS];
    assert(known.includes(to.address), `nobody was heard at ${endpointText(to)}, and is asked`);
    const receivers = this.#client?.countOf("receiver.ts") ?? 0;
    assert(receivers <= RECEIVERS_MAX, `${receivers} receivers`);
  }

  #arriveAtServer(datagram: Bytes, from: Endpoint, port: number): void {
    const creditBytes = (this.#creditBytes.get(from.address) ?? 0) + datagram.length;
    this.#creditBytes.set(from.address, Math.min(CREDIT_BYTES_MAX, creditBytes));
    this.#server.arrive(port, datagram, from);
  }

  #keep(heard: Bytes[], datagram: Bytes): void {
    if (heard.length < HEARD_KEPT) heard.push(datagram);
    else heard[this.#random.below(HEARD_KEPT)] = datagram;
  }
}
