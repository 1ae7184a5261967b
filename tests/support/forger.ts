/** Somebody on the network who answers searches for a name with offers in any number of servers' names. */
import "./libraries.ts";
import type { Endpoint } from "../../lib/address.ts";
import { hashHex, type SafeFileName, type ServerId, serverId, toHex } from "../../lib/ids.ts";
import type { DatagramTransport, Received } from "../../lib/io/net/datagram_transport.ts";
import { openTransport } from "../../lib/io/net/transport_factory.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { decodeFrame, encodeFrame, type FrameOf } from "../../lib/wire/frames.ts";
import { testTransport } from "./test_transport.ts";

type Offer = FrameOf<"offer">;

/** What `hash --json` says of a file. */
export type Truth = Readonly<Record<string, unknown>>;

/** Answers searches with offers that were made beforehand: the first one, or each of them. */
export class Forger implements AsyncDisposable {
  readonly #discovery: DatagramTransport;
  readonly #source: DatagramTransport;
  readonly #offers: readonly Offer[];
  readonly #answers: "first" | "each";
  #forged: Promise<void> | undefined;
  sent = 0;

  constructor(port: number, offers: readonly Offer[], answers: "first" | "each" = "first") {
    this.#offers = offers;
    this.#answers = answers;
    this.#discovery = openTransport(testTransport({ ports: [port], share: true }));
    this.#source = openTransport(testTransport({ tune: false }));
    this.#discovery.listen((received) => this.#onReceived(received), (error) => {
      throw error;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#discovery.close(), this.#source.close()]);
    await this.#forged;
  }

  #onReceived({ bytes, from }: Received): void {
    const find = decodeFrame(bytes);
    if (find.kind !== "find" || find.queries.length === 0) return;
    // What a probe says only its receiver may know; on one host the shared port may bring it here.
    if (find.token.some((byte) => byte !== 0)) return;
    if (this.#answers === "first" && this.#forged !== undefined) return;
    this.#forged = (this.#forged ?? Promise.resolve()).then(() => this.#forge(find, from));
  }

  async #forge({ queryId }: FrameOf<"find">, to: Endpoint): Promise<void> {
    for (const offer of this.#offers) {
      await this.#source.send(encodeFrame({ ...offer, queryId }), to);
      this.sent += 1;
      // Faster than they are read they would be lost, and none the worse for that.
      if (this.sent % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
}

export interface Forgery {
  readonly name: SafeFileName;
  readonly count: number;
  readonly seed: number;
  /** Which of them claim to have what is true, so that they have to be asked: every so manieth. */
  readonly trueEvery: number;
  /** Data ports that they claim to be reached at, on from this one; 0 for the one that they come from. */
  readonly firstDataPort?: number;
  /** The id that all of them use; each an invented one by default. */
  readonly server?: ServerId;
}

/** @param truth what some of them claim to have */
export function forgedOffers(truth: Truth, forgery: Forgery): Offer[] {
  const { name, count, seed, trueEvery, firstDataPort = 0 } = forgery;
  const random = new Random(seed);
  const [sizeBytes, sha256, root] = [truth["size"], truth["sha256"], truth["root"]];
  return Array.from({ length: count }, (_, i) => {
    const isTrue = (i + 1) % trueEvery === 0;
    return {
      kind: "offer",
      queryId: 0n,
      queryIndex: 0,
      server: forgery.server ?? serverId(toHex(random.bytes(16))),
      token: random.bytes(16),
      dataPort: firstDataPort === 0 ? 0 : firstDataPort + i,
      sizeBytes: isTrue ? sizeBytes as number : random.u32(),
      sha256: hashHex(isTrue ? String(sha256) : toHex(random.bytes(32))),
      root: hashHex(isTrue ? String(root) : toHex(random.bytes(32))),
      mtimeMs: 0,
      tcpPort: 0,
      name,
    };
  });
}
