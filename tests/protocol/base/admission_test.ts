import { assertEquals } from "@std/assert";
import { Admission, type ConnectionStage } from "../../../lib/protocol/base/admission.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

const LIMITS = { connectionsMax: 8, perAddressMax: 4, askingMs: 1_000, silentMs: 5_000 };

interface Connection {
  readonly peerAddress: string;
  readonly sinceMs: number;
  activeMs: number;
  stage: ConnectionStage;
}

const from = (peerAddress: string, activeMs = 0): Connection => ({
  peerAddress,
  sinceMs: activeMs,
  activeMs,
  stage: "served",
});

/** How many of `count` connections from this address find a place. */
function admittedOf(admission: Admission<Connection>, address: string, count: number): number {
  const all = Array.from({ length: count }, () => admission.admit(0, from(address)));
  return all.filter(({ kind }) => kind === "admitted").length;
}

Deno.test("one address gets its share and no more", () => {
  const admission = new Admission<Connection>(LIMITS);
  assertEquals(admittedOf(admission, "10.0.0.1", 10), 4);
  assertEquals(admittedOf(admission, "10.0.0.2", 10), 4);
  assertEquals(admission.count, 8);
});

Deno.test("where all places are taken, the address with the most gives up its longest silent one", () => {
  const admission = new Admission<Connection>(LIMITS);
  const many = Array.from({ length: 4 }, (_, i) => from("10.0.0.1", 10 - i));
  for (const each of many) admission.admit(10, each);
  for (const last of [2, 3, 4, 5]) admission.admit(10, from(`10.0.0.${last}`, 1));
  const late = admission.admit(10, from("10.0.0.6", 10));
  assertEquals(late, { kind: "admitted", evicted: many[3]! });
  assertEquals(admission.count, 8);
  // The one that was evicted ends by and by; it has no place to give back.
  admission.release(many[3]!);
  assertEquals(admission.count, 8);
});

Deno.test("nobody gives up a place for one that would then have more", () => {
  const admission = new Admission<Connection>(LIMITS);
  for (let i = 0; i < 8; i++) admission.admit(10, from(`10.0.0.${i}`, 10));
  assertEquals(admission.admit(10, from("10.0.0.9", 10)).kind, "refused");
  assertEquals(admission.admit(10, from("10.0.0.1", 10)).kind, "refused");
});

Deno.test("whoever has been silent for long enough makes room", () => {
  const admission = new Admission<Connection>(LIMITS);
  const silent = from("10.0.0.3", 100);
  for (let i = 0; i < 8; i++) admission.admit(100, i === 3 ? silent : from(`10.0.0.${i}`, 4_000));
  assertEquals(admission.admit(5_099, from("10.0.0.9")).kind, "refused");
  assertEquals(admission.admit(5_100, from("10.0.0.9", 5_100)), {
    kind: "admitted",
    evicted: silent,
  });
});

Deno.test("an address that has its share gives up a silent one of its own, and nobody else's", () => {
  const admission = new Admission<Connection>(LIMITS);
  const own = Array.from({ length: 4 }, (_, i) => from("10.0.0.1", i));
  for (const each of own) admission.admit(0, each);
  admission.admit(0, from("10.0.0.2", -10_000));
  assertEquals(admission.admit(4_000, from("10.0.0.1")).kind, "refused");
  assertEquals(admission.admit(5_000, from("10.0.0.1", 5_000)), {
    kind: "admitted",
    evicted: own[0]!,
  });
});

Deno.test("whoever has not asked yet makes room, the oldest first, however much it dribbles", () => {
  const admission = new Admission<Connection>(LIMITS);
  const own = Array.from({ length: 4 }, (_, i) => from("10.0.0.1", i));
  for (const each of own) admission.admit(3, each);
  for (const at of [1, 2]) own[at]!.stage = "asking";
  for (const each of own) each.activeMs = 1_000;
  assertEquals(admission.admit(1_000, from("10.0.0.1", 1_000)).kind, "refused");
  const next = from("10.0.0.1", 1_001);
  assertEquals(admission.admit(1_001, next), { kind: "admitted", evicted: own[1]! });
  // One that has its answer needs its place least of all.
  own[3]!.stage = "ended";
  const last = from("10.0.0.1", 1_002);
  assertEquals(admission.admit(1_002, last), { kind: "admitted", evicted: own[3]! });
});

Deno.test("however connections come and go, the count is right and no bound is passed", () => {
  const random = new Random(1);
  const admission = new Admission<Connection>(LIMITS);
  const held = new Set<Connection>();
  for (let nowMs = 0; nowMs < 5_000; nowMs++) {
    const connection = from(`10.0.0.${random.below(6)}`, nowMs);
    const admitted = admission.admit(nowMs, connection);
    if (admitted.kind === "admitted") {
      if (admitted.evicted !== undefined) assertEquals(held.delete(admitted.evicted), true);
      held.add(connection);
    }
    for (const each of held) {
      if (!random.chance(0.05)) continue;
      admission.release(each);
      held.delete(each);
    }
    assertEquals(admission.count, held.size);
    assertEquals(held.size <= LIMITS.connectionsMax, true);
    const byAddress = Map.groupBy(held, ({ peerAddress }) => peerAddress);
    for (const each of byAddress.values()) {
      assertEquals(each.length <= LIMITS.perAddressMax, true);
    }
  }
});
