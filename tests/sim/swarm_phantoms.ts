/**
 * Addresses that announce themselves as takers, as docs/PROTOCOL.md has it: each proves its address to the server, asks again and again, so
 * that it is not forgotten, and gives nothing to anybody.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes, Content, SafeFileName, Token } from "../../lib/ids.ts";
import { DISCOVERY_PORT } from "../../lib/limits.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { TOKEN_PLEASE } from "../../lib/protocol/base/tokens.ts";
import { encodeFrame } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** Where they are. */
export const PHANTOM_NETWORK = "10.9.";
const PER_NETWORK = 250;
const PORT = 30_000;
/** All of them within this, one after another. */
const ARRIVAL_MS = 2_000;
const AGAIN_MS = 2_500;

interface PhantomOptions {
  readonly clock: VirtualClock;
  readonly random: Random;
  readonly server: string;
  readonly content: Content;
  readonly fileName: string;
  readonly send: (from: Endpoint, to: Endpoint, datagram: Bytes) => void;
}

export class Phantoms {
  readonly #options: PhantomOptions;
  /** Of those whose address the server has proved, by address: its token, and where it takes questions. */
  readonly #proved = new Map<string, { readonly token: Token; readonly to: Endpoint }>();
  #number = 0;

  constructor(options: PhantomOptions) {
    this.#options = options;
  }

  /** How many the server has given a token. */
  get provedCount(): number {
    return this.#proved.size;
  }

  announce(count: number, fromMs: number): void {
    const { clock } = this.#options;
    for (let i = 0; i < count; i++) {
      const address = `${PHANTOM_NETWORK}${Math.floor(i / PER_NETWORK)}.${1 + i % PER_NETWORK}`;
      clock.at(fromMs + ARRIVAL_MS * i / count, () => this.#ask(address));
    }
  }

  arrive(address: string, from: Endpoint, datagram: Bytes): void {
    for (const frame of framesIn(datagram)) {
      if (frame.kind !== "offer" || this.#proved.has(address)) continue;
      const { token, dataPort } = frame;
      const port = dataPort === 0 ? from.port : dataPort;
      this.#proved.set(address, { token, to: { address: from.address, port } });
    }
  }

  #ask(address: string): void {
    const { clock, random, server, content, fileName, send } = this.#options;
    const from = { address, port: PORT };
    const proved = this.#proved.get(address);
    if (proved === undefined) {
      const name = fileName as SafeFileName;
      send(
        from,
        { address: server, port: DISCOVERY_PORT },
        encodeFrame({
          ...{ kind: "find", queryId: random.u64(), token: TOKEN_PLEASE, round: 0, known: [] },
          queries: [{ by: "name", name }],
        }),
      );
    } else {
      const { root, sizeBytes } = content;
      const number = ++this.#number;
      const place = { port: PORT, firstChunk: 0 };
      const { token, to } = proved;
      const nonce = random.u64();
      send(
        from,
        to,
        encodeFrame({ kind: "have_want", nonce, token, number, root, sizeBytes, ...place }),
      );
    }
    clock.after(AGAIN_MS, () => this.#ask(address));
  }
}
