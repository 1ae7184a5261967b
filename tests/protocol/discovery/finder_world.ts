/** A search on a virtual clock, and what servers may answer it. */
import { type Endpoint, isSameEndpoint } from "../../../lib/address.ts";
import { assert } from "@std/assert";
import { hashHex, peerId, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { PROBE_BYTES_MIN } from "../../../lib/protocol/discovery/limits.ts";
import { CONTROL_BYTES_MAX, FIND_BYTES_MIN } from "../../../lib/wire/limits.ts";
import {
  type FindAnswer,
  Finder,
  type FinderAction,
  type FinderEvent,
} from "../../../lib/protocol/discovery/finder.ts";
import { decodeFrame, type FrameOf, type Query } from "../../../lib/wire/frames.ts";
import { VirtualRun } from "../../support/virtual_run.ts";
import type { PeerIds } from "../../../lib/protocol/discovery/peer_ids.ts";

export const NAME = "example.txt" as SafeFileName;
export const BY_NAME: Query = { by: "name", name: NAME };
export const CLIENT_FIRST_QUERY_ID = 0xffff_ffff_ffff_fffen;

export const hashOf = (seed: number) => hashHex(seed.toString(16).padStart(64, "0"));
export const idOf = (seed: number) => serverId(seed.toString(16).padStart(32, "0"));
export const endpointOf = (seed: number): Endpoint => ({ address: `10.0.0.${seed}`, port: 10530 });
/** As the server of this number is known once it has answered from its endpoint. */
export const peerOf = (seed: number) => peerId(idOf(seed), `${endpointOf(seed).address}:10530`);
export const tokenOf = (seed: number) => new Uint8Array(16).fill(seed);

export type Find = FrameOf<"find">;
export type Run = VirtualRun<FinderEvent, FinderAction>;

export function findIn(datagram: Uint8Array): Find {
  const frame = decodeFrame(datagram);
  assert(frame.kind === "find", "only FINDs are sent");
  // Without a token the answers must fit in it, otherwise only a RETRY.
  const bytesMin = frame.token.every((byte) => byte === 0) ? FIND_BYTES_MIN : PROBE_BYTES_MIN;
  assert(datagram.length >= bytesMin && datagram.length <= CONTROL_BYTES_MAX);
  return frame;
}

export interface World {
  readonly queries?: readonly Query[];
  readonly timeoutMs?: number;
  readonly attempts?: number;
  readonly waitMs?: number;
  readonly pinned?: ReturnType<typeof hashHex>;
  readonly peerIds?: PeerIds;
  /** What the servers do about a FIND; `to` is absent for a broadcast. */
  readonly onFind?: (run: Run, find: Find, nowMs: number, to?: Endpoint) => void;
}

export function start(world: World): Run {
  const finder = new Finder({
    queries: world.queries ?? [BY_NAME],
    nextQueryId: idsFrom(CLIENT_FIRST_QUERY_ID),
    seed: 1,
    timeoutMs: world.timeoutMs ?? 10_000,
    attempts: world.attempts ?? 10,
    ...(world.waitMs !== undefined && { waitMs: world.waitMs }),
    ...(world.pinned !== undefined && { pinned: world.pinned }),
    ...(world.peerIds !== undefined && { peerIds: world.peerIds }),
  });
  const run: Run = new VirtualRun<FinderEvent, FinderAction>(
    finder,
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind === "broadcast") world.onFind?.(run, findIn(action.datagram), nowMs);
      if (action.kind === "unicast") {
        world.onFind?.(run, findIn(action.datagram), nowMs, action.to);
      }
    },
  );
  return run;
}

export function idsFrom(first: bigint): () => bigint {
  let next = first;
  return () => BigInt.asUintN(64, next++);
}

export function offer(
  find: Find,
  seed: number,
  overrides: Partial<FrameOf<"offer">> = {},
): FindAnswer {
  return {
    kind: "offer",
    queryId: find.queryId,
    queryIndex: 0,
    server: idOf(seed),
    token: tokenOf(seed),
    dataPort: 0,
    sizeBytes: 3,
    sha256: hashOf(1),
    root: hashOf(2),
    mtimeMs: 0,
    tcpPort: 0,
    name: NAME,
    ...overrides,
  };
}

export function absent(find: Find, seed: number, similar: readonly string[] = []): FindAnswer {
  return {
    kind: "absent",
    queryId: find.queryId,
    queryIndex: 0,
    server: idOf(seed),
    token: tokenOf(seed),
    dataPort: 0,
    similar: similar as readonly SafeFileName[],
  };
}

export function retry(find: Find, seed: number): FindAnswer {
  return { kind: "retry", echo: find.queryId, number: 0, server: idOf(seed), token: tokenOf(seed) };
}

export function pending(find: Find, seed: number): FindAnswer {
  return {
    kind: "pending",
    queryId: find.queryId,
    queryIndex: 0,
    server: idOf(seed),
    token: tokenOf(seed),
    dataPort: 0,
    sizeBytes: 100,
    hashedBytes: 50,
    rateBytesPerS: 10,
  };
}

/** Does what `answer` says for a server of this number, of each FIND that reaches it. */
export function serverAt(
  seed: number,
  answer: (world: Run, find: Find, nowMs: number, to?: Endpoint) => void,
): NonNullable<World["onFind"]> {
  return (world, find, nowMs, to) => {
    if (to === undefined || isSameEndpoint(to, endpointOf(seed))) answer(world, find, nowMs, to);
  };
}

/** The news of what was proved. */
export const proved = (run: Run) => run.of("offer").filter(({ action }) => action.offer.isProved);
export const provedMs = (run: Run) => proved(run).map(({ atMs }) => atMs);

export const frameOf = (seed: number, frame: FindAnswer): FinderEvent => ({
  kind: "frame",
  from: endpointOf(seed),
  frame,
});

export const times = (run: Run, kind: FinderAction["kind"]) => run.of(kind).map(({ atMs }) => atMs);
