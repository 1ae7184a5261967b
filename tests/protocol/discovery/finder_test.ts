import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { SafeFileName } from "../../../lib/ids.ts";
import {
  BRIEF_FIND_BYTES_MAX,
  CONTROL_BYTES_MAX,
  FIND_BYTES_MIN,
} from "../../../lib/wire/limits.ts";
import {
  type FindAnswer,
  Finder,
  type FinderEvent,
} from "../../../lib/protocol/discovery/finder.ts";
import { ABSENT_END_MS } from "../../../lib/protocol/discovery/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { knownMark } from "../../../lib/protocol/base/tokens.ts";
import type { Query } from "../../../lib/wire/frames.ts";
import {
  absent,
  BY_NAME,
  CLIENT_FIRST_QUERY_ID,
  endpointOf,
  type Find,
  findIn,
  frameOf,
  hashOf,
  idsFrom,
  offer,
  peerOf,
  pending,
  proved,
  provedMs,
  retry,
  type Run,
  serverAt,
  start,
  times,
  tokenOf,
} from "./finder_world.ts";

Deno.test("FIND is broadcast on its schedule, then every three seconds, and again in each attempt", () => {
  const run = start({ timeoutMs: 10_000, attempts: 2 });
  run.runUntil(15_000);
  assertEquals(times(run, "broadcast"), [
    ...[0, 250, 1_000, 3_000, 6_000, 9_000],
    ...[10_000, 10_250, 11_000, 13_000],
  ]);
  assertEquals(run.of("attempt").map(({ atMs, action }) => [atMs, action.attempt]), [[10_000, 2]]);
});

Deno.test("a search that nobody answers times out after its attempts and is silent from then on", () => {
  const run = start({ timeoutMs: 1_000, attempts: 3 });
  run.runUntil(60_000);
  assertEquals(times(run, "timedOut"), [3_000]);
  assertEquals(times(run, "broadcast").filter((atMs) => atMs >= 3_000), []);
});

Deno.test("where registries know of nobody, a search that nobody answers ends as one that all lack", () => {
  const word = { isUnknown: true, similar: ["film.mkv" as SafeFileName] };
  const run = start({ timeoutMs: 10_000, attempts: 10 });
  run.at(100, { kind: "registries", queryIndex: 0, word });
  run.runUntil(60_000);
  assertEquals(
    run.of("notFound").map(({ atMs, action }) => [atMs, action.similar]),
    [[ABSENT_END_MS, word.similar]],
  );
});

Deno.test("what registries know now counts, and who is hashing is waited for all the same", () => {
  const word = { isUnknown: true, similar: [] };
  const other = start({ timeoutMs: 4_000, attempts: 1 });
  other.at(100, { kind: "registries", queryIndex: 0, word });
  other.at(200, { kind: "registries", queryIndex: 0, word: { ...word, isUnknown: false } });
  other.runUntil(60_000);
  assertEquals(times(other, "timedOut"), [4_000]);
  const hashing = start({
    timeoutMs: 4_000,
    attempts: 1,
    onFind: serverAt(1, (world, find, nowMs) => world.at(nowMs + 10, frameOf(1, pending(find, 1)))),
  });
  hashing.at(100, { kind: "registries", queryIndex: 0, word });
  hashing.runUntil(60_000);
  assertEquals(times(hashing, "notFound"), []);
});

Deno.test("a search that ends early, and was told that the name is lacked, says so", () => {
  const run = start({
    timeoutMs: 500,
    attempts: 2,
    onFind: serverAt(1, (world, find, nowMs) => {
      if (nowMs < 100) world.at(nowMs + 10, frameOf(1, absent(find, 1)));
    }),
  });
  run.runUntil(60_000);
  assertEquals(times(run, "notFound"), [1_000]);
  assertEquals(times(run, "timedOut"), []);
});

Deno.test("what is proved is told once, and again for a new path, a fresh token or another content", () => {
  const run = start({});
  run.runUntil(1);
  const find = findIn(run.of("broadcast")[0]!.action.datagram);
  run.at(10, frameOf(1, offer(find, 1)));
  run.at(10, frameOf(2, offer(find, 1)));
  run.runUntil(11);
  const [first, second] = run.of("unicast").map(({ action }) => findIn(action.datagram)) as Find[];
  const events: FinderEvent[] = [
    frameOf(1, offer(first!, 1)),
    frameOf(1, offer(first!, 1)),
    frameOf(2, offer(second!, 1)),
    frameOf(2, offer(second!, 1)),
    frameOf(2, offer(second!, 1, { token: tokenOf(9) })),
    frameOf(2, offer(second!, 1, { token: tokenOf(9), sha256: hashOf(7) })),
    frameOf(2, offer(second!, 1, { token: tokenOf(9), sha256: hashOf(7) })),
  ];
  events.forEach((event, i) => run.at(20 + i, event));
  run.runUntil(100);
  assertEquals(provedMs(run), [20, 22, 24, 25]);
  assert(run.of("offer").every(({ action }) => action.offer.server === peerOf(1)));
});

Deno.test("repeats say so, and an answer from the shared port names the one to ask", () => {
  const run = start({ queries: [BY_NAME, { by: "name", name: "other.txt" as SafeFileName }] });
  run.runUntil(300);
  const finds = run.of("broadcast").map(({ action }) => findIn(action.datagram));
  assertEquals(finds.map(({ round }) => round), [0, 1]);
  const frame = offer(finds[1]!, 1, { dataPort: 10_531 });
  const shared: Endpoint = { address: endpointOf(1).address, port: 10_526 };
  run.at(310, { kind: "frame", from: shared, frame });
  run.runUntil(900);
  const own: Endpoint = { ...shared, port: 10_531 };
  assertEquals(run.of("offer").map(({ action }) => action.offer.path.endpoint), [own]);
  // It is probed at its own port, and at the shared one, from where answers say which its own is.
  const askedAt = (port: number): number[] =>
    run.of("unicast").filter(({ action }) => action.to.port === port)
      .map(({ action }) => findIn(action.datagram).round);
  // What one answer pays for leaves enough for the port that may be the only one that passes.
  assertEquals([askedAt(10_531), askedAt(10_526)], [[0, 2, 4, 6], [1, 3, 5]]);
});

Deno.test("answers to other questions are ignored", () => {
  const run = start({ queries: [BY_NAME, { by: "sha256", sha256: hashOf(5) }] });
  run.runUntil(1);
  const find = findIn(run.of("broadcast")[0]!.action.datagram);
  const wrong: FindAnswer[] = [
    offer(find, 1, { name: "another.txt" as SafeFileName }),
    offer(find, 1, { queryId: 77n }),
    offer(find, 1, { queryIndex: 2 }),
    offer(find, 1, { queryIndex: 1, sha256: hashOf(6) }),
  ];
  wrong.forEach((frame, i) => run.at(10 + i, frameOf(1, frame)));
  run.at(20, frameOf(1, offer(find, 1, { queryIndex: 1, sha256: hashOf(5) })));
  run.runUntil(100);
  assertEquals(run.of("offer").map(({ atMs, action }) => [atMs, action.queryIndex]), [[20, 1]]);
});

Deno.test("when everyone who answers lacks the name, the search ends with what is like it", () => {
  const run = start({
    onFind: (world, find, nowMs, to) => {
      if (find.known.length > 0) return;
      if (to?.address !== endpointOf(2).address) {
        world.at(nowMs + 20, frameOf(1, absent(find, 1, ["exemple.txt", "sample.txt"])));
      }
      if (to?.address !== endpointOf(1).address) {
        world.at(nowMs + 10, frameOf(2, absent(find, 2, ["sample.txt"])));
      }
    },
  });
  run.runUntil(60_000);
  assertEquals(
    run.of("notFound").map(({ atMs, action }) => [atMs, [...action.similar] as string[]]),
    [
      [2_500, ["sample.txt", "exemple.txt"]],
    ],
  );
  assertEquals(times(run, "timedOut"), []);
});

Deno.test("a late offer beats earlier absences", () => {
  const run = start({
    onFind: (world, find, nowMs, to) => {
      if (nowMs < 200) world.at(nowMs + 20, frameOf(1, absent(find, 1)));
      if (nowMs === 1_000) world.at(1_900, frameOf(2, offer(find, 2)));
      if (to?.address === endpointOf(2).address) world.at(nowMs + 1, frameOf(2, offer(find, 2)));
    },
  });
  run.runUntil(60_000);
  assertEquals(provedMs(run), [1_901]);
  assertEquals(times(run, "notFound"), []);
});

Deno.test("repeats list those who were heard, until that is long ago", () => {
  const known: [number, number][] = [];
  const marks: boolean[] = [];
  const run = start({
    onFind: (world, find, nowMs, to) => {
      if (to === undefined) known.push([nowMs, find.known.length]);
      if (nowMs < 100) world.at(nowMs + 10, frameOf(1, offer(find, 1)));
      marks.push(...find.known.map((each) => each === knownMark(tokenOf(1), find.queryId)));
    },
  });
  run.runUntil(12_500);
  assertEquals(known, [
    ...[[0, 0], [250, 1], [1_000, 1], [3_000, 1], [6_000, 1], [9_000, 1]] as [number, number][],
    [12_000, 0],
  ]);
  // … by what only their issuer recognises, and not by an id that anybody may use.
  assert(marks.every((isMark) => isMark));
});

Deno.test("a server that hashes slowly is asked again until it offers, without losing patience", () => {
  // A hundred bytes at three a second.
  const readyMs = 35_000;
  const run = start({
    timeoutMs: 2_000,
    attempts: 1,
    onFind: (world, find, nowMs, to) => {
      if (to === undefined && find.known.length > 0) return;
      const hashed = { hashedBytes: Math.floor(nowMs * 100 / readyMs), rateBytesPerS: 3 };
      const frame = nowMs < readyMs ? { ...pending(find, 1), ...hashed } : offer(find, 1);
      world.at(nowMs + 1, frameOf(1, frame));
    },
  });
  run.runUntil(40_000);
  assertEquals(times(run, "timedOut"), []);
  assertEquals(times(run, "classicDue"), []);
  const [offeredMs] = provedMs(run);
  assert(offeredMs !== undefined && offeredMs < readyMs + 1_000, `offered at ${offeredMs}`);
  assertGreater(run.of("pending").length, 50);
});

Deno.test("a server that begins its hashing anew is measured afresh in the next attempt", () => {
  const [grownMs, anewMs, readyMs] = [4_000, 5_000, 55_000];
  // A hundred bytes: half of them, then a pause, then all from the start.
  const hashedAt = (ms: number): readonly [hashedBytes: number, rateBytesPerS: number] => {
    if (ms < grownMs) return [Math.floor(50 * ms / grownMs), 12];
    return ms < anewMs ? [50, 0] : [Math.floor(2 * (ms - anewMs) / 1_000), 2];
  };
  const run = start({
    timeoutMs: 2_000,
    attempts: 2,
    onFind: (world, find, nowMs, to) => {
      if (to === undefined && find.known.length > 0) return;
      const [hashedBytes, rateBytesPerS] = hashedAt(nowMs);
      const claim = { ...pending(find, 1), hashedBytes, rateBytesPerS };
      world.at(nowMs + 1, frameOf(1, nowMs < readyMs ? claim : offer(find, 1)));
    },
  });
  run.runUntil(60_000);
  assertEquals(times(run, "timedOut"), []);
  assertEquals(run.of("attempt").length, 1);
  assertEquals(provedMs(run).length, 1);
});

Deno.test("patience ends when a server that was hashing falls silent", () => {
  const run = start({
    timeoutMs: 2_000,
    attempts: 1,
    onFind: (world, find, nowMs) => {
      if (nowMs < 2) world.at(nowMs + 1, frameOf(1, pending(find, 1)));
    },
  });
  run.runUntil(60_000);
  assertEquals(times(run, "timedOut"), [2_000]);
});

Deno.test("classic is due once, half a second in, unless a server has offered", () => {
  const silent = start({});
  silent.runUntil(30_000);
  assertEquals(times(silent, "classicDue"), [500]);

  const offered = start({
    onFind: (world, find, nowMs) => world.at(nowMs + 5, frameOf(1, offer(find, 1))),
  });
  offered.runUntil(30_000);
  assertEquals(times(offered, "classicDue"), []);
});

Deno.test("after settling, late servers are still found, and nothing ends", () => {
  const run = start({ timeoutMs: 1_000, attempts: 1 });
  run.at(100, { kind: "settle", queryIndex: 0 });
  run.runUntil(20_000);
  const last = run.of("broadcast").at(-1)!;
  assertGreater(last.atMs, 16_000);
  run.at(20_001, frameOf(3, offer(findIn(last.action.datagram), 3)));
  run.runUntil(20_005);
  const probe = findIn(run.of("unicast").at(-1)!.action.datagram);
  run.at(20_006, frameOf(3, offer(probe, 3)));
  run.runUntil(20_010);
  assertEquals(provedMs(run), [20_006]);
  assertEquals([...times(run, "timedOut"), ...times(run, "classicDue")], []);
  run.at(20_011, { kind: "finish", queryIndex: 0 });
  run.runUntil(90_000);
  assertEquals(run.of("broadcast").at(-1)!.atMs, last.atMs);
});

Deno.test("with a pinned hash, other contents are told but end the search as if they were absent", () => {
  const run = start({
    pinned: hashOf(42),
    onFind: (world, find, nowMs) => {
      if (find.known.length === 0) world.at(nowMs + 1, frameOf(1, offer(find, 1)));
    },
  });
  run.runUntil(60_000);
  assertEquals(provedMs(run), [2]);
  assertEquals(times(run, "classicDue"), [500]);
  assertEquals(times(run, "notFound"), [2_500]);
});

Deno.test("a server that refuses every token is not asked at the rate of its refusals", () => {
  let unicasts = 0;
  const run = start({
    timeoutMs: 10_000,
    attempts: 1,
    onFind: (world, find, nowMs, to) => {
      if (to !== undefined) unicasts += 1;
      world.at(nowMs + 1, frameOf(1, retry(find, 1)));
    },
  });
  run.runUntil(10_000);
  assertLess(unicasts, 100);
  assertEquals(times(run, "timedOut"), [10_000]);
});

Deno.test("who is there at all is answered by a token", () => {
  const run = start({
    queries: [{ by: "any" }],
    onFind: (world, find, nowMs) => world.at(nowMs + 1, frameOf(1, retry(find, 1))),
  });
  run.runUntil(200);
  assertEquals(run.of("server").map(({ action: { server, isProved } }) => [server, isProved]), [
    [peerOf(1), false],
    [peerOf(1), true],
  ]);
  assertEquals(times(run, "unicast"), [1]);
});

Deno.test("a server that answers every name of a broadcast is asked once more, for proof", () => {
  const run = start({
    queries: [BY_NAME, { by: "sha256", sha256: hashOf(5) }],
    onFind: (world, find, nowMs) => {
      if (find.known.length > 0) return;
      world.at(nowMs + 1, frameOf(1, offer(find, 1)));
      world.at(nowMs + 2, frameOf(1, { ...absent(find, 1), queryIndex: 1 } as FindAnswer));
    },
  });
  run.runUntil(2_000);
  assertEquals(times(run, "unicast"), [1]);
});

const names = Array.from({ length: 1_000 }, (_, i) => `folder/file-${i}.bin` as SafeFileName);
const servers = [1, 2, 3];

/** Servers that have every name and answer a question without their token by a token only. */
function answerAll(lossRate: number, seed: number) {
  const random = new Random(seed);
  return (world: Run, find: Find, nowMs: number, to?: Endpoint): void => {
    for (const server of servers) {
      if (to !== undefined && to.address !== endpointOf(server).address) continue;
      if (find.known.includes(knownMark(tokenOf(server), find.queryId))) continue;
      if (random.chance(lossRate)) continue;
      if (find.token[0] !== server) {
        world.at(nowMs + 1, frameOf(server, retry(find, server)));
        continue;
      }
      find.queries.forEach((query, queryIndex) => {
        if (query.by === "any") return world.at(nowMs + 1, frameOf(server, retry(find, server)));
        assert(query.by === "name");
        if (random.chance(lossRate)) return;
        const frame = offer(find, server, { queryIndex, name: query.name });
        world.at(nowMs + 1 + random.below(3), frameOf(server, frame));
      });
    }
  };
}

Deno.test("a thousand names cost one broadcast and some thirty FINDs a server", () => {
  const run = start({
    queries: names.map((name) => ({ by: "name", name })),
    onFind: answerAll(0, 1),
  });
  run.runUntil(249);
  assertEquals(run.of("broadcast").length, 1);
  assertLess(run.of("unicast").length, 40 * servers.length);
  assertEquals(proved(run).length, names.length * servers.length);
});

for (const seed of [1, 2, 3]) {
  Deno.test(`a thousand names are found on every server although a fifth is lost (seed ${seed})`, () => {
    const run = start({
      queries: names.map((name) => ({ by: "name", name })),
      onFind: answerAll(0.2, seed),
    });
    run.runUntil(60_000);
    const told = proved(run).map(({ action }) =>
      `${action.queryIndex} ${action.offer.server} ${action.offer.name}`
    );
    assertEquals(new Set(told).size, names.length * servers.length);
    // Four losses in a row make a server forgotten: what it offers when it is found again is told anew.
    assertLess(told.length, 2 * names.length * servers.length);
    assert(run.of("offer").every(({ action }) => action.offer.name === names[action.queryIndex]));
    assertLess(run.of("unicast").length, 200 * servers.length);
  });
}

Deno.test("FINDs leave room for what the transport adds, however many names they ask for", () => {
  for (const count of [1, 60]) {
    const finder = new Finder({
      queries: Array.from({ length: count }, (_, i): Query => ({
        by: "name",
        name: `${"name ".repeat(9)}${i}` as SafeFileName,
      })),
      nextQueryId: idsFrom(CLIENT_FIRST_QUERY_ID),
      seed: 1,
      timeoutMs: 1_000,
      attempts: 1,
      overheadBytes: 16,
    });
    const lengths = finder.handle(0, { kind: "wakeup" }).map((action) =>
      action.kind === "broadcast" ? action.datagram.length : 0
    );
    assertEquals(lengths.length, 1);
    if (count === 1) assertEquals(lengths[0], FIND_BYTES_MIN - 16);
    else assert(lengths[0]! <= CONTROL_BYTES_MAX - 16 && lengths[0]! > FIND_BYTES_MIN);
  }
});

Deno.test("what brought no answer twice is asked again briefly: it may have been too long for the path", () => {
  const queries = Array.from({ length: 64 }, (_, i): Query => {
    return { by: "name", name: `a-name-of-some-length-${i}` as SafeFileName };
  });
  const run = start({
    queries,
    // It says that it is there, and receives nothing that is long.
    onFind: serverAt(1, (world, find, nowMs, to) => {
      const isHeard = to === undefined || find.queries.every(({ by }) => by === "any");
      if (isHeard) world.at(nowMs + 1, frameOf(1, retry(find, 1)));
    }),
  });
  run.runUntil(2_900);
  const lengths = run.of("unicast").map(({ action }) => action.datagram.length);
  assertGreater(Math.max(...lengths), 1_200);
  assert(lengths.at(-1)! > 400 && lengths.at(-1)! <= BRIEF_FIND_BYTES_MAX, `${lengths}`);
});

Deno.test("the brief form of a broadcast asks first what the full one does, under its id", () => {
  const queries = Array.from({ length: 64 }, (_, i): Query => {
    return { by: "name", name: `a-name-of-some-length-${i}` as SafeFileName };
  });
  const run = start({ queries });
  run.runUntil(1);
  const { datagram, brief } = run.of("broadcast")[0]!.action;
  const [full, first] = [findIn(datagram), findIn(brief)];
  assert(brief.length <= BRIEF_FIND_BYTES_MAX);
  assertGreater(first.queries.length, 5);
  assertEquals(first.queries, full.queries.slice(0, first.queries.length));
  assertEquals([first.queryId, first.round], [full.queryId, full.round]);
});
