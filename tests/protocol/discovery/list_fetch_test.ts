import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertLess } from "@std/assert";
import { hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { LISTING_PAGES_PER_LIST_MAX } from "../../../lib/wire/limits.ts";
import {
  ListFetch,
  type ListFetchAction,
  type ListFetchEvent,
} from "../../../lib/protocol/discovery/list_fetch.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { decodeFrame, type FrameOf, type ListingEntry } from "../../../lib/wire/frames.ts";
import { VirtualRun } from "../../support/virtual_run.ts";

type Run = VirtualRun<ListFetchEvent, ListFetchAction>;
type List = FrameOf<"list">;
type Listing = FrameOf<"listing">;

const SERVER = serverId("a".repeat(32));
const FIRST: Endpoint = { address: "10.0.0.1", port: 10530 };
const SECOND: Endpoint = { address: "10.0.1.1", port: 10530 };
const TOKEN = new Uint8Array(16).fill(1);
const QUERY_ID = 5n;
const ENTRIES_PER_PAGE = 7;

function catalogueOf(count: number): ListingEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    state: "ready",
    sizeBytes: i,
    sha256: hashHex("0".repeat(64)),
    mtimeMs: 0,
    name: `file-${String(i).padStart(6, "0")}` as SafeFileName,
  }));
}

/** What a server answers to `list`, page by page. */
function pagesOf(catalogue: readonly ListingEntry[], list: List, tcpPort = 0): Listing[] {
  const { queryId, number, after = "" } = list;
  const rest = catalogue.filter(({ name }) => name > after);
  const pages: Listing[] = [];
  for (let page = 0; page < list.pagesMax; page++) {
    const entries = rest.slice(page * ENTRIES_PER_PAGE, (page + 1) * ENTRIES_PER_PAGE);
    const isLast = (page + 1) * ENTRIES_PER_PAGE >= rest.length ? 1 : 0;
    const filesTotal = catalogue.length;
    pages.push({
      kind: "listing",
      queryId,
      number,
      server: SERVER,
      page,
      isLast,
      tcpPort,
      filesTotal,
      entries,
    });
    if (isLast === 1) break;
  }
  return pages;
}

function start(onList: (run: Run, list: List, to: Endpoint, nowMs: number) => void): Run {
  const run: Run = new VirtualRun<ListFetchEvent, ListFetchAction>(
    new ListFetch(SERVER, QUERY_ID),
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind !== "send") return;
      const list = decodeFrame(action.datagram);
      assert(list.kind === "list");
      onList(run, list, action.to, nowMs);
    },
  );
  run.at(0, { kind: "path", path: { endpoint: FIRST, token: TOKEN } });
  return run;
}

const told = (run: Run) => run.of("entries").flatMap(({ action }) => action.entries);
const ends = (run: Run) => run.of("ended").map(({ action }) => action.isComplete);

// None; one page; one and a whole LIST's worth; one more than that; many.
const perList = ENTRIES_PER_PAGE * LISTING_PAGES_PER_LIST_MAX;
for (
  const count of [0, 1, ENTRIES_PER_PAGE + perList, ENTRIES_PER_PAGE + perList + 1, 1_000]
) {
  Deno.test(`a listing of ${count} files is told in order, with no LIST too many`, () => {
    const catalogue = catalogueOf(count);
    const run = start((world, list, from, nowMs) => {
      for (const frame of pagesOf(catalogue, list)) {
        world.at(nowMs + 1, { kind: "frame", from, frame });
      }
    });
    run.runUntil(10_000);
    assertEquals(told(run), catalogue);
    assertEquals(ends(run), [true]);
    const restCount = Math.max(0, count - ENTRIES_PER_PAGE);
    assertEquals(run.of("send").length, 1 + Math.ceil(restCount / perList));
  });
}

Deno.test("where pages are too long for the path, shorter ones are asked for from then on", () => {
  const catalogue = catalogueOf(300);
  const lists: List[] = [];
  const run = start((world, list, from, nowMs) => {
    lists.push(list);
    if (!list.isBrief) return;
    for (const frame of pagesOf(catalogue, list)) {
      world.at(nowMs + 1, { kind: "frame", from, frame });
    }
  });
  run.runUntil(10_000);
  assertEquals(told(run), catalogue);
  assertEquals(ends(run), [true]);
  assertEquals(lists.map(({ isBrief = false }) => isBrief).slice(0, 3), [false, true, true]);
  assert(lists.slice(1).every(({ isBrief }) => isBrief));
});

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`a listing is whole and without repeats although a fifth is lost (seed ${seed})`, () => {
    const catalogue = catalogueOf(1_500);
    const random = new Random(seed);
    const run = start((world, list, from, nowMs) => {
      if (random.chance(0.2)) return;
      for (const frame of pagesOf(catalogue, list)) {
        if (random.chance(0.2)) continue;
        // Delays that let pages overtake each other, and now and then a page comes twice.
        world.at(nowMs + random.between(1, 3), { kind: "frame", from, frame });
        if (random.chance(0.1)) world.at(nowMs + 5, { kind: "frame", from, frame });
      }
    });
    run.runUntil(120_000);
    assertEquals(ends(run), [true]);
    assertEquals(told(run), catalogue);
  });
}

Deno.test("a lost page in the middle is asked for again within a few milliseconds", () => {
  const catalogue = catalogueOf(ENTRIES_PER_PAGE + perList);
  let lists = 0;
  const run = start((world, list, from, nowMs) => {
    lists += 1;
    for (const frame of pagesOf(catalogue, list)) {
      if (lists === 2 && frame.page === 3) continue;
      world.at(nowMs + 1, { kind: "frame", from, frame });
    }
  });
  run.runUntil(1_000);
  assertEquals(told(run), catalogue);
  assertLess(run.of("ended")[0]!.atMs, 8);
});

Deno.test("a server that falls silent ends the listing as incomplete", () => {
  const run = start(() => {});
  run.runUntil(60_000);
  assertEquals(ends(run), [false]);
  assertLess(run.of("ended")[0]!.atMs, 10_000);
});

Deno.test("when one address is silent the other is asked", () => {
  const catalogue = catalogueOf(3);
  const run = start((world, list, from, nowMs) => {
    if (from.address === FIRST.address) return;
    for (const frame of pagesOf(catalogue, list)) {
      world.at(nowMs + 1, { kind: "frame", from, frame });
    }
  });
  run.at(10, { kind: "path", path: { endpoint: SECOND, token: TOKEN } });
  run.runUntil(1_000);
  assertEquals(told(run), catalogue);
});

Deno.test("a stale token costs one round trip", () => {
  const fresh = new Uint8Array(16).fill(2);
  const run = start((world, list, from, nowMs) => {
    const { queryId: echo, number } = list;
    const frame = list.token[0] === fresh[0]
      ? pagesOf(catalogueOf(1), list)[0]!
      : { kind: "retry", echo, number, server: SERVER, token: fresh } as const;
    world.at(nowMs + 1, { kind: "frame", from, frame });
  });
  run.runUntil(1_000);
  assertEquals(ends(run), [true]);
  assertEquals(run.of("ended")[0]!.atMs, 2);
});

Deno.test("a busy server is asked when it said, and no sooner", () => {
  const BUSY_MS = 900;
  const askedMs: number[] = [];
  const run = start((world, list, from, nowMs) => {
    askedMs.push(nowMs);
    const { queryId: echo, number } = list;
    const frame = askedMs.length <= 10
      ? { kind: "busy", echo, number, waitMs: BUSY_MS } as const
      : pagesOf(catalogueOf(1), list)[0]!;
    world.at(nowMs + 1, { kind: "frame", from, frame });
  });
  run.runUntil(60_000);
  assertEquals(ends(run), [true], "nothing counts as lost");
  assertEquals(askedMs.slice(0, 3), [0, BUSY_MS + 1, 2 * BUSY_MS + 2]);
});

Deno.test("a server that is busy for ever is left", () => {
  const run = start((world, list, from, nowMs) => {
    const { queryId: echo, number } = list;
    const frame = { kind: "busy", echo, number, waitMs: 10 } as const;
    world.at(nowMs + 1, { kind: "frame", from, frame });
  });
  run.runUntil(60_000);
  assertEquals(ends(run), [false]);
});

Deno.test("a server that sends empty pages without end is left", () => {
  const run = start((world, list, from, nowMs) => {
    const frame: Listing = { ...pagesOf([], list)[0]!, isLast: 0 };
    world.at(nowMs + 1, { kind: "frame", from, frame });
  });
  run.runUntil(60_000);
  assertEquals(ends(run), [false]);
});

Deno.test("a server that never sends the page that is needed is left", () => {
  const run = start((world, list, from, nowMs) => {
    const pages = pagesOf(catalogueOf(perList), list);
    const frame = pages.at(list.pagesMax === 1 ? 0 : 1)!;
    world.at(nowMs + 1, { kind: "frame", from, frame });
  });
  run.runUntil(60_000);
  assertEquals(ends(run), [false]);
});

Deno.test("what one datagram cannot hold is left to TCP, where there is a port", () => {
  const catalogue = catalogueOf(100);
  const run = start((world, list, from, nowMs) => {
    for (const frame of pagesOf(catalogue, list, 10_527)) {
      world.at(nowMs + 1, { kind: "frame", from, frame });
    }
  });
  run.at(500, { kind: "restRead", isComplete: true, after: catalogue.at(-1)!.name });
  run.runUntil(60_000);
  assertEquals(run.of("rest").map(({ action }) => [action.from, action.after]), [
    [{ address: FIRST.address, port: 10_527 }, catalogue[ENTRIES_PER_PAGE - 1]!.name],
  ]);
  assertEquals(told(run), catalogue.slice(0, ENTRIES_PER_PAGE));
  assertEquals(ends(run), [true]);
  assertEquals(run.of("send").length, 1);
});

Deno.test("a listing that one datagram holds asks for no TCP", () => {
  const run = start((world, list, from, nowMs) => {
    const [frame] = pagesOf(catalogueOf(ENTRIES_PER_PAGE), list, 10_527);
    world.at(nowMs + 1, { kind: "frame", from, frame: frame! });
  });
  run.runUntil(1_000);
  assertEquals(run.of("rest"), []);
  assertEquals(ends(run), [true]);
});

// Where TCP brought nothing, and where it broke off after some.
for (const [title, cameCount] of [["at once", 0], ["in the middle", 50]] as const) {
  Deno.test(`when TCP fails ${title}, datagrams go on where it ended`, () => {
    const catalogue = catalogueOf(400);
    const run = start((world, list, from, nowMs) => {
      for (const frame of pagesOf(catalogue, list, 10_527)) {
        world.at(nowMs + 1, { kind: "frame", from, frame });
      }
    });
    const after = cameCount > 0 ? { after: catalogue[ENTRIES_PER_PAGE + cameCount - 1]!.name } : {};
    run.at(500, { kind: "restRead", isComplete: false, ...after });
    run.runUntil(60_000);
    assertEquals(run.of("rest").length, 1);
    assertEquals(told(run), [
      ...catalogue.slice(0, ENTRIES_PER_PAGE),
      ...catalogue.slice(ENTRIES_PER_PAGE + cameCount),
    ]);
    assertEquals(ends(run), [true]);
  });
}
