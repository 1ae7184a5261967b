/** In which order chunks are fetched where others fetch them, too, and from whom. */
import { assert, assertEquals } from "@std/assert";
import { serverId, type SourceId, sourceId } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { ChunkOrder } from "../../../lib/protocol/download/chunk_order.ts";
import { LeaseTable } from "../../../lib/protocol/download/lease_table.ts";
import {
  LEASE_STALL_MS_MIN,
  RECEIVERS_MAX,
  SERVER_SILENT_MS,
  TAKERS_AT_WORK_MAX,
  TAKERS_LAST_MS,
  TAKERS_WINDOW_BYTES,
} from "../../../lib/protocol/download/limits.ts";
import {
  CHUNKS as SCRIPT_CHUNKS,
  CoordinatorScript,
  TRANSFER,
} from "../../support/coordinator_script.ts";

const CHUNKS = 100;
const SOURCE = "server" as SourceId;

function bitmap(...chunks: number[]): Bitmap {
  const held = new Bitmap(CHUNKS);
  for (const chunk of chunks) held.set(chunk);
  return held;
}

/** An order over windows of ten chunks. */
class Shelf {
  readonly order = new ChunkOrder(CHUNKS, TAKERS_WINDOW_BYTES / 10, 1);
  readonly leases = new LeaseTable(CHUNKS, () => false);

  next(of: Partial<Parameters<ChunkOrder["next"]>[1]> = {}): number | undefined {
    const chunk = this.order.next(this.leases, {
      ...{ holds: undefined, isTaker: false, mayRepeat: false, mayTake: () => true },
      ...of,
    });
    if (chunk !== undefined) this.leases.take(chunk, SOURCE);
    return chunk;
  }

  taken(count: number, of?: Partial<Parameters<ChunkOrder["next"]>[1]>): (number | undefined)[] {
    return Array.from({ length: count }, () => this.next(of));
  }
}

Deno.test("each of three asks a server for another third first, in order, and then for the others", () => {
  const shelf = new Shelf();
  shelf.order.crowd = { takerCount: 3, place: 2 };
  assertEquals(shelf.taken(3), [2, 5, 8]);
  const rest = shelf.taken(7).toSorted((a, b) => a! - b!);
  // The window moves with the first that is missing, so that what is ours comes between.
  assertEquals(new Set(rest).size, 7);
  const others = new Shelf();
  others.order.crowd = { takerCount: 3, place: 0 };
  assertEquals(others.taken(4), [0, 3, 6, 9]);
});

Deno.test("a server is not asked for what a taker has, but for its own places, once there is nothing else", () => {
  const shelf = new Shelf();
  shelf.order.crowd = { takerCount: 2, place: 0 };
  const all = Array.from({ length: CHUNKS }, (_, chunk) => chunk);
  shelf.order.takers.set("a", bitmap(...all.filter((chunk) => chunk !== 7)));
  assertEquals(shelf.next(), 7);
  assertEquals(shelf.taken(3), [0, 2, 4]);
  const rest = shelf.taken(60);
  assert(
    rest.every((chunk) => chunk === undefined || chunk % 2 === 0),
    "the others come of takers",
  );
  assert(shelf.next({ mayRepeat: true })! % 2 === 1, "unless those bring too little");
});

Deno.test("a taker is asked for what fewest have, within the window", () => {
  const shelf = new Shelf();
  const a = bitmap(0, 1, 2, 3, 4, 50);
  shelf.order.takers.set("a", a);
  shelf.order.takers.set("b", bitmap(0, 1, 2, 4));
  shelf.order.takers.set("c", bitmap(0, 1, 2));
  const of = { holds: a, isTaker: true };
  assertEquals(shelf.taken(2, of), [3, 4]);
  assertEquals(new Set(shelf.taken(3, of)), new Set([0, 1, 2]));
  assertEquals(shelf.taken(2, of), [50, undefined], "what is further on is better than nothing");
});

Deno.test("among equals the order is random", () => {
  const first = new Set(Array.from({ length: 20 }, (_, seed) => {
    const order = new ChunkOrder(CHUNKS, 1, seed);
    order.takers.set("a", Bitmap.full(CHUNKS));
    const of = { holds: Bitmap.full(CHUNKS), isTaker: true, mayRepeat: true };
    return order.next(new LeaseTable(CHUNKS, () => false), { ...of, mayTake: () => true });
  }));
  assert(first.size > 10, `${first.size} different ones`);
});

Deno.test("what must not be taken yet, or not of this source, is not", () => {
  const shelf = new Shelf();
  shelf.order.crowd = { takerCount: 2, place: 1 };
  shelf.leases.endChunk = 4;
  assertEquals(shelf.next({ mayTake: (chunk) => chunk !== 1 }), 3);
  assertEquals(shelf.taken(3, { mayTake: (chunk) => chunk !== 1 }).toSorted(), [0, 2, undefined]);
});

// — The coordinator ———————————————————————————————————————————————————————————————————————————————

Deno.test("alone, chunks come from the front, whatever a server says of how many there are", () => {
  const script = new CoordinatorScript();
  script.tell({ kind: "crowd", transfer: TRANSFER, takerCount: 1, place: 0 });
  const server = script.source("01");
  assertEquals([...script.leasedTo(server)], [0]);
});

Deno.test("with others about, a server is asked for another part than they ask for", () => {
  const script = new CoordinatorScript();
  script.tell({ kind: "crowd", transfer: TRANSFER, takerCount: 4, place: 3 });
  assertEquals([...script.leasedTo(script.source("01"))], [3]);
});

/** A taker that has these chunks. */
function takerOf(script: CoordinatorScript, number: number, holds: Bitmap): SourceId {
  const server = serverId((50 + number).toString().padEnd(32, "0"));
  const source = sourceId(server, "stream");
  const address = `10.1.0.${number}`;
  const route = { kind: "stream", endpoint: { address, port: 1 }, rttMs: 1 };
  const about = { server, party: address, routes: [route], holds } as const;
  script.tell({ kind: "provider", source, transfer: TRANSFER, isTaker: true, ...about });
  return source;
}

function isAtWork(script: CoordinatorScript, source: SourceId): boolean {
  const told = script.toldTo(source);
  return told.lastIndexOf("assign") > told.lastIndexOf("release");
}

Deno.test("takers take no server's place, a few of them are at work, and they make room for servers", () => {
  const script = new CoordinatorScript();
  const all = Bitmap.full(SCRIPT_CHUNKS);
  const takers = Array.from({ length: 12 }, (_, number) => takerOf(script, number, all));
  const takersAtWork = () => takers.filter((each) => isAtWork(script, each)).length;
  assertEquals(takersAtWork(), TAKERS_AT_WORK_MAX);
  for (let count = 1; count <= RECEIVERS_MAX; count++) {
    assert(isAtWork(script, script.source(`0${count}`)), `server ${count}`);
    assertEquals(takersAtWork(), Math.min(TAKERS_AT_WORK_MAX, RECEIVERS_MAX - count));
  }
});

Deno.test("a taker whose lease stalls is set aside, and what it held back comes of others", () => {
  const script = new CoordinatorScript();
  const held = new Bitmap(SCRIPT_CHUNKS);
  for (const chunk of [0, 1, 2]) held.set(chunk);
  const taker = takerOf(script, 1, held);
  const [first] = script.leasedTo(taker);
  script.bring(taker, first!);
  const server = script.source("01");
  script.bring(server, ...script.leasedTo(server));
  assertEquals(script.leasedTo(taker).size, 2);
  script.fallSilent(taker);
  for (let ms = 0; ms < LEASE_STALL_MS_MIN + 50; ms += 10) {
    script.pass(10);
    // It has something on its way all along.
    script.trickle(server);
  }
  assert(!isAtWork(script, taker));
  script.drain(server);
  assertEquals(script.count("complete"), 1);
});

Deno.test("what was leased last is left to takers for a moment, before a server is asked as well", () => {
  const script = new CoordinatorScript(undefined, (chunk) => chunk > 1);
  const held = new Bitmap(SCRIPT_CHUNKS);
  held.set(1);
  const taker = takerOf(script, 1, held);
  assertEquals([...script.leasedTo(taker)], [1]);
  const server = script.source("01");
  assertEquals([...script.leasedTo(server)], [0]);
  script.trickle(taker);
  script.bring(server, 0);
  assertEquals(script.leasedTo(server).size, 0);
  for (let ms = 0; ms < TAKERS_LAST_MS; ms += 50) {
    script.pass(50);
    script.trickle(taker);
  }
  assertEquals([...script.leasedTo(server)], [1], "it takes too long");
});

Deno.test("the only server is not put to rest, whatever takers there are, and a taker is even when it is alone", () => {
  const script = new CoordinatorScript();
  const server = script.source("01");
  const taker = takerOf(script, 1, Bitmap.full(SCRIPT_CHUNKS));
  script.bring(server, ...script.leasedTo(server));
  script.bring(taker, [...script.leasedTo(taker)][0]!);
  script.fallSilent(server);
  for (let ms = 0; ms < SERVER_SILENT_MS + 500; ms += 50) {
    script.pass(50);
    script.trickle(taker);
  }
  assert(!script.toldTo(server).includes("release"));
  const alone = new CoordinatorScript();
  const last = takerOf(alone, 1, Bitmap.full(SCRIPT_CHUNKS));
  alone.bring(last, [...alone.leasedTo(last)][0]!);
  alone.fallSilent(last);
  alone.pass(2 * LEASE_STALL_MS_MIN);
  assert(alone.toldTo(last).includes("release"));
});

Deno.test("without servers a transfer is orphaned, unless takers have all that is missing", () => {
  const [some, all] = [new Bitmap(SCRIPT_CHUNKS), Bitmap.full(SCRIPT_CHUNKS)];
  some.set(0);
  for (const [holds, orphanedCount] of [[some, 1], [all, 0]] as const) {
    const script = new CoordinatorScript();
    const server = script.source("01");
    const taker = takerOf(script, 1, holds);
    script.tell({ kind: "gone", source: server, transfer: TRANSFER });
    assertEquals(script.count("orphaned"), orphanedCount);
    if (orphanedCount > 0) continue;
    script.tell({ kind: "gone", source: taker, transfer: TRANSFER });
    assertEquals(script.count("orphaned"), 1, "the last of them leaves");
  }
});
