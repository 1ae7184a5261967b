/**
 * A server that means harm, at an address of its own on loopback: written from docs/PROTOCOL.md alone, upon
 * `frames.ts`. It hears every search, as everybody does, and answers in whichever way it is told to.
 */
import {
  type Claim,
  data,
  framesOf,
  FrameWriter,
  type Identity,
  offer,
  pending,
  randomBytes,
  readFind,
  TYPE,
} from "./frames.ts";

export interface EvilOptions {
  /** Where it is: an address in 127/8. */
  readonly address: string;
  readonly discoveryPort: number;
  /** What it offers; a single block, so that its SHA-256 is its root. */
  readonly content: Uint8Array<ArrayBuffer>;
  /** Whom it claims to be; a new one by default. */
  readonly id?: Uint8Array;
  /** What it does when it is asked: answer truly, send other bytes than it offers, only the layer, or nothing. */
  readonly asked?: "honest" | "rotten" | "layer only" | "silent";
  /** Whether it answers questions that reach it alone, which whoever borrows an address does not hear. */
  readonly hears?: boolean;
  /** How many offers it makes for each question, all but one from other ports. */
  readonly copies?: number;
  readonly delayMs?: number;
  /** What it claims of the content instead of the truth. */
  readonly claims?: Partial<Pick<Claim, "sizeBytes" | "sha256">>;
  /** Says PENDING instead, for ever. */
  readonly neverReady?: boolean;
}

export class EvilServer implements AsyncDisposable {
  readonly #options: Required<EvilOptions>;
  readonly #discovery: Deno.DatagramConn;
  readonly #data: Deno.DatagramConn;
  readonly #others: Deno.DatagramConn[] = [];
  readonly #loops: Promise<void>[] = [];
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();
  readonly #token = randomBytes(16);
  readonly #sha256: Uint8Array;
  /** Requests for data that have reached it. */
  asked = 0;

  static async start(options: EvilOptions): Promise<EvilServer> {
    const digest = await crypto.subtle.digest("SHA-256", options.content);
    return new EvilServer(options, new Uint8Array(digest));
  }

  private constructor(options: EvilOptions, sha256: Uint8Array) {
    this.#options = {
      id: randomBytes(16),
      asked: "honest",
      hears: true,
      copies: 1,
      delayMs: 0,
      neverReady: false,
      claims: {},
      ...options,
    };
    this.#sha256 = sha256;
    const { address, discoveryPort, copies } = this.#options;
    this.#discovery = listen("127.255.255.255", discoveryPort, true);
    this.#data = listen(address, 0, false);
    for (let i = 1; i < copies; i++) this.#others.push(listen(address, 0, false));
    this.#loops.push(this.#hear(this.#discovery, false), this.#hear(this.#data, true));
  }

  get dataPort(): number {
    return (this.#data.addr as Deno.NetAddr).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const socket of [this.#discovery, this.#data, ...this.#others]) socket.close();
    await Promise.all(this.#loops);
  }

  async #hear(socket: Deno.DatagramConn, isForUs: boolean): Promise<void> {
    for await (const [bytes, from] of socket) {
      if (isForUs && !this.#options.hears) continue;
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#answer(bytes, from).catch(() => {});
      }, this.#options.delayMs);
      this.#timers.add(timer);
    }
  }

  async #answer(bytes: Uint8Array, to: Deno.Addr): Promise<void> {
    for (const frame of framesOf(bytes)) {
      if (frame.type === TYPE.find) await this.#offer(readFind(frame), to);
      if (frame.type === TYPE.layerWant && this.#options.asked !== "silent") {
        const nonce = frame.u64();
        frame.raw(16);
        const number = frame.u32();
        const layer = new FrameWriter().u64(nonce).u32(number).u32(0).u8(1).raw(this.#sha256).u8(0);
        await this.#data.send(layer.frame(TYPE.layer), to);
      }
      if (frame.type === TYPE.want) {
        this.asked += 1;
        if (this.#options.asked === "silent" || this.#options.asked === "layer only") continue;
        const nonce = frame.u64();
        frame.raw(16);
        const number = frame.u32();
        frame.raw(32 + 8);
        const [segmentBytes, withCrc] = [frame.u16(), frame.u8()];
        for (let left = frame.u8(); left > 0; left--) {
          const [offset, lengthBytes] = [Number(frame.u64()), frame.u32()];
          await this.#send({ nonce, number, offset, lengthBytes, segmentBytes, withCrc }, to);
        }
      }
    }
  }

  async #offer(find: ReturnType<typeof readFind>, to: Deno.Addr): Promise<void> {
    const { content, id, neverReady } = this.#options;
    for (const [index, name] of find.names.entries()) {
      const identity: Identity = { server: id, token: this.#token, dataPort: this.dataPort };
      const claim = {
        ...{ sizeBytes: content.length, sha256: this.#sha256, root: this.#sha256 },
        ...this.#options.claims,
        name,
      };
      const answer = neverReady
        ? pending(find.queryId, index, identity, content.length, 1, 1_000_000)
        : offer(find.queryId, index, identity, claim);
      await this.#data.send(answer, to);
      for (const [i, other] of this.#others.entries()) {
        const server = randomBytes(16);
        const dataPort = (other.addr as Deno.NetAddr).port;
        const forged = { ...identity, server: i % 2 === 0 ? server : id, dataPort };
        await other.send(offer(find.queryId, index, forged, claim), to);
      }
    }
  }

  async #send(
    asked: {
      readonly nonce: bigint;
      readonly number: number;
      readonly offset: number;
      readonly lengthBytes: number;
      readonly segmentBytes: number;
      readonly withCrc: number;
    },
    to: Deno.Addr,
  ): Promise<void> {
    const { nonce, number, offset, lengthBytes, segmentBytes, withCrc } = asked;
    const payloadBytes = segmentBytes - 32;
    for (let at = offset; at < offset + lengthBytes; at += payloadBytes) {
      const end = Math.min(at + payloadBytes, offset + lengthBytes);
      const payload = this.#options.content.slice(at, end);
      if (this.#options.asked === "rotten") payload[0]! ^= 0xff;
      await this.#data.send(data(nonce, number, at, payload, withCrc === 1), to);
    }
  }
}

function listen(hostname: string, port: number, reuseAddress: boolean): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress });
}
