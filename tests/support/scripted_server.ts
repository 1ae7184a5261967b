/**
 * A server on loopback that answers discovery, layers and listings from a script: real sockets and
 * real frames, but no files and no workers.
 */
import "./libraries.ts";
import type { Endpoint } from "../../lib/address.ts";
import { type Bytes, hashHex, type ServerId, serverId, toHex } from "../../lib/ids.ts";
import type { DatagramTransport, Received } from "../../lib/io/net/datagram_transport.ts";
import { SendQueue } from "../../lib/io/net/send_queue.ts";
import { openTransport } from "../../lib/io/net/transport_factory.ts";
import { LayerProver } from "./layer_prover.ts";
import { chunkCountFor, rootOfLayer } from "../../lib/protocol/merkle/merkle.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameOf,
  type ListingEntry,
} from "../../lib/wire/frames.ts";
import { testTransport } from "./test_transport.ts";

/** A file that exists only as its hashes. */
export interface ScriptedFile {
  readonly entry: ListingEntry;
  readonly root: ReturnType<typeof hashHex>;
  readonly layer: Bytes;
}

/** @param seed decides the content */
export function scriptedFile(name: string, sizeBytes: number, seed: number): ScriptedFile {
  const random = new Random(seed);
  const layer = random.bytes(chunkCountFor(sizeBytes) * 32);
  const entry = {
    state: "ready",
    sizeBytes,
    sha256: hashHex(toHex(random.bytes(32))),
    mtimeMs: 0,
    name,
  } as ListingEntry;
  return { entry, root: rootOfLayer(layer, sizeBytes), layer };
}

export class ScriptedServer {
  readonly id: ServerId;
  readonly #token: Bytes;
  readonly #files: readonly ScriptedFile[];
  readonly #discovery: DatagramTransport;
  readonly #data: DatagramTransport;
  readonly #answers: SendQueue;
  /** Where it says that sessions are; and how many files a page of its listings holds. */
  tcpPort = 0;
  filesPerPage = 255;
  /** FINDs that it has heard, those that needed no answer included. */
  finds = 0;
  lastAsker: Endpoint | undefined;

  /** @param port discovery port, shared with other servers; 0 for any */
  constructor(seed: number, files: readonly ScriptedFile[], port = 0) {
    const random = new Random(seed);
    this.id = serverId(toHex(random.bytes(16)));
    this.#token = random.bytes(16);
    this.#files = files;
    this.#discovery = openTransport(testTransport({ ports: [port], share: true }));
    this.#data = openTransport(testTransport({ tune: false }));
    this.#answers = new SendQueue(this.#data, () => {});
    for (const transport of [this.#discovery, this.#data]) {
      transport.listen((received) => this.#serve(received), fail);
    }
  }

  get discoveryPort(): number {
    return this.#discovery.port;
  }

  get endpointText(): string {
    return `127.0.0.1:${this.#data.port}`;
  }

  async close(): Promise<void> {
    await Promise.all([this.#discovery.close(), this.#data.close()]);
  }

  #serve({ bytes, from }: Received): void {
    this.lastAsker = from;
    const frame = decodeFrame(bytes);
    if (frame.kind === "malformed") return;
    for (const each of this.#answersTo(frame)) this.#answers.push(each, from);
  }

  /** Datagrams. The answers to one FIND share one. */
  #answersTo(frame: Frame): Bytes[] {
    switch (frame.kind) {
      case "find":
        this.finds += 1;
        if (frame.known.includes(this.id)) return [];
        return [joined(frame.queries.map((_, i) => encodeFrame(this.#findAnswer(frame, i))))];
      case "layer_want":
        return this.#isProved(frame.token)
          ? this.#layerPages(frame)
          : [this.#retry(frame.nonce, frame.number)];
      case "list":
        return this.#isProved(frame.token)
          ? this.#listing(frame)
          : [this.#retry(frame.queryId, frame.number)];
      default:
        return [];
    }
  }

  #isProved(token: Bytes): boolean {
    return toHex(token) === toHex(this.#token);
  }

  #findAnswer(find: FrameOf<"find">, queryIndex: number): Frame {
    const query = find.queries[queryIndex]!;
    const { queryId } = find;
    const head = { queryId, queryIndex, server: this.id, token: this.#token, dataPort: 0 };
    if (query.by === "any") {
      return { kind: "retry", echo: queryId, number: 0, server: this.id, token: this.#token };
    }
    const file = this.#files.find(({ entry }) =>
      query.by === "name"
        ? entry.name === query.name
        : query.by === "sha256" && entry.sha256 === query.sha256
    );
    if (file === undefined) return { kind: "absent", ...head, similar: [] };
    const { sizeBytes, sha256, mtimeMs, name } = file.entry;
    return {
      kind: "offer",
      ...head,
      sizeBytes,
      sha256,
      root: file.root,
      mtimeMs,
      tcpPort: 0,
      name,
    };
  }

  #layerPages({ nonce, number, root, firstPage, pageCount }: FrameOf<"layer_want">): Bytes[] {
    const file = this.#files.find((each) => each.root === root);
    if (file === undefined) {
      return [encodeFrame({ kind: "gone", nonce, number, root, reason: "unknown" })];
    }
    const prover = new LayerProver(file.layer, file.entry.sizeBytes);
    const pages: Bytes[] = [];
    for (let page = firstPage; page < Math.min(firstPage + pageCount, prover.pageCount); page++) {
      pages.push(encodeFrame({ kind: "layer", nonce, number, page, ...prover.page(page) }));
    }
    return pages;
  }

  #listing({ queryId, number, pagesMax, after }: FrameOf<"list">): Bytes[] {
    const rest = this.#files.map(({ entry }) => entry).filter(({ name }) => name > (after ?? ""));
    const pages: Bytes[] = [];
    for (let page = 0; page < pagesMax; page++) {
      const end = (page + 1) * this.filesPerPage;
      pages.push(encodeFrame({
        kind: "listing",
        queryId,
        number,
        server: this.id,
        page,
        isLast: end >= rest.length ? 1 : 0,
        tcpPort: this.tcpPort,
        filesTotal: this.#files.length,
        entries: rest.slice(page * this.filesPerPage, end),
      }));
      if (end >= rest.length) break;
    }
    return pages;
  }

  #retry(echo: bigint, number: number): Bytes {
    return encodeFrame({ kind: "retry", echo, number, server: this.id, token: this.#token });
  }

  /** Sends anything at all from the data port. */
  async say(bytes: Bytes, to: Endpoint): Promise<void> {
    await this.#data.send(bytes, to);
  }
}

function joined(parts: readonly Bytes[]): Bytes {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Servers with these files on one discovery port, closed afterwards. */
export async function withServers(
  folders: readonly (readonly ScriptedFile[])[],
  body: (servers: readonly ScriptedServer[], port: number) => Promise<void>,
): Promise<void> {
  const servers: ScriptedServer[] = [];
  try {
    folders.forEach((files, i) => {
      servers.push(new ScriptedServer(i + 1, files, servers[0]?.discoveryPort));
    });
    await body(servers, servers[0]!.discoveryPort);
  } finally {
    for (const server of servers) await server.close();
  }
}

function fail(error: Error): never {
  throw error;
}
