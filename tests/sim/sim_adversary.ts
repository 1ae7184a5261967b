/**
 * Somebody in a simulated world who owns some addresses and knows every id. He hears what is broadcast and what is
 * sent to his addresses, answers in any server's name, and forges any source address; what is sent to others' he
 * never sees.
 */
import type { Endpoint } from "../../lib/address.ts";
import {
  type Bytes,
  type Content,
  hashHex,
  type ServerId,
  serverId,
  toHex,
} from "../../lib/ids.ts";
import { LayerProver } from "../support/layer_prover.ts";
import type { Random } from "../../lib/protocol/base/random.ts";
import { DATA_HEADER_BYTES, DataWriter, payloadBytesOf } from "../../lib/wire/data_frame.ts";
import { encodeFrame, type Frame, type FrameOf } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";
import { simContent } from "./sim_contents.ts";
import { FILE_NAME } from "./sim_index.ts";
import { DATA_PORT } from "./sim_server.ts";

/**
 * What he does at an address of his. `other`: he has another file, and serves it well. `noise`, `pages`, `gone`: he has
 * the true one and sends wrong bytes, wrong hashes, or that it is gone. `mute`: he offers another file and is silent.
 * `ghosts`: he has the true one at several ports, under an id each, shows its hashes, and never sends a byte of it.
 */
export type Malice = "other" | "noise" | "pages" | "gone" | "mute" | "ghosts";

/** Servers at an address of `ghosts`. */
const GHOSTS = 6;

export interface AdversarySpec {
  readonly addresses: readonly Malice[];
  /** Forged datagrams for each FIND that he hears. */
  readonly forgedPerFind: number;
}

export interface AdversaryWorld {
  readonly random: Random;
  readonly honest: () => readonly { readonly id: ServerId; readonly address: string }[];
  readonly send: (from: Endpoint, to: Endpoint, datagram: Bytes) => void;
}

const OTHER_VARIANT = 1;

export class SimAdversary {
  readonly #spec: AdversarySpec;
  readonly #sizeBytes: number;
  readonly #world: AdversaryWorld;
  readonly #tokens: readonly Bytes[];

  constructor(spec: AdversarySpec, sizeBytes: number, world: AdversaryWorld) {
    this.#spec = spec;
    this.#sizeBytes = sizeBytes;
    this.#world = world;
    this.#tokens = spec.addresses.map(() => world.random.bytes(16));
  }

  /** @param to where it was sent; a broadcast address for everybody */
  hear(datagram: Bytes, from: Endpoint, to: Endpoint, isBroadcast: boolean): void {
    for (const frame of framesIn(datagram)) {
      this.#spec.addresses.forEach((malice, index) => {
        if (isBroadcast || to.address === addressOf(index)) {
          for (const port of portsOf(malice, isBroadcast ? undefined : to.port)) {
            this.#answer(frame, from, malice, { index, port });
          }
        }
      });
      const isHeard = isBroadcast ||
        this.#spec.addresses.some((_, i) => to.address === addressOf(i));
      if (isHeard && frame.kind === "find") this.#forge(frame, from);
    }
  }

  // — At his own addresses ——————————————————————————————————————————————————————————————————————

  #answer(
    frame: Frame,
    to: Endpoint,
    malice: Malice,
    { index, port }: { index: number; port: number },
  ): void {
    const from = { address: addressOf(index), port };
    const { bytes, content, layer } = simContent(this.#sizeBytes, isOther(malice) ? 1 : 0);
    switch (frame.kind) {
      case "find": {
        const id = malice === "ghosts"
          ? serverId(`${index}${port}`.padEnd(32, "0"))
          : this.#anyId();
        const offer = this.#offer(frame, id, content, this.#tokens[index]!);
        return this.#world.send(from, to, offer);
      }
      case "layer_want":
        if (malice !== "mute") {
          this.#sendPages(frame, from, to, malice, new LayerProver(layer, this.#sizeBytes));
        }
        return;
      case "want":
        if (malice !== "mute" && malice !== "ghosts") {
          this.#sendData(frame, from, to, malice === "noise" ? undefined : bytes);
        }
        return;
      default:
    }
  }

  #sendPages(
    { nonce, number, firstPage, pageCount, root }: FrameOf<"layer_want">,
    from: Endpoint,
    to: Endpoint,
    malice: Malice,
    prover: LayerProver,
  ): void {
    if (malice === "gone") {
      const reason = "changed";
      return this.#world.send(from, to, encodeFrame({ kind: "gone", nonce, number, root, reason }));
    }
    for (let page = firstPage; page < Math.min(firstPage + pageCount, prover.pageCount); page++) {
      const { hashes, proof } = prover.page(page);
      const sent = malice === "pages" ? hashes.map((byte) => byte ^ 1) : hashes;
      this.#world.send(
        from,
        to,
        encodeFrame({ kind: "layer", nonce, number, page, hashes: sent, proof }),
      );
    }
  }

  /** @param bytes the file; noise where there is none */
  #sendData(want: FrameOf<"want">, from: Endpoint, to: Endpoint, bytes: Bytes | undefined): void {
    const payloadBytes = payloadBytesOf(want.segmentBytes);
    for (const { offset, lengthBytes } of want.ranges) {
      for (let at = 0; at < lengthBytes; at += payloadBytes) {
        const length = Math.min(payloadBytes, lengthBytes - at);
        const start = offset + at;
        const payload = bytes?.subarray(start, start + length) ?? this.#world.random.bytes(length);
        const segment = new Uint8Array(DATA_HEADER_BYTES + length);
        segment.set(payload, DATA_HEADER_BYTES);
        const writer = new DataWriter(segment);
        writer.header = { nonce: want.nonce, number: want.number, withCrc: want.withCrc === 1 };
        writer.write(0, length, start);
        this.#world.send(from, to, segment);
      }
    }
  }

  // — In others' names ——————————————————————————————————————————————————————————————————————————

  /** Under the id of a FIND that he has heard, even one that was sent to him alone. */
  #forge(find: FrameOf<"find">, to: Endpoint): void {
    const { random } = this.#world;
    for (let i = 0; i < this.#spec.forgedPerFind; i++) {
      const victim = this.#world.honest()[random.below(this.#world.honest().length)];
      const isVictims = victim !== undefined && random.chance(0.5);
      const address = isVictims ? victim.address : `10.0.7.${1 + random.below(200)}`;
      const port = random.chance(0.7) ? DATA_PORT : 20_000 + random.below(1_000);
      this.#world.send({ address, port }, to, this.#forged(find));
    }
  }

  #forged(find: FrameOf<"find">): Bytes {
    const { random } = this.#world;
    const server = this.#anyId();
    const token = random.bytes(16);
    const head = { queryId: find.queryId, queryIndex: 0, server, token, dataPort: 0 };
    switch (random.below(6)) {
      case 0:
        return encodeFrame({ kind: "absent", ...head, similar: [] });
      case 1: {
        const counts = { sizeBytes: this.#sizeBytes, hashedBytes: 1, rateBytesPerS: 1 };
        return encodeFrame({ kind: "pending", ...head, ...counts });
      }
      case 2:
        return encodeFrame({ kind: "retry", echo: find.queryId, number: 0, server, token });
      case 3:
        return this.#offer(find, server, simContent(this.#sizeBytes, OTHER_VARIANT).content, token);
      case 4: {
        // The truth, but for its SHA-256.
        const { content } = simContent(this.#sizeBytes, 0);
        const sha256 = hashHex(toHex(random.bytes(32)));
        return this.#offer(find, server, { ...content, sha256 }, token);
      }
      default: {
        const hash = hashHex(toHex(random.bytes(32)));
        // Not much: the disk of these worlds holds in memory what is opened.
        const content = { sizeBytes: 1 + random.below(1 << 20), sha256: hash, root: hash };
        return this.#offer(find, server, content, token);
      }
    }
  }

  #offer({ queryId }: FrameOf<"find">, server: ServerId, content: Content, token: Bytes): Bytes {
    const head = { queryId, queryIndex: 0, server, token, dataPort: 0 };
    return encodeFrame({
      kind: "offer",
      ...head,
      ...content,
      mtimeMs: 0,
      tcpPort: 0,
      name: FILE_NAME,
    });
  }

  /** An honest server's, mostly. */
  #anyId(): ServerId {
    const { random } = this.#world;
    const honest = this.#world.honest();
    const isInvented = honest.length === 0 || random.chance(0.3);
    return isInvented ? serverId(toHex(random.bytes(16))) : honest[random.below(honest.length)]!.id;
  }
}

function isOther(malice: Malice): boolean {
  return malice === "other" || malice === "mute";
}

/** From where he answers what was sent to `asked`, or to everybody. */
function portsOf(malice: Malice, asked: number | undefined): number[] {
  if (malice !== "ghosts") return [DATA_PORT];
  const ports = Array.from({ length: GHOSTS }, (_, i) => DATA_PORT + i);
  return ports.filter((port) => asked === undefined || port === asked);
}

function addressOf(index: number): string {
  return `10.0.9.${index + 1}`;
}
