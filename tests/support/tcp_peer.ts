/** A peer of a TCP session, by hand: bytes out as they are, bytes in with patience. */
import { assertEquals } from "@std/assert";

const PATIENCE_MS = 20_000;
const utf8 = new TextEncoder();
const decoder = new TextDecoder();

export class TcpPeer implements Disposable {
  readonly #conn: Deno.TcpConn;
  #received: Uint8Array<ArrayBuffer> = new Uint8Array(0);

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
  }

  static async connect(port: number): Promise<TcpPeer> {
    return new TcpPeer(await Deno.connect({ hostname: "127.0.0.1", port }));
  }

  async send(bytes: string | Uint8Array, pieceBytes = Infinity): Promise<void> {
    const all = typeof bytes === "string" ? utf8.encode(bytes) : bytes;
    for (let at = 0; at < all.length;) {
      const end = Math.min(all.length, at + pieceBytes);
      at += await this.#conn.write(all.subarray(at, end));
      // Each piece arrives alone.
      if (pieceBytes < 100) await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }

  /** Says something as a length-prefixed JSON message. */
  async say(value: unknown, pieceBytes = Infinity): Promise<void> {
    await this.frame(utf8.encode(JSON.stringify(value)), pieceBytes);
  }

  /** Sends bytes behind their length. */
  async frame(bytes: Uint8Array, pieceBytes = Infinity): Promise<void> {
    const message = new Uint8Array(4 + bytes.length);
    new DataView(message.buffer).setUint32(0, bytes.length);
    message.set(bytes, 4);
    await this.send(message, pieceBytes);
  }

  async line(): Promise<string> {
    for (;;) {
      const end = this.#received.indexOf(0x0a);
      if (end !== -1) return decoder.decode((await this.bytes(end + 1)).subarray(0, end));
      if (!await this.#more()) return `(end) ${decoder.decode(this.#received)}`;
    }
  }

  async message(): Promise<Record<string, unknown>> {
    const prefix = await this.bytes(4);
    const body = await this.bytes(new DataView(prefix.buffer).getUint32(0));
    return JSON.parse(decoder.decode(body));
  }

  /** The bytes behind the next length; `undefined` when nothing follows, or not all of it. */
  async takeFrame(): Promise<Uint8Array | undefined> {
    try {
      const prefix = await this.bytes(4);
      return await this.bytes(new DataView(prefix.buffer).getUint32(0));
    } catch {
      return undefined;
    }
  }

  async bytes(count: number): Promise<Uint8Array<ArrayBuffer>> {
    while (this.#received.length < count) {
      if (!await this.#more()) throw new Error("the server hung up");
    }
    const taken = this.#received.slice(0, count);
    this.#received = this.#received.slice(count);
    return taken;
  }

  /** All that comes until the server ends, as Latin-1. */
  async rest(): Promise<string> {
    while (await this.#more());
    return new TextDecoder("latin1").decode(this.#received);
  }

  /** Asserts that the server has nothing more to say. */
  async end(): Promise<void> {
    while (await this.#more());
    assertEquals(decoder.decode(this.#received), "");
  }

  [Symbol.dispose](): void {
    try {
      this.#conn.close();
    } catch {
      // The server was faster.
    }
  }

  async #more(): Promise<boolean> {
    const buffer = new Uint8Array(65_536);
    const timer = setTimeout(() => this[Symbol.dispose](), PATIENCE_MS);
    const count = await this.#conn.read(buffer).catch(() => null);
    clearTimeout(timer);
    if (count === null) return false;
    const joined = new Uint8Array(this.#received.length + count);
    joined.set(this.#received);
    joined.set(buffer.subarray(0, count), this.#received.length);
    this.#received = joined;
    return true;
  }
}
