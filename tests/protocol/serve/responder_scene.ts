/** A server that answers in a test, and what it has answered. */
import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals } from "@std/assert";
import {
  type Bytes,
  type HashHex,
  hashHex,
  type SafeFileName,
  serverId,
  toHex,
} from "../../../lib/ids.ts";
import { CONTROL_BYTES_MAX } from "../../../lib/wire/limits.ts";
import { parseFileName } from "../../../lib/names.ts";
import { Catalogue } from "../../../lib/protocol/serve/catalogue.ts";
import { TreeHasher } from "../../../lib/protocol/merkle/merkle.ts";
import type { FolderManifest } from "../../../lib/protocol/serve/find_answers.ts";
import type { QuestionFrame } from "../../../lib/protocol/serve/questions.ts";
import { Responder, type ResponderAction } from "../../../lib/protocol/serve/responder.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { NO_TOKEN, Tokens } from "../../../lib/protocol/base/tokens.ts";
import {
  declaredLength,
  decodeFrame,
  encodeFrame,
  type Frame,
  type FrameKind,
  type FrameOf,
  type Query,
} from "../../../lib/wire/frames.ts";
import { LayerProver } from "../../support/layer_prover.ts";

const SEED = 7;
export const SERVER = serverId("5e".repeat(16));
export const CLIENT: Endpoint = { address: "192.168.7.20", port: 40_000 };

export function name(text: string): SafeFileName {
  const parsed = parseFileName(text);
  assert(parsed.ok, text);
  return parsed.name;
}

/** A server's view, its responder, and a client that speaks to it. */
export class Scene {
  readonly catalogue = new Catalogue();
  readonly tokens: Tokens;
  readonly layers = new Map<HashHex, Bytes>();
  readonly trees = new Map<SafeFileName | undefined, FolderManifest>();
  readonly view = {
    catalogue: this.catalogue,
    isScanned: true,
    refresh: () => {},
    hashRateOf: () => 1_000_000,
    treeOf: (folder: SafeFileName | undefined) => this.trees.get(folder),
    holds: (root: HashHex, sizeBytes: number) =>
      !this.catalogue.findByContent(root, sizeBytes).next().done,
    layerPage: (root: HashHex, sizeBytes: number, page: number) => {
      const layer = this.layers.get(root);
      const prover = layer && new LayerProver(layer, sizeBytes);
      return prover && page < prover.pageCount ? prover.page(page) : undefined;
    },
  };
  nowMs = 0;
  readonly responder: Responder;

  /** @param overheadBytes what the transport adds to a datagram */
  constructor(overheadBytes = 0, secret = Uint8Array.of(1, 2, 3)) {
    this.tokens = new Tokens(secret);
    const { tokens, view } = this;
    this.responder = new Responder({ server: SERVER, tokens, seed: SEED, view, overheadBytes });
  }

  ready(text: string, bytes: Bytes): { readonly root: HashHex; readonly sha256: HashHex } {
    this.pending(text, bytes.length);
    const hasher = new TreeHasher(bytes.length);
    hasher.update(bytes);
    const { root, layer } = hasher.finish();
    const digest = hashHex(toHex(sha256(bytes)));
    this.layers.set(root, layer);
    this.catalogue.ready(name(text), { root, sha256: digest });
    return { root, sha256: digest };
  }

  pending(text: string, sizeBytes: number): void {
    this.catalogue.put(name(text), { sizeBytes, mtimeMs: 1_000, ctimeMs: 1, inode: 1 }, "pending");
  }

  get token(): Bytes {
    return this.tokens.issue(this.nowMs, CLIENT.address);
  }

  /** @param bytesMin what a FIND is padded to; as much as ever, by default */
  say(frame: QuestionFrame, from = CLIENT, bytesMin?: number): readonly ResponderAction[] {
    return this.responder.handle(this.nowMs, from, frame, encodeFrame(frame, 0, bytesMin).length);
  }

  repeat(queries: readonly Query[], round: number) {
    return this.say({ kind: "find", queryId: 1n, token: NO_TOKEN, round, known: [], queries });
  }

  find(queries: readonly Query[], token = NO_TOKEN, known: readonly string[] = []) {
    return this.say({ kind: "find", queryId: 1n, token, round: 0, known, queries });
  }
}

export const byName = (text: string): Query => ({ by: "name", name: name(text) });

export function datagramsOf(actions: readonly ResponderAction[]): readonly Bytes[] {
  return actions.flatMap((action) => action.kind === "send" ? action.datagrams : []);
}

export function bytesOf(actions: readonly ResponderAction[]): number {
  return datagramsOf(actions).reduce((sum, datagram) => sum + datagram.length, 0);
}

export function framesOf(actions: readonly ResponderAction[]): readonly Frame[] {
  const frames: Frame[] = [];
  for (const datagram of datagramsOf(actions)) {
    assert(datagram.length <= CONTROL_BYTES_MAX);
    for (let at = 0; at < datagram.length;) {
      const end = at + declaredLength(datagram, at);
      const frame = decodeFrame(datagram.subarray(at, end));
      assert(frame.kind !== "malformed");
      frames.push(frame);
      at = end;
    }
  }
  return frames;
}

export function only<K extends FrameKind>(
  kind: K,
  actions: readonly ResponderAction[],
): FrameOf<K> {
  const frames = framesOf(actions);
  assertEquals(frames.map((frame) => frame.kind), [kind]);
  return frames[0] as FrameOf<K>;
}
