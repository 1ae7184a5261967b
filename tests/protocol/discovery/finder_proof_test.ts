/** What anybody may claim in a search, and what it takes to be counted. */
import { type Endpoint, endpointKey, isSameEndpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertLess, assertLessOrEqual } from "@std/assert";
import { peerId, type SafeFileName, serverId } from "../../../lib/ids.ts";
import type { FindAnswer } from "../../../lib/protocol/discovery/finder.ts";
import { INVITED_MAX, UNPROVED_BYTES_FACTOR } from "../../../lib/protocol/discovery/limits.ts";
import { PeerIds } from "../../../lib/protocol/discovery/peer_ids.ts";
import { encodeFrame, type Query } from "../../../lib/wire/frames.ts";
import {
  absent,
  BY_NAME,
  endpointOf,
  frameOf,
  hashOf,
  idOf,
  offer,
  peerOf,
  pending,
  proved,
  provedMs,
  retry,
  serverAt,
  start,
  times,
  tokenOf,
} from "./finder_world.ts";

const names = Array.from({ length: 300 }, (_, i) => `folder/file-${i}.bin` as SafeFileName);

Deno.test("an answer to a broadcast is a claim: it is probed, and ends nothing", () => {
  const run = start({
    timeoutMs: 1_000,
    attempts: 3,
    onFind: (world, find, nowMs, to) => {
      if (to !== undefined) return;
      world.at(nowMs + 1, frameOf(1, offer(find, 1)));
      world.at(nowMs + 1, frameOf(2, absent(find, 2)));
      world.at(nowMs + 1, frameOf(3, pending(find, 3)));
    },
  });
  run.runUntil(60_000);
  assertEquals(proved(run), []);
  assert(run.of("offer").length > 0 && run.of("unicast").length > 0);
  assertEquals([...times(run, "pending"), ...times(run, "notFound")], []);
  assertEquals(times(run, "timedOut"), [3_000]);
});

Deno.test("only who was sent a FIND proves anything by its id", () => {
  const run = start({
    onFind: serverAt(1, (world, find, nowMs, to) => {
      world.at(nowMs + 1, frameOf(1, offer(find, 1)));
      // It knows what it was sent itself, and says so in the name of others.
      if (to === undefined) return;
      for (const seed of [2, 3]) world.at(nowMs + 1, frameOf(seed, offer(find, seed)));
    }),
  });
  run.runUntil(3_000);
  assertEquals(new Set(proved(run).map(({ action }) => action.offer.server)), new Set([peerOf(1)]));
});

Deno.test("an id is nobody's: at another address it is another server", () => {
  const run = start({
    onFind: (world, find, nowMs, to) => {
      for (const seed of [1, 2]) {
        if (to !== undefined && !isSameEndpoint(to, endpointOf(seed))) continue;
        const frame = offer(find, seed, { server: idOf(1), sha256: hashOf(seed) });
        world.at(nowMs + seed, frameOf(seed, frame));
      }
    },
  });
  run.runUntil(100);
  const offers = proved(run).map(({ action: { offer } }) => [offer.server, offer.party]);
  assertEquals(offers, [
    [peerOf(1), "10.0.0.1"],
    [peerId(idOf(1), "10.0.0.2:10530"), "10.0.0.2"],
  ]);
});

Deno.test("who issues the same token at two addresses is one server, at this machine's by its port", () => {
  const own = ["127.0.0.1", "10.0.0.9"];
  const at = (address: string): Endpoint => ({ address, port: 10_530 });
  const run = start({
    peerIds: new PeerIds((address) => own.includes(address), () => 1),
    onFind: (world, find, nowMs, to) => {
      for (const address of ["10.0.0.1", "10.0.0.2", ...own]) {
        if (to !== undefined && to.address !== address) continue;
        const isOwn = own.includes(address);
        // Reached at an address of this machine, it sees another address of ours: its token is another.
        const token = isOwn ? tokenOf(address.length) : tokenOf(1);
        const frame = offer(find, isOwn ? 2 : 1, { token });
        world.at(nowMs + 1, { kind: "frame", from: at(address), frame });
      }
    },
  });
  run.runUntil(100);
  const found = proved(run).map(({ action: { offer } }) => [
    offer.path.endpoint.address,
    offer.server,
    offer.party,
  ]);
  assertEquals(found, [
    ["10.0.0.1", peerOf(1), "10.0.0.1"],
    // … and has one vote.
    ["10.0.0.2", peerOf(1), "10.0.0.1"],
    ["127.0.0.1", peerId(idOf(2), "127.0.0.1:10530"), "127.0.0.1"],
    ["10.0.0.9", peerId(idOf(2), "127.0.0.1:10530"), "127.0.0.1"],
  ]);
});

Deno.test("who is known by a session is the server that proves itself at its address, and nobody who claims to be", () => {
  const peerIds = new PeerIds(() => false, () => 1);
  const session = peerIds.ofSession(idOf(1), { ...endpointOf(1), port: 10_540 });
  const run = start({
    peerIds,
    onFind: (world, find, nowMs, to) => {
      // Others forge its address, and name ports that are not its own.
      const forged = { ...endpointOf(1), port: 6_000 };
      if (to === undefined) {
        const frame = offer(find, 1, { token: tokenOf(7) });
        world.at(nowMs + 1, { kind: "frame", from: forged, frame });
      }
      if (to !== undefined && !isSameEndpoint(to, endpointOf(1))) return;
      world.at(nowMs + 2, frameOf(1, offer(find, 1)));
    },
  });
  run.runUntil(3_000);
  const told = run.of("offer").map(({ action: { offer } }) => [offer.server, offer.isProved]);
  assertEquals(told[0], [session, true]);
  // Once it has proved itself, whoever else is said to be there is another, as always.
  const others = told.filter(([server]) => server !== session);
  assertEquals(new Set(others.map(([server]) => server)).size, 1);
  assert(others.length > 0 && others.every(([, isProved]) => !isProved));
});

Deno.test("forged refusals and absences in a server's name change nothing of what it is asked", () => {
  const run = start({
    queries: [BY_NAME, { by: "name", name: "other.txt" as SafeFileName }],
    onFind: (world, find, nowMs, to) => {
      if (to === undefined) {
        for (let i = 0; i < 20; i++) {
          world.at(nowMs + 1 + 10 * i, frameOf(1, retry(find, 1)));
          world.at(nowMs + 1 + 10 * i, frameOf(1, absent(find, 1)));
        }
        return;
      }
      // It is slow, and answers what it is asked by itself.
      find.queries.forEach((query, queryIndex) => {
        assert(query.by === "name");
        world.at(nowMs + 30, frameOf(1, offer(find, 1, { queryIndex, name: query.name })));
      });
    },
  });
  run.runUntil(400);
  assertEquals(proved(run).map(({ action }) => action.queryIndex), [0, 1]);
  assertEquals(times(run, "notFound"), []);
});

for (const isInvented of [true, false]) {
  const whose = isInvented ? "invented ids" : "the honest server's own id";
  Deno.test(`a crowd of forged offers under ${whose} keeps no honest server out`, () => {
    const run = start({
      onFind(world, find, nowMs, to) {
        if (to !== undefined && isSameEndpoint(to, endpointOf(2))) {
          return world.at(nowMs + 1, frameOf(2, offer(find, 2)));
        }
        if (to !== undefined) return;
        for (let i = 0; i < 1_100; i++) {
          const server = isInvented
            ? serverId((1_000 + i).toString(16).padStart(32, "f"))
            : idOf(2);
          const forged = offer(find, 9, { server, sha256: hashOf(1_000 + i) });
          // In the honest server's name, as far as an address is a name.
          const from = { ...endpointOf(2), port: 20_000 + i };
          world.at(nowMs + 1, { kind: "frame", from, frame: forged });
        }
        if (nowMs > 500) world.at(nowMs + 2, frameOf(2, offer(find, 2)));
      },
    });
    run.runUntil(2_000);
    const servers = proved(run).map(({ action }) => action.offer.server);
    assertEquals(new Set(servers), new Set([peerOf(2)]));
    assertLess(Math.max(...provedMs(run)), 1_200, "it was found at once");
  });
}

for (const kind of ["offer", "absent", "pending", "retry"] as const) {
  for (const forgedCount of [1, 3, 40]) {
    Deno.test(`a stranger in whose name ${forgedCount} forged ${kind} came is sent three times their bytes at most`, () => {
      let claimedBytes = 0;
      const run = start({
        queries: names.map((name): Query => ({ by: "name", name })),
        onFind(world, find, nowMs, to) {
          if (to !== undefined || nowMs > 0) return;
          for (let i = 0; i < forgedCount; i++) {
            const name = names[0]!;
            const said = { offer: offer(find, 1, { name }), absent: absent(find, 1) };
            const frame: FindAnswer = kind === "retry" || kind === "pending"
              ? { pending, retry }[kind](find, 1)
              : said[kind];
            const from = { ...endpointOf(1), port: 1_000 + i };
            world.at(nowMs + 1, { kind: "frame", from, frame });
            claimedBytes += encodeFrame(frame).length;
          }
        },
      });
      run.runUntil(20_000);
      const probes = run.of("unicast").filter(({ action }) => action.to.address === "10.0.0.1");
      const sentBytes = probes.reduce((sum, { action }) => sum + action.datagram.length, 0);
      assert(probes.length >= forgedCount, "each claim is looked into");
      assertLessOrEqual(sentBytes, UNPROVED_BYTES_FACTOR * claimedBytes);
    });
  }
}

Deno.test("servers that answer once and never again take nothing from one that goes on", () => {
  const queries = names.map((name): Query => ({ by: "name", name }));
  const run = start({
    queries,
    onFind(world, find, nowMs, to) {
      for (let i = 0; i < 40; i++) {
        const liar = { address: `10.1.0.${1 + (i >> 1)}`, port: 10_000 + i };
        const server = serverId((1_000 + i).toString(16).padStart(32, "f"));
        const isAsked = to === undefined ? nowMs === 0 : isSameEndpoint(to, liar) && nowMs < 60;
        const frame = { ...absent(find, 3), server, token: tokenOf(100 + i) } as FindAnswer;
        if (isAsked) world.at(nowMs + 1, { kind: "frame", from: liar, frame });
      }
      serverAt(1, (world, find, nowMs) => {
        find.queries.forEach((query, queryIndex) => {
          assert(query.by === "name");
          world.at(nowMs + 2, frameOf(1, offer(find, 1, { queryIndex, name: query.name })));
        });
      })(world, find, nowMs, to);
    },
  });
  run.runUntil(250);
  assertEquals(new Set(proved(run).map(({ action }) => action.queryIndex)).size, queries.length);
});

Deno.test("masters' endpoints that do not answer make room for others, those that do stay", () => {
  const run = start({
    onFind: serverAt(1, (world, find, nowMs) => world.at(nowMs + 1, frameOf(1, offer(find, 1)))),
  });
  run.at(1, { kind: "invite", endpoints: [endpointOf(1)] });
  run.runUntil(10);
  const invented = Array.from({ length: 3 * INVITED_MAX }, (_, i) => ({
    address: `10.${1 + (i >> 12)}.${(i >> 6) & 63}.${1 + (i & 63)}`,
    port: 10_530,
  }));
  run.at(11, { kind: "invite", endpoints: invented });
  run.at(12, { kind: "invite", endpoints: [endpointOf(2)] });
  run.runUntil(251);
  const asked = run.of("unicast").filter(({ atMs }) => atMs === 250).map(({ action }) => action.to);
  assert(asked.some((to) => isSameEndpoint(to, endpointOf(1))));
  assert(asked.some((to) => isSameEndpoint(to, endpointOf(2))));
  assertEquals(new Set(asked.map(endpointKey)).size, INVITED_MAX);
});
