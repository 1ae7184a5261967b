/**
 * A TCP port that speaks HTTP/1.1 with whoever may be hostile: how many connect, how long they take to ask, how much they ask and
 * how slowly they take the answer is bounded, by address. What is answered is the business of its user.
 */
import { partyOf } from "../../address.ts";
import type { ShoalError } from "../../errors.ts";
import type { Bytes } from "../../ids.ts";
import {
  type HttpHead,
  type HttpRequestHead,
  httpResponse,
  httpResponseHead,
  parseHttpHead,
} from "../../wire/http_request.ts";
import { HTTP_PAGE_HEAD_BYTES_MAX } from "../../wire/limits.ts";
import type { ByteQueue } from "../../wire/byte_queue.ts";
import type { Clock } from "../system/clock.ts";
import { descriptorShare } from "../system/descriptor_limit.ts";
import { AddressPaces } from "./address_paces.ts";
import { ConnectionListener } from "./connection_listener.ts";
import type { HttpRequest, HttpResponse, HttpStream } from "./http_message.ts";
import {
  HTTP_ADDRESS_SHARE_MAX,
  HTTP_ASKING_MS,
  HTTP_CONNECTIONS_MAX,
  HTTP_DESCRIPTORS_SHARE,
  HTTP_IDLE_MS,
  HTTP_PIECE_BYTES,
  HTTP_PIECE_BYTES_MIN,
  HTTP_PIECE_MS,
  HTTP_QUICK_PIECE_MS,
  HTTP_REQUESTS_PER_S,
  HTTP_SILENT_MS,
  HTTP_STREAMS_MAX,
  HTTP_STREAMS_PER_ADDRESS_MAX,
  HTTP_WORK_PER_S,
} from "./limits.ts";
import type { Net } from "./net.ts";
import type { RequestPace } from "./request_pace.ts";
import { ConnectionLost, type SessionConnection } from "./session_connection.ts";
import { Throttle } from "./throttle.ts";

interface HttpListenerOptions {
  readonly clock: Clock;
  readonly net: Net;
  readonly host: string;
  /** Ports to try, in order; 0 for any free one. */
  readonly ports: readonly number[];
  /** What is sent to all together goes no faster; 0 for no bound. */
  readonly rateBytesPerS: number;
  /** What is answered. It may leave the body unread. */
  readonly respond: (request: HttpRequest) => Promise<HttpResponse>;
  /** A connection ended with an unexpected error. */
  readonly onProblem: (message: string) => void;
  /** No more connections can be accepted. */
  readonly onFailure: (error: ShoalError) => void;
}

export class HttpListener {
  readonly #options: HttpListenerOptions;
  readonly #listener: ConnectionListener;
  readonly #paces: AddressPaces;
  readonly #throttle: Throttle;
  /** Bodies being sent that are made meanwhile, by address. */
  readonly #streams = new Map<string, number>();
  #streamCount = 0;

  /** Throws ShoalError `port_in_use` or `network`. */
  constructor(options: HttpListenerOptions) {
    this.#options = options;
    const { clock, net, host, ports, rateBytesPerS, onProblem, onFailure } = options;
    this.#throttle = new Throttle(clock, rateBytesPerS);
    this.#paces = new AddressPaces({
      clock,
      requestsPerS: HTTP_REQUESTS_PER_S,
      workPerS: HTTP_WORK_PER_S,
    });
    const connectionsMax = descriptorShare(HTTP_CONNECTIONS_MAX, HTTP_DESCRIPTORS_SHARE);
    this.#listener = new ConnectionListener({
      ...{ clock, net, host, ports, onProblem, onFailure, idleMs: HTTP_IDLE_MS },
      // Browsers know of no layer.
      layers: [],
      limits: {
        connectionsMax,
        perAddressMax: Math.max(1, Math.floor(connectionsMax * HTTP_ADDRESS_SHARE_MAX)),
        askingMs: HTTP_ASKING_MS,
        silentMs: HTTP_SILENT_MS,
      },
      talk: (connection, refusal) => this.#talk(connection, refusal),
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  async close(): Promise<void> {
    this.#listener.hangUp();
    await this.#listener.closed();
  }

  /** One request after another, until either side has enough. */
  async #talk(connection: SessionConnection, refusal: string | undefined): Promise<void> {
    if (refusal !== undefined) {
      const fields = [["retry-after", "1"]] as const;
      return await connection.send(httpResponse(503, `${refusal}\n`, { fields }));
    }
    const pace = this.#paces.paceOf(partyOf(connection.peerAddress));
    while (await this.#exchange(connection, pace));
  }

  /** Whether another request may follow. */
  async #exchange(connection: SessionConnection, pace: RequestPace): Promise<boolean> {
    await pace.request();
    const head = await connection.taken(headIn());
    if (typeof head === "string") {
      await connection.send(httpResponse(PROBLEM_STATUS[head], ""));
      return false;
    }
    if ("kind" in head) return false;
    if (head.bodyBytes === undefined) {
      await connection.send(httpResponse(411, "say how long the body is\n"));
      return false;
    }
    const body = new RequestBody(connection, head);
    const response = await this.#options.respond({
      head,
      peer: connection.peerEndpoint,
      localAddress: connection.localAddress,
      work: (units) => pace.work(units),
      body,
    });
    const isStream = response.body !== undefined && !(response.body instanceof Uint8Array);
    const isEndless = isStream && response.body.lengthBytes === undefined;
    const goesOn = head.isPersistent && body.isRead && !isEndless;
    return await this.#send(connection, head, response, goesOn) && goesOn;
  }

  async #send(
    connection: SessionConnection,
    head: HttpRequestHead,
    { status, fields, body }: HttpResponse,
    goesOn: boolean,
  ): Promise<boolean> {
    const ending: readonly (readonly [string, string])[] = goesOn ? [] : [["connection", "close"]];
    const lengthBytes = body instanceof Uint8Array ? body.length : body?.lengthBytes;
    const hasLength = status !== 204 && status !== 304;
    const length = hasLength && (body === undefined || lengthBytes !== undefined)
      ? [["content-length", lengthBytes ?? 0] as const]
      : [];
    const bytes = httpResponseHead(status, [...fields, ...length, ...ending]);
    if (body === undefined || head.method === "HEAD") {
      await connection.send(bytes);
    } else if (body instanceof Uint8Array) {
      await connection.send(joined(bytes, body));
    } else {
      return await this.#sendStream(connection, bytes, body);
    }
    return true;
  }

  async #sendStream(
    connection: SessionConnection,
    head: Bytes,
    stream: HttpStream,
  ): Promise<boolean> {
    // Who looks on keeps nothing of a file here.
    if (stream.lengthBytes === undefined) return await this.#sendPieces(connection, head, stream);
    const party = partyOf(connection.peerAddress);
    const ofParty = this.#streams.get(party) ?? 0;
    if (ofParty >= HTTP_STREAMS_PER_ADDRESS_MAX || this.#streamCount >= HTTP_STREAMS_MAX) {
      const fields = [["retry-after", "1"]] as const;
      const status = ofParty >= HTTP_STREAMS_PER_ADDRESS_MAX ? 429 : 503;
      await stream.open().cancel();
      stream.onEnd?.(false);
      await connection.send(httpResponse(status, "too much at once: try again\n", { fields }));
      return false;
    }
    this.#streams.set(party, ofParty + 1);
    this.#streamCount += 1;
    let isWhole = false;
    try {
      isWhole = await this.#sendPieces(connection, head, stream);
    } finally {
      const left = this.#streams.get(party)! - 1;
      if (left === 0) this.#streams.delete(party);
      else this.#streams.set(party, left);
      this.#streamCount -= 1;
      stream.onEnd?.(isWhole);
    }
    return isWhole;
  }

  async #sendPieces(
    connection: SessionConnection,
    head: Bytes,
    { lengthBytes, open, onSent }: HttpStream,
  ): Promise<boolean> {
    const source = new StreamSource(open(), lengthBytes === undefined);
    // Who looks on says nothing more: that it is gone shows in nothing else.
    if (lengthBytes === undefined) void connection.ended().then(() => source.cancel());
    let sentBytes = 0;
    let unsentHead: Bytes | undefined = head;
    try {
      for (;;) {
        const piece = await source.next();
        if (piece !== undefined) await this.#throttle.pass(piece.length);
        const bytes: Bytes = unsentHead === undefined
          ? piece ?? NOTHING
          : joined(unsentHead, piece ?? NOTHING);
        unsentHead = undefined;
        const startMs = this.#options.clock.nowMs();
        await this.#sendPiece(connection, bytes);
        source.onTaken(this.#options.clock.nowMs() - startMs);
        if (piece === undefined) break;
        sentBytes += piece.length;
        onSent?.(piece.length);
      }
    } catch (error) {
      if (!source.hasFailed) throw error;
      // Where nothing was sent yet there is still an answer; otherwise the connection breaks: what has come is less than was
      // announced, so that nobody takes it for the whole.
      if (unsentHead !== undefined) {
        const fields = [["retry-after", "2"]] as const;
        await connection.send(httpResponse(503, "it is changing: try again\n", { fields }));
      }
      return false;
    } finally {
      await source.cancel();
    }
    return lengthBytes === undefined || sentBytes === lengthBytes;
  }

  async #sendPiece(connection: SessionConnection, bytes: Bytes): Promise<void> {
    const isSent = this.#options.clock.within(
      connection.send(bytes).then(() => true),
      HTTP_PIECE_MS,
    );
    if (await isSent) return;
    connection.close();
    throw new ConnectionLost("the peer takes too little");
  }
}

const NOTHING: Bytes = new Uint8Array(0);
const PROBLEM_STATUS: Readonly<Record<Extract<HttpHead, string>, number>> = {
  malformed: 400,
  tooLong: 431,
  longTarget: 414,
};

/** Takes a head, and looks at what has come only where there is news of it. */
function headIn(): (queue: ByteQueue) => HttpHead | undefined {
  const LINE_FEED = 0x0a;
  let seenBytes = 0;
  return (queue) => {
    const fresh = queue.peek(Infinity, seenBytes);
    const isNews = seenBytes === 0 || fresh.includes(LINE_FEED);
    seenBytes = queue.lengthBytes;
    if (seenBytes === 0 || (!isNews && seenBytes <= HTTP_PAGE_HEAD_BYTES_MAX)) return undefined;
    const head = parseHttpHead(
      queue.peek(HTTP_PAGE_HEAD_BYTES_MAX + 1),
      HTTP_PAGE_HEAD_BYTES_MAX,
    );
    if (typeof head === "object") queue.skip(head.headBytes);
    return head;
  };
}

class RequestBody implements AsyncIterable<Bytes> {
  readonly #connection: SessionConnection;
  readonly #isAwaited: boolean;
  #leftBytes: number;

  constructor(connection: SessionConnection, { bodyBytes, fields }: HttpRequestHead) {
    this.#connection = connection;
    this.#leftBytes = bodyBytes ?? 0;
    this.#isAwaited = fields.get("expect")?.toLowerCase() === "100-continue";
  }

  /** Whether what follows is another request. */
  get isRead(): boolean {
    return this.#leftBytes === 0;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Bytes> {
    if (this.#leftBytes > 0 && this.#isAwaited) await this.#connection.send(CONTINUE);
    const pace = this.#connection.pace();
    while (this.#leftBytes > 0) {
      const piece = this.#connection.queue.takeSome(this.#leftBytes);
      if (piece.length === 0) {
        await this.#connection.more(pace);
        continue;
      }
      this.#leftBytes -= piece.length;
      yield piece;
    }
  }
}

const CONTINUE = new TextEncoder().encode("HTTP/1.1 100 Continue\r\n\r\n");

/** Reads a stream into one buffer over and over, where it lets itself be read so. */
class StreamSource {
  hasFailed = false;
  #pieceBytes = HTTP_PIECE_BYTES_MIN;
  readonly #next: () => Promise<Bytes | undefined>;
  readonly #cancel: () => Promise<void>;

  constructor(stream: ReadableStream<Bytes>, isEndless: boolean) {
    if (isEndless) {
      const reader = stream.getReader();
      this.#next = async () => (await reader.read()).value;
      this.#cancel = () => reader.cancel();
      return;
    }
    const reader = stream.getReader({ mode: "byob" });
    let buffer = new ArrayBuffer(this.#pieceBytes);
    this.#next = async () => {
      if (buffer.byteLength < this.#pieceBytes) buffer = new ArrayBuffer(this.#pieceBytes);
      const { value, done } = await reader.read(new Uint8Array(buffer));
      if (done || value === undefined) return undefined;
      buffer = value.buffer;
      return value;
    };
    this.#cancel = () => reader.cancel();
  }

  /** The peer has taken the last piece in so much time. */
  onTaken(ms: number): void {
    if (ms < HTTP_QUICK_PIECE_MS) {
      this.#pieceBytes = Math.min(HTTP_PIECE_BYTES, 2 * this.#pieceBytes);
    }
  }

  /** The next piece, which is good until the one after it; `undefined` at the end. Rejects if there is no end. */
  async next(): Promise<Bytes | undefined> {
    try {
      return await this.#next();
    } catch (error) {
      this.hasFailed = true;
      throw error;
    }
  }

  async cancel(): Promise<void> {
    // What has failed or ended cannot be cancelled any more.
    await this.#cancel().catch(() => {});
  }
}

function joined(a: Bytes, b: Bytes): Bytes {
  if (b.length === 0) return a;
  const whole = new Uint8Array(a.length + b.length);
  whole.set(a);
  whole.set(b, a.length);
  return whole;
}
