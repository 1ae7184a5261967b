import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { StreamProviders } from "../../../lib/app/client/stream_providers.ts";
import { StreamSearch } from "../../../lib/app/client/stream_search.ts";
import { PENDING_PAUSE_MS } from "../../../lib/app/limits.ts";
import { ShoalError } from "../../../lib/errors.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import type { TcpRuntime } from "../../../lib/io/net/tcp_client.ts";
import type { FindNews } from "../../../lib/protocol/discovery/finder.ts";
import type { LayerNews } from "../../../lib/protocol/download/layer_fetch.ts";
import { lengthPrefix } from "../../../lib/wire/session_json.ts";
import { type PeerLink, playTcp, type VirtualPeer } from "../../support/virtual_tcp.ts";
import { PeerIds } from "../../../lib/protocol/discovery/peer_ids.ts";

const TIMEOUT_MS = 3_000;
const RETRIES = 2;
const ENDPOINT = { address: "192.0.2.1", port: 9_999 };
const HASH = "ab".repeat(32);
const MIB = 1024 * 1024;

function searchOf(
  runtime: TcpRuntime,
  onFailure: (error: ShoalError) => void,
  isWanted = () => false,
): StreamSearch {
  const { clock } = runtime;
  return new StreamSearch({
    clock,
    endpoint: ENDPOINT,
    peerIds: new PeerIds(() => false, () => 1),
    providers: new StreamProviders(runtime, {
      layers: [],
      timeoutMs: TIMEOUT_MS,
      retries: RETRIES,
    }),
    timeoutMs: TIMEOUT_MS,
    attempts: RETRIES,
    questionOf: () => ({ name: "a.txt" }),
    isWanted,
    onFailure: (_, error) => onFailure(error),
  });
}

/** What comes of a search for one name: the first offer, or why there is none. */
function searched(runtime: TcpRuntime): Promise<FindNews> {
  return new Promise((resolve, reject) => {
    const query = { by: "name", name: "a.txt" as SafeFileName } as const;
    searchOf(runtime, reject).find([query], (news) => {
      if (news.kind === "offer" || news.kind === "timedOut") resolve(news);
    });
  });
}

function isAsked(bytes: Uint8Array, command: string): boolean {
  return new TextDecoder().decode(bytes).includes(`"command":"${command}"`);
}

function describe(link: PeerLink): void {
  const file = { name: "a.txt", size: 100 * MIB, mtime: 0, sha256: HASH, root: HASH };
  link.tell({ status: "file", ...file, offset: 0, length: 0 });
  link.say(lengthPrefix(0), 2);
  link.tell({ status: "sent" }, 3);
}

/** Is hashing, as it says, so many bytes more each time that it is asked. */
function hashing(bytesEach: number, fields = true): VirtualPeer {
  let hashed = 0;
  return {
    onBytes(link) {
      hashed += bytesEach;
      if (hashed >= 100 * MIB) return describe(link);
      const said = fields ? { size: 100 * MIB, hashed, rate: 2 * bytesEach } : {};
      link.tell({ status: "error", code: "pending", message: "ask again", ...said });
    },
  };
}

Deno.test("a server that says for ever that it is hashing is given up", async () => {
  for (const peer of [hashing(0), hashing(0, false), hashing(1)]) {
    const { result, tookMs } = await playTcp(searched, () => peer);
    assert(!(result instanceof ShoalError), String(result));
    assertEquals(result.kind, "timedOut");
    assertLess(tookMs, 2 * TIMEOUT_MS * RETRIES);
  }
});

Deno.test("a server that gets on with hashing is waited for, however long it takes", async () => {
  const peer = hashing(MIB / 2);
  const { result, tookMs } = await playTcp(searched, () => peer);
  assert(!(result instanceof ShoalError), String(result));
  assertEquals(result.kind, "offer");
  assertGreater(tookMs, 10 * TIMEOUT_MS * RETRIES);
});

/** So many MiB of 100, each time that it is asked. */
function saying(mibAt: (asked: number) => number): VirtualPeer {
  let asked = 0;
  let before = 0;
  return {
    onBytes(link) {
      const hashed = Math.floor(mibAt(asked++) * MIB);
      const rate = 2 * Math.max(0, hashed - before);
      before = hashed;
      if (hashed >= 100 * MIB) return describe(link);
      link.tell({
        ...{ status: "error", code: "pending", message: "ask again" },
        ...{ size: 100 * MIB, hashed, rate },
      });
    },
  };
}

Deno.test("patience that was earned ends a timeout after the growth, however much of it there was", async () => {
  const peer = saying((asked) => Math.min(50, asked * 5));
  const { result, tookMs } = await playTcp(searched, () => peer);
  assert(!(result instanceof ShoalError), String(result));
  assertEquals(result.kind, "timedOut");
  assertLess(tookMs, 11 * PENDING_PAUSE_MS + (RETRIES + 1) * TIMEOUT_MS);
});

Deno.test("a server that begins its hashing anew is measured afresh in the next attempt", async () => {
  const asksPerTimeout = Math.ceil(TIMEOUT_MS / PENDING_PAUSE_MS);
  // It has begun anew by the time that patience for its first try ends.
  const grownAt = 2 * asksPerTimeout;
  const anewAt = grownAt + Math.floor(asksPerTimeout / 2);
  const slowness = 2 * RETRIES * asksPerTimeout;
  const mib = (asked: number): number => {
    if (asked < anewAt) return 50 * Math.min(1, asked / grownAt);
    return 50 * (asked - anewAt) / slowness;
  };
  const peer = saying(mib);
  const { result } = await playTcp(searched, () => peer);
  assert(!(result instanceof ShoalError), String(result));
  assertEquals(result.kind, "offer");
});

Deno.test("a layer that its only server does not bring ends the fetch with the reason", async () => {
  const silentAboutIt: VirtualPeer = {
    onBytes(link, bytes) {
      if (isAsked(bytes, "fetch")) describe(link);
    },
  };
  const { result } = await playTcp(
    (runtime) =>
      new Promise<LayerNews>((resolve) => {
        const search = searchOf(runtime, () => {});
        const content = { sizeBytes: 100 * MIB, sha256: HASH, root: HASH };
        const fetch = search.fetchLayer(content as never, (news) => {
          if (news.kind !== "confirmed") resolve(news);
        });
        const path = { endpoint: ENDPOINT, token: new Uint8Array(16) };
        fetch.add({ server: HASH.slice(0, 32), path, content, tcpPort: ENDPOINT.port } as never);
      }),
    () => silentAboutIt,
  );
  assert(!(result instanceof ShoalError));
  assertEquals(result.kind, "failed");
});

Deno.test("a server that is not there is asked again for as long as it is wanted, and found when it is back", async () => {
  const query = { by: "name", name: "a.txt" as SafeFileName } as const;
  for (const backAfter of [3, Infinity]) {
    let refusals = 0;
    const { result } = await playTcp(
      (runtime) =>
        new Promise<string>((resolve) => {
          const search = searchOf(runtime, ({ code }) => resolve(code), () => refusals < 10);
          search.find([query], ({ kind }) => resolve(kind));
        }),
      () => ({ onBytes: describe }),
      { reach: () => refusals >= backAfter ? "accepted" : (refusals += 1, "refused") },
    );
    assertEquals(result, backAfter === Infinity ? "no_server" : "offer");
    assertEquals(refusals, Math.min(backAfter, 10));
  }
});
