/**
 * Byte streams of a simulated world: nothing is lost, doubled or out of order, and it takes the time that the
 * links take. A stream breaks when either process ends or the world says so, and stands still while its path is
 * down or drops everything: what was sent then arrives when it is sent again.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream, StreamListener } from "../../lib/io/net/byte_stream.ts";
import type { SimLink } from "./sim_link.ts";
import type { VirtualThread } from "./virtual_thread.ts";

/** What one end may have sent that the other has not read. */
const WINDOW_BYTES = 128 * 1024;
const SEGMENT_BYTES = 16 * 1024;
/** A datagram's worth of nothing: what opens and closes a stream. */
const CONTROL_BYTES = 64;

/** One direction. */
class Pipe {
  readonly #link: SimLink;
  readonly #to: VirtualThread;
  readonly #from: VirtualThread;
  readonly #arrived: Bytes[] = [];
  /** Sent and not read. */
  #heldBytes = 0;
  #isFinished = false;
  #isBroken = false;
  #wakeReader: (() => void) | undefined;
  #wakeWriter: (() => void) | undefined;

  constructor(link: SimLink, from: VirtualThread, to: VirtualThread) {
    this.#link = link;
    this.#from = from;
    this.#to = to;
  }

  async read(target: Bytes): Promise<number> {
    while (this.#arrived.length === 0 && !this.#isFinished && !this.#isBroken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeReader = () => this.#to.run(resolve);
      await promise;
    }
    const [first] = this.#arrived;
    if (first === undefined || this.#isBroken) return 0;
    const count = Math.min(first.length, target.length);
    target.set(first.subarray(0, count));
    if (count === first.length) this.#arrived.shift();
    else this.#arrived[0] = first.subarray(count);
    this.#heldBytes -= count;
    this.#wakeWriter?.();
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    while (this.#heldBytes >= WINDOW_BYTES && !this.#isBroken) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wakeWriter = () => this.#from.run(resolve);
      await promise;
    }
    if (this.#isBroken) return 0;
    const segment = bytes.slice(0, Math.min(SEGMENT_BYTES, WINDOW_BYTES - this.#heldBytes));
    this.#heldBytes += segment.length;
    this.#link.carry(segment.length, () => {
      this.#arrived.push(segment);
      this.#wakeReader?.();
    });
    return segment.length;
  }

  /** Nothing follows. */
  finish(): void {
    this.#link.carry(CONTROL_BYTES, () => {
      this.#isFinished = true;
      this.#wakeReader?.();
    });
  }

  break(): void {
    this.#isBroken = true;
    this.#wakeReader?.();
    this.#wakeWriter?.();
  }
}

class VirtualStream implements ByteStream {
  readonly peer: Endpoint;
  readonly localAddress: string;
  readonly #incoming: Pipe;
  readonly #outgoing: Pipe;
  #isClosed = false;

  constructor(peer: Endpoint, localAddress: string, incoming: Pipe, outgoing: Pipe) {
    this.peer = peer;
    this.localAddress = localAddress;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
  }

  async read(target: Bytes): Promise<number> {
    return await this.#incoming.read(target);
  }

  async write(bytes: Uint8Array): Promise<number> {
    return await this.#outgoing.write(bytes);
  }

  closeWrite(): Promise<void> {
    this.#outgoing.finish();
    return Promise.resolve();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#incoming.break();
    this.#outgoing.finish();
  }
}

/** Where a process can be reached by streams. */
export class VirtualListener implements StreamListener {
  readonly port: number;
  readonly thread: VirtualThread;
  readonly #waiting: ByteStream[] = [];
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(port: number, thread: VirtualThread) {
    this.port = port;
    this.thread = thread;
  }

  get isOpen(): boolean {
    return !this.#isClosed && !this.thread.isOver;
  }

  async accept(): Promise<ByteStream | undefined> {
    while (this.#waiting.length === 0 && !this.#isClosed) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#wake = () => this.thread.run(resolve);
      await promise;
    }
    return this.#waiting.shift();
  }

  close(): void {
    this.#isClosed = true;
    this.#wake?.();
  }

  meet(stream: ByteStream): void {
    this.#waiting.push(stream);
    this.#wake?.();
  }
}

/** Both ends' threads and addresses, and what lies between them. */
export interface StreamPath {
  readonly client: { readonly endpoint: Endpoint; readonly thread: VirtualThread };
  readonly server: Endpoint;
  /** Who listens there, if anybody does by the time that the question arrives. */
  readonly listener: () => VirtualListener | undefined;
  readonly toServer: SimLink;
  readonly toClient: SimLink;
}

/**
 * Opens a stream: rejects when the answer is that nobody listens, and when `signal` fires before there is one.
 *
 * @returns the client's end, and what breaks the stream at once, for both
 */
export function connectVirtual(
  { client, server, listener, toServer, toClient }: StreamPath,
  signal: AbortSignal,
): Promise<{ readonly stream: ByteStream; readonly break: () => void }> {
  const { promise, resolve, reject } = Promise.withResolvers<
    { readonly stream: ByteStream; readonly break: () => void }
  >();
  const onAbort = (): void => reject(new Error("aborted"));
  if (signal.aborted) onAbort();
  signal.addEventListener("abort", onAbort, { once: true });
  const answer = (work: () => void): void =>
    toClient.carry(CONTROL_BYTES, () => client.thread.run(work));
  toServer.carry(CONTROL_BYTES, () => {
    const met = listener();
    if (!met?.isOpen) return answer(() => reject(new Error("connection refused")));
    const up = new Pipe(toServer, client.thread, met.thread);
    const down = new Pipe(toClient, met.thread, client.thread);
    const near = new VirtualStream(server, client.endpoint.address, down, up);
    met.meet(new VirtualStream(client.endpoint, server.address, up, down));
    const breakBoth = (): void => {
      up.break();
      down.break();
    };
    answer(() => {
      signal.removeEventListener("abort", onAbort);
      resolve({ stream: near, break: breakBoth });
      if (signal.aborted) near.close();
    });
  });
  return promise;
}
