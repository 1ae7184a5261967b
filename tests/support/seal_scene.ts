/** Two sockets that seal, without a network: what one sends is handed to the other, or to whom a test likes. */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import { keyPairOf, newKeyPair } from "../../lib/io/seal/x25519.ts";
import { nodeAeadKey } from "../../lib/io/seal/node_aead.ts";
import { OpenedSegments } from "../../lib/io/net/opened_segments.ts";
import { SealedSegments } from "../../lib/io/net/sealed_segments.ts";
import { type GroupKey, groupKeyOf } from "../../lib/protocol/seal/key_schedule.ts";
import { SealedPeers } from "../../lib/protocol/seal/sealed_peers.ts";
import type { SealSuite } from "../../lib/protocol/seal/suite.ts";

export const CLIENT: Endpoint = { address: "10.0.0.1", port: 40_001 };
export const SERVER: Endpoint = { address: "10.0.0.2", port: 10_530 };
export const GROUP: GroupKey = groupKeyOf(Uint8Array.from({ length: 16 }, (_, i) => i));
export const OTHER_GROUP: GroupKey = groupKeyOf(new Uint8Array(16).fill(9));

/** What a socket has understood. */
export interface Heard {
  readonly text: string;
  readonly from: Endpoint;
  readonly segmentBytes: number;
}

/** @param scalars of the key pairs that are drawn, in their order; random ones after these */
export function suiteWith(
  scalars: readonly Uint8Array[] = [],
): SealSuite & { readonly drawn: number } {
  let drawn = 0;
  return {
    newKeyPair() {
      const scalar = scalars[drawn++];
      return scalar === undefined ? newKeyPair() : keyPairOf(scalar);
    },
    newAeadKey: nodeAeadKey,
    get drawn() {
      return drawn;
    },
  };
}

export class SealSocket {
  readonly peers: SealedPeers;
  readonly #sealed: SealedSegments;
  readonly #opened: OpenedSegments;

  constructor(groups: readonly GroupKey[] = [GROUP], suite: SealSuite = suiteWith()) {
    this.peers = new SealedPeers(suite, groups);
    this.#sealed = new SealedSegments(this.peers);
    this.#opened = new OpenedSegments(this.peers);
  }

  /** The datagrams that say this. */
  say(text: string, to: Endpoint, nowMs = 0): readonly Bytes[] {
    const bytes = encoded(text);
    const towards = this.peers.towards(nowMs, to);
    switch (towards.kind) {
      case "sealed":
        return [this.#sealed.control(towards.session, bytes).slice()];
      case "answer":
        return [this.#sealed.second(towards.answering, bytes)];
      case "ask":
        return this.#sealed.firsts(bytes);
      case "nobody":
        return [];
    }
  }

  /** A burst in a session that there is, its datagrams joined. */
  burst(segments: string, segmentBytes: number, to: Endpoint): Bytes {
    const towards = this.peers.towards(0, to);
    if (towards.kind !== "sealed" && towards.kind !== "answer") throw new Error("no session");
    return this.#sealed.burst(towards.session, encoded(segments), segmentBytes).slice();
  }

  /** What comes of datagrams that arrive joined. */
  hear(bytes: Bytes, from: Endpoint, segmentBytes = bytes.length, nowMs = 0): Heard[] {
    const heard: Heard[] = [];
    this.#opened.open(nowMs, { bytes: bytes.slice(), from, segmentBytes }, (received) => {
      const { bytes, from, segmentBytes } = received;
      heard.push({ text: new TextDecoder().decode(bytes), from, segmentBytes });
    });
    return heard;
  }

  /** The same of one datagram, of which one thing comes or nothing. */
  hearOne(datagram: Bytes | undefined, from: Endpoint, nowMs = 0): Heard | undefined {
    return this.hear(datagram!, from, datagram!.length, nowMs)[0];
  }
}

/** A client and a server in a session that both know of. */
export function session(client = new SealSocket(), server = new SealSocket()) {
  const asked = server.hearOne(client.say("question", SERVER)[0], CLIENT)!;
  const answered = client.hearOne(server.say("answer", asked.from)[0], SERVER)!;
  const confirmed = server.hearOne(client.say("thanks", answered.from)[0], CLIENT)!;
  return { client, server, asker: confirmed.from };
}

function encoded(text: string): Bytes {
  return new TextEncoder().encode(text);
}
