/** A server of a folder with one file, and a client that talks to it by hand. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import type { ReadyEvent, ServeEvent } from "../../lib/app/events.ts";
import type { ServeOptions, Server } from "../../lib/app/options.ts";
import { serve } from "../../lib/app/serve/serve.ts";
import type { Bytes, Token } from "../../lib/ids.ts";
import { sleep } from "../../lib/io/system/deno_clock.ts";
import { SETTLE_MS } from "../../lib/app/index/limits.ts";
import { parseFileName } from "../../lib/names.ts";
import { NO_TOKEN } from "../../lib/protocol/base/tokens.ts";
import type { FrameOf } from "../../lib/wire/frames.ts";
import type { DatagramPeer } from "./datagram_peer.ts";
import { writeFile } from "./folder.ts";

export const CONTENT = Uint8Array.from({ length: 5_000 }, (_, i) => (i * 7) % 251);
export const NONCE = 99n;
/** Between two questions about a file that is still hashed. */
export const POLL_MS = 10;

/** Writes a file that has been quiet for long enough to be offered at once. */
export async function writeSettled(dir: string, name: string, content: string | Uint8Array) {
  await writeFile(dir, name, content);
  const time = new Date(Date.now() - 10 * SETTLE_MS);
  await Deno.utime(join(dir, name), time, time);
}

/** What a server says, as it says it. */
class EventLog {
  readonly all: ServeEvent[] = [];
  #arrived = Promise.withResolvers<void>();

  add(event: ServeEvent): void {
    this.all.push(event);
    this.#arrived.resolve();
  }

  /** The first of this kind, past or to come. */
  async first<K extends ServeEvent["event"]>(kind: K): Promise<Extract<ServeEvent, { event: K }>> {
    for (;;) {
      const found = this.all.find((event) => event.event === kind);
      if (found !== undefined) return found as Extract<ServeEvent, { event: K }>;
      await this.#arrived.promise;
      this.#arrived = Promise.withResolvers();
    }
  }
}

/** A server of a fresh folder with one file, `f`. */
export class Bench implements AsyncDisposable {
  readonly server: Server;
  readonly events: EventLog;

  static async start(dir: string, options: Partial<ServeOptions> = {}): Promise<Bench> {
    await writeSettled(join(dir, "data"), "f", CONTENT);
    return await Bench.ofFolder(dir, options);
  }

  /** A server of what is in that folder. */
  static async ofFolder(dir: string, options: Partial<ServeOptions> = {}): Promise<Bench> {
    const events = new EventLog();
    const server = await serve({
      dir: join(dir, "data"),
      port: 0,
      cacheDir: join(dir, "cache"),
      ...options,
      onEvent: (event) => events.add(event),
    });
    return new Bench(server, events);
  }

  private constructor(server: Server, events: EventLog) {
    this.server = server;
    this.events = events;
  }

  get ready(): ReadyEvent {
    return this.server.ready;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.close();
  }
}

export function find(name: string, token: Token = NO_TOKEN): FrameOf<"find"> {
  const parsed = parseFileName(name);
  assert(parsed.ok);
  return {
    kind: "find",
    queryId: 1n,
    token,
    round: 0,
    known: [],
    queries: [{ by: "name", name: parsed.name }],
  };
}

/** Asks until the file is offered: it may still be hashed. */
export async function offerOf(
  peer: DatagramPeer,
  port: number,
  name = "f",
): Promise<FrameOf<"offer">> {
  for (;;) {
    await peer.send(find(name), port);
    const answer = await peer.anyFrame();
    if (answer.kind === "offer") return answer;
    assertEquals(answer.kind, "pending");
    await sleep(POLL_MS);
  }
}

export function wantAll(
  offer: FrameOf<"offer">,
  fields: Partial<FrameOf<"want">> = {},
): FrameOf<"want"> {
  return {
    kind: "want",
    nonce: NONCE,
    token: offer.token,
    number: 1,
    root: offer.root,
    sizeBytes: offer.sizeBytes,
    segmentBytes: 1_400,
    withCrc: 0,
    ranges: [{ offset: 0, lengthBytes: offer.sizeBytes }],
    ...fields,
  };
}

export async function bytesOf(peer: DatagramPeer, sizeBytes: number): Promise<Bytes> {
  const bytes = new Uint8Array(sizeBytes);
  for (let missing = sizeBytes; missing > 0;) {
    const { offset, payload } = await peer.segment(NONCE);
    bytes.set(payload, offset);
    missing -= payload.length;
  }
  return bytes;
}
