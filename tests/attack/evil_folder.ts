/**
 * A server of a folder that means harm, at an address of its own on loopback: written from docs/PROTOCOL.md alone, upon
 * `frames.ts`. Its manifest is whatever it is given; what it sends is asked of it by root.
 */
import { toHex } from "../../lib/ids.ts";
import {
  data,
  framesOf,
  FrameWriter,
  gone,
  type Identity,
  offer,
  randomBytes,
  readFind,
  TYPE,
} from "./frames.ts";

/** One entry as the wire has it, true or not. */
export interface EvilEntry {
  /** 1 file, 2 that may be run, 3 folder, 4 link, 5 gap. */
  readonly kind: number;
  readonly name: string;
  /** Of files. */
  readonly sizeBytes?: number;
  readonly sha256?: Uint8Array;
  readonly root?: Uint8Array;
  /** Of links. */
  readonly target?: string;
}

const BLOCK_BYTES = 16 * 1024;

export async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** A manifest, one entry after another as they come, names written out. */
export function manifestOf(
  entries: readonly EvilEntry[],
  count = entries.length,
): Uint8Array<ArrayBuffer> {
  const writer = new FrameWriter().raw(new TextEncoder().encode("SHOALTR1")).u32(count);
  for (const { kind, name, sizeBytes = 0, sha256, root, target = "" } of entries) {
    writer.u8(kind).u16(0).name(name);
    if (kind === 5) continue;
    writer.u64(1_600_000_000_000n).u32(0);
    if (kind === 4) writer.name(target);
    if (kind !== 1 && kind !== 2) continue;
    writer.u64(BigInt(sizeBytes)).raw(sha256 ?? new Uint8Array(32));
    if (sizeBytes > BLOCK_BYTES) writer.raw(root ?? new Uint8Array(32));
  }
  return writer.frame(0).slice(12);
}

export interface EvilFolderOptions {
  readonly address: string;
  readonly discoveryPort: number;
  /** Of one block. */
  readonly manifest: Uint8Array<ArrayBuffer>;
  /** What it claims to be as long as, instead of the truth. */
  readonly claimedBytes?: number;
  /** What it answers to whoever asks for a root in hex: bytes, `undefined` for GONE. */
  readonly contents?: (root: string, sizeBytes: number) => Uint8Array<ArrayBuffer> | undefined;
  /** It answers what everybody is sent, and nothing that is sent to it alone: it proves nothing. */
  readonly onlyClaims?: true;
}

export class EvilFolder implements AsyncDisposable {
  readonly #options: EvilFolderOptions;
  readonly #discovery: Deno.DatagramConn;
  readonly #data: Deno.DatagramConn;
  readonly #loops: Promise<void>[];
  readonly #identity: Identity;
  readonly #sha256: Uint8Array;
  /** Requests for data other than the manifest that have reached it. */
  asked = 0;

  static async start(options: EvilFolderOptions): Promise<EvilFolder> {
    return new EvilFolder(options, await digest(options.manifest));
  }

  private constructor(options: EvilFolderOptions, sha256: Uint8Array) {
    this.#options = options;
    this.#sha256 = sha256;
    const { address, discoveryPort } = options;
    this.#discovery = listen("127.255.255.255", discoveryPort, true);
    this.#data = listen(address, 0, false);
    const dataPort = (this.#data.addr as Deno.NetAddr).port;
    this.#identity = { server: randomBytes(16), token: randomBytes(16), dataPort };
    const heard = options.onlyClaims ? [this.#discovery] : [this.#discovery, this.#data];
    this.#loops = heard.map((socket) => this.#hear(socket));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#discovery, this.#data]) socket.close();
    await Promise.all(this.#loops);
  }

  async #hear(socket: Deno.DatagramConn): Promise<void> {
    for await (const [bytes, from] of socket) {
      // Whoever asks may be gone by now.
      await this.#answer(bytes, from).catch(() => {});
    }
  }

  async #answer(bytes: Uint8Array, to: Deno.Addr): Promise<void> {
    for (const frame of framesOf(bytes)) {
      if (frame.type === TYPE.find) {
        const { queryId, folder } = readFind(frame);
        if (folder === undefined) continue;
        const { manifest, claimedBytes = manifest.length } = this.#options;
        const [sha256, root] = [this.#sha256, this.#sha256];
        const claim = { sizeBytes: claimedBytes, sha256, root, name: "manifest" };
        await this.#data.send(offer(queryId, 0, this.#identity, claim), to);
      } else if (frame.type === TYPE.layerWant) {
        const nonce = frame.u64();
        frame.raw(16);
        const number = frame.u32();
        const layer = new FrameWriter().u64(nonce).u32(number).u32(0).u8(1).raw(frame.raw(32)).u8(
          0,
        );
        await this.#data.send(layer.frame(TYPE.layer), to);
      } else if (frame.type === TYPE.want) {
        const nonce = frame.u64();
        frame.raw(16);
        const number = frame.u32();
        const root = frame.raw(32);
        const content = this.#content(root, Number(frame.u64()));
        if (content === undefined) {
          await this.#data.send(gone(nonce, number, root), to);
          continue;
        }
        const [payloadBytes, withCrc] = [frame.u16() - 32, frame.u8() === 1];
        for (let left = frame.u8(); left > 0; left--) {
          const [offset, lengthBytes] = [Number(frame.u64()), frame.u32()];
          for (let at = offset; at < offset + lengthBytes; at += payloadBytes) {
            const payload = content.slice(at, Math.min(at + payloadBytes, offset + lengthBytes));
            await this.#data.send(data(nonce, number, at, payload, withCrc), to);
          }
        }
      }
    }
  }

  #content(root: Uint8Array, sizeBytes: number): Uint8Array<ArrayBuffer> | undefined {
    const { manifest, contents } = this.#options;
    if (toHex(root) === toHex(this.#sha256)) return manifest;
    this.asked += 1;
    return contents?.(toHex(root), sizeBytes);
  }
}

function listen(hostname: string, port: number, reuseAddress: boolean): Deno.DatagramConn {
  return Deno.listenDatagram({ transport: "udp", hostname, port, reuseAddress });
}
