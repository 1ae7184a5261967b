/**
 * A program: the switch of a {@linkcode ./wire.ts Wire}. It makes TAP devices, which are then given to hosts, and
 * carries Ethernet frames between them, each over two impaired paths: from its host, and to the next one. It needs
 * FFI for what Deno has no call for (`ioctl`, `poll`), and holds up its thread while it waits, so it runs alone.
 *
 * Commands come as lines of JSON on stdin, an answer to each leaves as a line on stdout.
 */
import type { Bytes } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { Agenda } from "../sim/agenda.ts";
import { ImpairedPath, type Impairments } from "./impairments.ts";

/** What the switch is told. */
export type WireCommand =
  /** A device for one more host: it is the port of this number. */
  | { readonly kind: "add"; readonly device: string }
  | {
    readonly kind: "impair";
    readonly port: number;
    readonly direction: Direction;
    readonly impairments: Impairments;
  }
  | { readonly kind: "count"; readonly port: number };
export type Direction = "fromHost" | "toHost";

/** What a host has sent and been given so far; datagrams in frames with all their headers. */
export interface PortCounts {
  readonly sentFrames: number;
  readonly sentBytes: number;
  readonly deliveredFrames: number;
  readonly deliveredBytes: number;
}

const O_RDWR_NONBLOCK = 0x802;
const TUNSETIFF = 0x4004_54can;
const IFF_TAP_NO_PI = 0x1002;
const IFREQ_BYTES = 40;
const DEVICE_NAME_BYTES = 16;
const POLLIN = 1;
const POLLFD_BYTES = 8;
const STDIN = 0;
/** The longest jumbo frame. */
const FRAME_BYTES_MAX = 9_100;
const ADDRESS_BYTES = 6;
const MULTICAST_BIT = 1;
/** Ethernet, IPv4 and UDP: impairments speak of datagrams. */
const HEADER_BYTES = 14 + 20 + 8;
/** Frames of one port before the others have their turn. */
const READS_PER_TURN = 64;
const WAIT_MS_MAX = 100;

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  read: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  ppoll: { parameters: ["buffer", "u64", "buffer", "pointer"], result: "i32" },
});

interface Port {
  readonly descriptor: number;
  readonly fromHost: ImpairedPath;
  readonly toHost: ImpairedPath;
  readonly counts: { -readonly [Name in keyof PortCounts]: number };
}

class WireBridge {
  readonly #random: Random;
  readonly #ports: Port[] = [];
  readonly #agenda = new Agenda();
  /** Behind which port a hardware address was seen. */
  readonly #portOf = new Map<string, number>();
  readonly #frame: Bytes = new Uint8Array(FRAME_BYTES_MAX);
  #pollfds: Bytes = new Uint8Array(0);
  readonly #timeout = new BigInt64Array(2);
  #commands = "";
  readonly #decoder = new TextDecoder();

  constructor(seed: number) {
    this.#random = new Random(seed);
    this.#watch();
  }

  /** Until stdin ends. */
  run(): void {
    while (this.#wait()) {
      for (let port = 0; port < this.#ports.length; port++) this.#readPort(port);
      this.#deliverDue();
    }
  }

  /** Waits for a frame, a command or the next arrival; `false` when there will be no more commands. */
  #wait(): boolean {
    const waitMs = Math.min(WAIT_MS_MAX, Math.max(0, this.#agenda.nextMs - performance.now()));
    this.#timeout[1] = BigInt(Math.round(waitMs * 1e6));
    libc.ppoll(this.#pollfds, BigInt(this.#ports.length + 1), this.#timeout, null);
    const happened = new DataView(this.#pollfds.buffer).getInt16(POLLFD_BYTES - 2, true);
    return happened === 0 || this.#readCommands();
  }

  /** The descriptors that are waited for: the commands' first. */
  #watch(): void {
    const descriptors = [STDIN, ...this.#ports.map(({ descriptor }) => descriptor)];
    this.#pollfds = new Uint8Array(POLLFD_BYTES * descriptors.length);
    const view = new DataView(this.#pollfds.buffer);
    descriptors.forEach((descriptor, i) => {
      view.setInt32(POLLFD_BYTES * i, descriptor, true);
      view.setInt16(POLLFD_BYTES * i + 4, POLLIN, true);
    });
  }

  // — Frames ————————————————————————————————————————————————————————————————————————————————————

  #readPort(number: number): void {
    const { descriptor, fromHost, counts } = this.#ports[number]!;
    for (let reads = 0; reads < READS_PER_TURN; reads++) {
      const bytes = Number(libc.read(descriptor, this.#frame, BigInt(FRAME_BYTES_MAX)));
      if (bytes <= 0) return;
      counts.sentFrames += 1;
      counts.sentBytes += bytes;
      // It is overwritten by the next one; a copy is made where it has to wait.
      const frame = this.#frame.slice(0, bytes);
      for (const { atMs, datagram } of fromHost.send(performance.now(), frame)) {
        this.#at(atMs, () => this.#switch(number, datagram));
      }
    }
  }

  /** To the host that has its address, or to all others. */
  #switch(from: number, frame: Bytes): void {
    const target = addressAt(frame, 0);
    this.#portOf.set(addressAt(frame, ADDRESS_BYTES), from);
    const to = (frame[0]! & MULTICAST_BIT) === 0 ? this.#portOf.get(target) : undefined;
    if (to !== undefined) return this.#sendTo(to, frame);
    for (let port = 0; port < this.#ports.length; port++) {
      if (port !== from) this.#sendTo(port, frame);
    }
  }

  #sendTo(number: number, frame: Bytes): void {
    const { descriptor, toHost, counts } = this.#ports[number]!;
    for (const { atMs, datagram } of toHost.send(performance.now(), frame)) {
      this.#at(atMs, () => {
        counts.deliveredFrames += 1;
        counts.deliveredBytes += datagram.length;
        libc.write(descriptor, datagram, BigInt(datagram.length));
      });
    }
  }

  #at(atMs: number, run: () => void): void {
    if (atMs <= performance.now()) run();
    else this.#agenda.add(atMs, run);
  }

  #deliverDue(): void {
    while (this.#agenda.nextMs <= performance.now()) this.#agenda.take()?.run();
  }

  // — Commands ——————————————————————————————————————————————————————————————————————————————————

  #readCommands(): boolean {
    const bytes = Number(libc.read(STDIN, this.#frame, BigInt(FRAME_BYTES_MAX)));
    if (bytes <= 0) return false;
    this.#commands += this.#decoder.decode(this.#frame.subarray(0, bytes), { stream: true });
    const lines = this.#commands.split("\n");
    this.#commands = lines.pop()!;
    for (const line of lines) {
      const answer = this.#perform(JSON.parse(line) as WireCommand);
      Deno.stdout.writeSync(new TextEncoder().encode(`${JSON.stringify(answer)}\n`));
    }
    return true;
  }

  #perform(command: WireCommand): unknown {
    switch (command.kind) {
      case "add":
        this.#ports.push({
          descriptor: openTap(command.device),
          fromHost: this.#path(),
          toHost: this.#path(),
          counts: { sentFrames: 0, sentBytes: 0, deliveredFrames: 0, deliveredBytes: 0 },
        });
        this.#watch();
        return {};
      case "impair":
        this.#ports[command.port]![command.direction].change(
          performance.now(),
          command.impairments,
        );
        return {};
      case "count":
        return this.#ports[command.port]!.counts;
      default:
        throw new TypeError(`${JSON.stringify(command satisfies never)} is no command`);
    }
  }

  #path(): ImpairedPath {
    return new ImpairedPath(new Random(this.#random.u32()), {}, HEADER_BYTES);
  }
}

function addressAt(frame: Bytes, at: number): string {
  return String.fromCharCode(...frame.subarray(at, at + ADDRESS_BYTES));
}

/** The descriptor through which frames of a new device are read and written. */
function openTap(device: string): number {
  const encoder = new TextEncoder();
  const descriptor = libc.open(encoder.encode("/dev/net/tun\0"), O_RDWR_NONBLOCK);
  const request = new Uint8Array(IFREQ_BYTES);
  request.set(encoder.encode(device));
  new DataView(request.buffer).setInt16(DEVICE_NAME_BYTES, IFF_TAP_NO_PI, true);
  if (descriptor < 0 || libc.ioctl(descriptor, TUNSETIFF, request) !== 0) {
    throw new Error(`no TAP device ${device} can be made`);
  }
  return descriptor;
}

if (import.meta.main) {
  const [seed = "1"] = Deno.args;
  new WireBridge(Number(seed)).run();
}
