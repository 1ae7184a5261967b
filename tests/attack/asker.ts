/**
 * Somebody at an address of its own on loopback who asks a server for more than its share: written from
 * docs/PROTOCOL.md alone, upon `frames.ts`. It proves its address as everybody does, and then sends
 * questions at a given number of bytes per second, whatever comes of them.
 */
import { connect } from "node:net";
import {
  find,
  framesOf,
  layerWant,
  list,
  type Offered,
  packWant,
  random64,
  randomBytes,
  readOffer,
  strike,
  TYPE,
  want,
} from "./frames.ts";

const ANSWER_MS = 20_000;
const ASK_AGAIN_MS = 500;
const TICK_MS = 5;
/** Distinct datagrams of a flood; they are sent over and over. */
const DATAGRAMS = 4_000;
const RANGE_BYTES_MAX = 257_600;
const PACK_BYTES_MAX = 2 ** 20;
const PACK_RANGES_MAX = 8;

export interface FloodOptions {
  readonly bytesPerS: number;
  readonly ms: number;
}

export class Asker implements Disposable {
  readonly #socket: Deno.DatagramConn;
  readonly #server: Deno.NetAddr;
  /** Of what was offered, by name. */
  readonly known: Offered[] = [];
  #token: Uint8Array = randomBytes(16);

  private constructor(address: string, server: Deno.NetAddr) {
    this.#socket = Deno.listenDatagram({ transport: "udp", hostname: address, port: 0 });
    this.#server = server;
  }

  /** Asks for `names`, one after another, and so gets a token for `address`. */
  static async start(
    address: string,
    dataPort: number,
    names: readonly string[],
  ): Promise<Asker> {
    const asker = new Asker(address, { transport: "udp", hostname: "127.0.0.1", port: dataPort });
    for (const name of names) await asker.#learn(name);
    return asker;
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }

  /** Asks until there is an offer: the server may still be looking at its files. */
  async #learn(name: string): Promise<void> {
    const queryId = random64();
    const ask = (): void => void this.#socket.send(find(queryId, [{ name }]), this.#server);
    const asking = setInterval(ask, ASK_AGAIN_MS);
    ask();
    try {
      for (const endMs = performance.now() + ANSWER_MS; performance.now() < endMs;) {
        const [datagram] = await this.#socket.receive();
        const frame = framesOf(datagram).find(({ type }) => type === TYPE.offer);
        const offered = frame && readOffer(frame);
        if (offered?.queryId !== queryId) continue;
        this.known.push(offered);
        this.#token = offered.token;
        return;
      }
    } finally {
      clearInterval(asking);
    }
    throw new Error(`no offer of ${name}`);
  }

  /** Names that are not here, but might be. */
  searches(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) =>
      find(
        random64(),
        Array.from({ length: 20 }, (_, j) => ({ name: `sub/fine-${i}-${j}-0123456.bin` })),
        this.#token,
      ), 300);
  }

  finds(): Uint8Array<ArrayBuffer>[] {
    const queries = Array.from({ length: 30 }, (_, i) => this.known[i % this.known.length]!);
    return this.#each(() => find(random64(), queries, this.#token), 300);
  }

  lists(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) => list(random64(), this.#token, i));
  }

  layerWants(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) => {
      const content = this.known[i % this.known.length]!;
      return layerWant(this.#ask(i), content, (i * 37) % 200, 255);
    });
  }

  /** As much as one may ask of, everywhere in what is offered, with nonces that nobody has seen. */
  packWants(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) => {
      const content = this.known[i % this.known.length]!;
      const spans = Math.floor(content.sizeBytes / PACK_BYTES_MAX);
      const first = (i * 37) % Math.max(1, spans - PACK_RANGES_MAX);
      const ranges = Array.from(
        { length: Math.min(spans, PACK_RANGES_MAX) },
        (_, j) => [(first + j) * PACK_BYTES_MAX, PACK_BYTES_MAX] as const,
      );
      return packWant(this.#ask(i), content, ranges);
    });
  }

  strikes(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) =>
      strike(random64(), this.#token, this.known[i % this.known.length]!, i)
    );
  }

  /** The most that a request may ask for, each time with a nonce that nobody has seen. */
  wants(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) =>
      want(this.#ask(i), this.known[i % this.known.length]!, [[
        (i % 16) * RANGE_BYTES_MAX,
        RANGE_BYTES_MAX,
      ]])
    );
  }

  unknownWants(): Uint8Array<ArrayBuffer>[] {
    return this.#each((i) =>
      want(this.#ask(i), { root: randomBytes(32), sizeBytes: 1_000_000_000 }, [[0, 1]])
    );
  }

  classicGets(): Uint8Array<ArrayBuffer>[] {
    return this.#each(() => new TextEncoder().encode(`get ${this.known[0]!.name}`), 1);
  }

  /** Sends them over and over, at this rate, for so long; returns how many were sent. */
  async flood(
    datagrams: readonly Uint8Array<ArrayBuffer>[],
    { bytesPerS, ms }: FloodOptions,
    port = this.#server.port,
  ): Promise<number> {
    const startedMs = performance.now();
    let [sent, sentBytes] = [0, 0];
    for (let now = startedMs; now - startedMs < ms; now = performance.now()) {
      while (sentBytes < (now - startedMs) * bytesPerS / 1_000) {
        const datagram = datagrams[sent % datagrams.length]!;
        await this.#socket.send(datagram, { ...this.#server, port });
        sent += 1;
        sentBytes += datagram.length;
      }
      await new Promise((resolve) => setTimeout(resolve, TICK_MS));
    }
    return sent;
  }

  #ask(number: number) {
    return { nonce: random64(), token: this.#token, number };
  }

  #each(
    datagram: (i: number) => Uint8Array<ArrayBuffer>,
    count = DATAGRAMS,
  ): Uint8Array<ArrayBuffer>[] {
    return Array.from({ length: count }, (_, i) => datagram(i));
  }
}

/** Requests of one JSON message each, over several sessions that read their answers and want more. */
export async function floodSessions(
  tcpPort: number,
  address: string,
  messages: readonly unknown[],
  { bytesPerS, ms }: FloodOptions,
): Promise<number> {
  const sessions = 16;
  const frames = messages.map((message) => {
    const body = new TextEncoder().encode(JSON.stringify(message));
    const frame = new Uint8Array(4 + body.length);
    new DataView(frame.buffer).setUint32(0, body.length);
    frame.set(body, 4);
    return frame;
  });
  const endMs = performance.now() + ms;
  let sent = 0;
  const runs = Array.from({ length: sessions }, async (_, at) => {
    // Deno's own connect cannot choose where it comes from.
    const socket = connect({ host: "127.0.0.1", port: tcpPort, localAddress: address });
    let isOver = false;
    const over = Promise.withResolvers<void>();
    socket.on("error", () => {});
    socket.on("close", () => {
      isOver = true;
      over.resolve();
    });
    // It reads its answers, and wants more.
    socket.resume();
    for (let i = at; performance.now() < endMs && !isOver; i += sessions) {
      const frame = frames[i % frames.length]!;
      const written = new Promise<void>((resolve) => socket.write(frame, () => resolve()));
      await Promise.race([written, over.promise, pause(endMs - performance.now())]);
      sent += 1;
      await Promise.race([over.promise, pause(frame.length * sessions * 1_000 / bytesPerS)]);
    }
    socket.destroy();
    await over.promise;
  });
  await Promise.all(runs);
  return sent;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, ms)));
}
