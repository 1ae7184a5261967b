/** A plain UDP socket on loopback that speaks frames: the other side of a server under test. */
import "./libraries.ts";
import type { Endpoint } from "../../lib/address.ts";
import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../lib/ids.ts";
import { within } from "../../lib/io/system/deno_clock.ts";
import { DataReader } from "../../lib/wire/data_frame.ts";
import { encodeFrame, type Frame, type FrameKind, type FrameOf } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";

/** A DATA segment, taken apart. */
export interface Segment {
  readonly number: number;
  readonly offset: number;
  readonly hasCrc: boolean;
  readonly datagramBytes: number;
  readonly payload: Bytes;
}

export class DatagramPeer implements Disposable {
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  /** Control frames that came packed with one that was asked for. */
  #frames: Frame[] = [];
  /** Where the last datagram came from. */
  lastFrom: Endpoint | undefined;

  get endpoint(): Endpoint {
    const { hostname, port } = this.#socket.addr as Deno.NetAddr;
    return { address: hostname, port };
  }

  async send(what: Frame | Bytes, port: number, hostname = "127.0.0.1"): Promise<void> {
    const bytes = what instanceof Uint8Array ? what : encodeFrame(what);
    await this.#socket.send(bytes, { transport: "udp", hostname, port });
  }

  /** Sends this until what is awaited has come: behind many others a datagram may be lost. */
  async ask<T>(what: Frame | Bytes, port: number, awaited: () => Promise<T>): Promise<T> {
    let isOver = false;
    const answer = awaited().finally(() => isOver = true);
    while (!isOver) {
      await this.send(what, port);
      await within(answer, 500);
    }
    return await answer;
  }

  async receive(): Promise<Bytes> {
    const [bytes, from] = await this.#socket.receive();
    const { hostname, port } = from as Deno.NetAddr;
    this.lastFrom = { address: hostname, port };
    return bytes as Bytes;
  }

  async anyFrame(): Promise<Frame> {
    for (;;) {
      const frame = this.#frames.shift();
      if (frame !== undefined) return frame;
      this.#frames = [...framesIn(await this.receive())];
    }
  }

  /** The next control frame, which is of this kind. */
  async frame<K extends FrameKind>(kind: K): Promise<FrameOf<K>> {
    const frame = await this.anyFrame();
    assert(frame.kind === kind, `a ${frame.kind} came, not a ${kind}`);
    return frame as FrameOf<K>;
  }

  /** The next datagram, which is one whole DATA segment of this flow. */
  async segment(nonce: bigint): Promise<Segment> {
    const bytes = await this.receive();
    const reader = new DataReader(bytes);
    reader.slotBytes = bytes.length;
    assert(reader.isWhole(), "a datagram came that is no DATA segment");
    assertEquals((BigInt(reader.nonceHigh) << 32n) | BigInt(reader.nonceLow), nonce);
    const { number, offset, hasCrc } = reader;
    const payload = bytes.subarray(reader.payloadStart);
    return { number, offset, hasCrc, datagramBytes: bytes.length, payload };
  }

  [Symbol.dispose](): void {
    this.#socket.close();
  }
}
