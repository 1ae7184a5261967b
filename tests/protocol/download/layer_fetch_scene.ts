/** A layer fetch beside scripted servers, in virtual time. */
import { type Endpoint, partyOf } from "../../../lib/address.ts";
import { assert } from "@std/assert";
import { type Bytes, type Content, hashHex, type ServerId, serverId } from "../../../lib/ids.ts";
import type { AnsweredPaths } from "../../../lib/protocol/download/answered_paths.ts";
import {
  LayerFetch,
  type LayerFetchAction,
  type LayerFetchEvent,
} from "../../../lib/protocol/download/layer_fetch.ts";
import { chunkCountFor, type LayerPage, rootOfLayer } from "../../../lib/protocol/merkle/merkle.ts";
import { LayerProver } from "../../support/layer_prover.ts";
import { partsOfPage } from "../../../lib/protocol/merkle/layer_parts.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { decodeFrame, encodeFrame, type FrameOf } from "../../../lib/wire/frames.ts";
import { VirtualRun } from "../../support/virtual_run.ts";

export type Run = VirtualRun<LayerFetchEvent, LayerFetchAction>;
export type Want = FrameOf<"layer_want">;

export const TIMEOUT_MS = 4_000;
export const CHUNK_BYTES = 65_536;
export const idOf = (seed: number): ServerId => serverId(seed.toString(16).padStart(32, "0"));
export const endpointOf = (seed: number): Endpoint => ({ address: `10.0.0.${seed}`, port: 10530 });
export const LOOPBACK: Endpoint = { address: "127.0.0.1", port: 10530 };
export const tokenOf = (seed: number): Bytes => new Uint8Array(16).fill(seed);

/** A layer of random hashes, and the content that it belongs to. */
export function fileOf(chunkCount: number): { readonly content: Content; readonly layer: Bytes } {
  const sizeBytes = chunkCount * CHUNK_BYTES;
  const layer = new Random(chunkCount).bytes(chunkCountFor(sizeBytes) * 32);
  const sha256 = hashHex("5".repeat(64));
  return { content: { sizeBytes, sha256, root: rootOfLayer(layer, sizeBytes) }, layer };
}

export interface Scripted {
  /** `false`: lost. */
  readonly answers?: (want: Want) => boolean;
  readonly delayMs?: (endpoint: Endpoint, page: number) => number;
  readonly alter?: (endpoint: Endpoint, hashes: Bytes) => Bytes;
  /** Token that is accepted, by server; any if there is none. */
  readonly token?: Bytes;
  /** Datagrams that are longer vanish. */
  readonly bytesMax?: number;
  readonly goneAt?: string;
  readonly busyAt?: string;
}

export interface Setup extends Scripted {
  readonly content: Content;
  readonly layer: Bytes;
  readonly known?: Bytes;
  readonly answeredPaths?: AnsweredPaths;
}

export function start(setup: Setup, wants: Want[] = []): Run {
  const run: Run = new VirtualRun<LayerFetchEvent, LayerFetchAction>(
    new LayerFetch(setup.content, {
      timeoutMs: TIMEOUT_MS,
      ...(setup.known !== undefined && { knownLayer: setup.known }),
      ...(setup.answeredPaths !== undefined && { answeredPaths: setup.answeredPaths }),
    }),
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind !== "send") return;
      const want = decodeFrame(action.datagram);
      assert(want.kind === "layer_want");
      wants.push(want);
      answer(run, setup, want, action.to, nowMs);
    },
  );
  return run;
}

export function answer(run: Run, setup: Setup, want: Want, from: Endpoint, nowMs: number): void {
  if (setup.answers?.(want) === false) return;
  const { nonce, number, root } = want;
  if (from.address === setup.goneAt) {
    const frame = { kind: "gone", nonce, number, root, reason: "unknown" } as const;
    return run.at(nowMs + 1, { kind: "frame", from, frame });
  }
  if (from.address === setup.busyAt) {
    const frame = { kind: "busy", echo: nonce, number, waitMs: 65_535 } as const;
    return run.at(nowMs + 1, { kind: "frame", from, frame });
  }
  const { token } = setup;
  if (token !== undefined && want.token[0] !== token[0]) {
    const frame = { kind: "retry", echo: nonce, number, server: idOf(1), token } as const;
    return run.at(nowMs + 1, { kind: "frame", from, frame });
  }
  for (let i = 0; i < want.pageCount; i++) {
    const page = want.firstPage + i;
    const { hashes, proof } = pageOf(setup, page);
    const sent = { hashes: setup.alter?.(from, hashes) ?? hashes, proof };
    const head = { nonce, number, page } as const;
    const frames = want.isBrief
      ? partsOfPage(sent).map((hashes, part) =>
        ({ kind: "layer_part", ...head, part, hashes }) as const
      )
      : [{ kind: "layer", ...head, ...sent } as const];
    for (const frame of frames) {
      if (encodeFrame(frame).length > (setup.bytesMax ?? Infinity)) continue;
      run.at(nowMs + (setup.delayMs?.(from, page) ?? 1), { kind: "frame", from, frame });
    }
  }
}

const provers = new Map<Bytes, LayerProver>();
export function pageOf({ content, layer }: Setup, page: number): LayerPage {
  if (content.sizeBytes === 0) return { hashes: new Uint8Array(0), proof: new Uint8Array(0) };
  const prover = provers.get(layer) ?? new LayerProver(layer, content.sizeBytes);
  provers.set(layer, prover);
  return prover.page(page);
}

let lastNonce = 0n;
export function path(seed: number, endpoint = endpointOf(seed)): LayerFetchEvent {
  lastNonce += 1n;
  const server = idOf(seed);
  const party = partyOf(endpoint.address);
  const given = { endpoint, token: tokenOf(seed) };
  return { kind: "path", server, party, path: given, nonce: lastNonce };
}
