/** Servers that say they are hashing what was asked for, by hand, over UDP and TCP. */
import { assert, assertEquals, assertGreaterOrEqual, assertStringIncludes } from "@std/assert";
import { getOverTcpSettled, type GetResult, getSettled } from "../../mod.ts";
import { serverId } from "../../lib/ids.ts";
import { DatagramPeer } from "../support/datagram_peer.ts";
import { withFolder } from "../support/folder.ts";
import { canTouchFiles, canUseNetwork } from "../support/permissions.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const ignore = !(await canTouchFiles() && await canUseNetwork());

const TIMEOUT_MS = 600;
const RETRIES = 2;
const SIZE_BYTES = 8_000_000;

interface Claim {
  readonly hashedBytes: number;
  readonly rateBytesPerS: number;
}

/** Says it is hashing, in answer to every FIND, and what `claim` says of how far it has got. */
async function hashOverUdp(peer: DatagramPeer, claim: (ms: number) => Claim): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const find = await peer.anyFrame().catch(() => undefined);
    if (find === undefined) return;
    if (find.kind !== "find" || peer.lastFrom === undefined) continue;
    const head = { queryId: find.queryId, queryIndex: 0, dataPort: 0, sizeBytes: SIZE_BYTES };
    const ids = { server: serverId("5e".repeat(16)), token: new Uint8Array(16).fill(7) };
    const claimed = claim(performance.now() - startMs);
    await peer.send({ kind: "pending", ...head, ...ids, ...claimed }, peer.lastFrom.port);
  }
}

/** The same, over TCP, on one connection after another. */
async function hashOverTcp(listener: Deno.TcpListener, claim: (ms: number) => Claim) {
  const startMs = performance.now();
  for await (const conn of listener) {
    using peer = new TcpPeer(conn);
    while (await peer.takeFrame() !== undefined) {
      const { hashedBytes: hashed, rateBytesPerS: rate } = claim(performance.now() - startMs);
      const error = { status: "error", code: "pending", message: "hashing", size: SIZE_BYTES };
      await peer.say({ ...error, hashed, rate });
    }
  }
}

const stuck: (ms: number) => Claim = () => ({ hashedBytes: 4_000_000, rateBytesPerS: 1_000_000 });
const GOES_ON_MS = 3 * RETRIES * TIMEOUT_MS;
/** Truly slow, until it stops. */
const slow = (ms: number): Claim => {
  const hashedBytes = Math.floor(Math.min(ms, GOES_ON_MS) * 1_000);
  return { hashedBytes, rateBytesPerS: ms < GOES_ON_MS ? 1_000_000 : 0 };
};

/** Asks for what will never be there; says how it ended, and how long that took. */
async function fails(get: Promise<GetResult>): Promise<{ tookMs: number }> {
  const startMs = performance.now();
  const [result] = await get;
  assert(result?.event === "failed");
  assertEquals([result.code, result.name], ["no_server", "a.bin"], result.message);
  assertStringIncludes(result.message, "still hashing");
  return { tookMs: performance.now() - startMs };
}

for (
  const [what, claim, waitsMs] of [
    ["gets no further is not waited for", stuck, 0],
    ["hashes slowly is waited for while it gets on", slow, GOES_ON_MS],
  ] as const
) {
  const patience = { names: ["a.bin"], timeoutMs: TIMEOUT_MS, retries: RETRIES };

  Deno.test(
    { name: `over UDP, a server that ${what}`, ignore, sanitizeResources: false },
    () =>
      withFolder({}, async (outDir) => {
        const peer = new DatagramPeer();
        const hashing = hashOverUdp(peer, claim);
        const servers = [`127.0.0.1:${peer.endpoint.port}`];
        const { tookMs } = await fails(getSettled({ ...patience, outDir, servers }));
        assertGreaterOrEqual(tookMs, waitsMs);
        peer[Symbol.dispose]();
        await hashing;
      }),
  );

  Deno.test(
    { name: `over TCP, a server that ${what}`, ignore, sanitizeResources: false },
    () =>
      withFolder({}, async (outDir) => {
        const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const hashing = hashOverTcp(listener, claim);
        const server = `127.0.0.1:${(listener.addr as Deno.NetAddr).port}`;
        const { tookMs } = await fails(getOverTcpSettled({ ...patience, outDir, server }));
        assertGreaterOrEqual(tookMs, waitsMs);
        listener.close();
        await hashing;
      }),
  );
}
