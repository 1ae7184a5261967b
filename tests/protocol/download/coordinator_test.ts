/** Who is given what to fetch, and what becomes of it when sources come, lack, lie or go. */
import { assert, assertEquals } from "@std/assert";
import { hashHex, serverId, type SourceId, sourceId, transferId } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import {
  Coordinator,
  type CoordinatorAction,
  type CoordinatorEvent,
} from "../../../lib/protocol/download/coordinator.ts";
import type { SourceMode } from "../../../lib/protocol/download/known_source.ts";
import { chunkBytesFor, chunkLength } from "../../../lib/protocol/merkle/merkle.ts";

const TRANSFER = transferId(1);
const CHUNKS = 8;
const SIZE_BYTES = CHUNKS * chunkBytesFor(1);
const CONTENT = {
  sizeBytes: SIZE_BYTES,
  sha256: hashHex("aa".repeat(32)),
  root: hashHex("bb".repeat(32)),
};

/** A coordinator with one transfer, and sources that a test speaks for. */
class Script {
  readonly actions: CoordinatorAction[] = [];
  readonly #coordinator = new Coordinator({ timeoutMs: 10_000, rateBytesPerS: 0 });
  readonly #leased = new Map<SourceId, Set<number>>();
  #nowMs = 0;

  constructor() {
    this.tell({
      kind: "transfer",
      transfer: TRANSFER,
      content: CONTENT,
      layer: new Uint8Array(32 * CHUNKS),
      isVerified: () => false,
    });
  }

  tell(event: CoordinatorEvent): void {
    for (const action of this.#coordinator.handle(this.#nowMs, event)) {
      this.actions.push(action);
      if (action.kind === "lease") {
        for (const chunk of action.lease.chunks) this.leasedTo(action.source).add(chunk);
      } else if (action.kind === "revoke") {
        for (const chunk of action.chunks) this.leasedTo(action.source).delete(chunk);
      }
    }
  }

  source(
    kind: string,
    options: { holds?: Bitmap; mode?: SourceMode; server?: string } = {},
  ): SourceId {
    const server = serverId((options.server ?? kind).padEnd(32, "0"));
    const source = sourceId(server, kind);
    const route = { kind: "stream", endpoint: { address: "10.0.0.1", port: 1 }, rttMs: 1 } as const;
    const { holds, mode } = options;
    this.tell({
      kind: "provider",
      source,
      server,
      routes: [route],
      transfer: TRANSFER,
      ...(holds && { holds }),
      ...(mode && { mode }),
    });
    return source;
  }

  leasedTo(source: SourceId): Set<number> {
    let leased = this.#leased.get(source);
    if (leased === undefined) this.#leased.set(source, leased = new Set());
    return leased;
  }

  /** `source` brings these, whether it was asked for them or not. */
  bring(source: SourceId, ...chunks: number[]): void {
    this.#nowMs += 10;
    for (const chunk of chunks) this.leasedTo(source).delete(chunk);
    const verified = chunks.map((chunk) => ({
      transfer: TRANSFER,
      chunk,
      bytes: chunkLength(SIZE_BYTES, chunk),
    }));
    const report = {
      source,
      verified,
      bad: [],
      receivedBytes: verified.reduce((sum, { bytes }) => sum + bytes, 0),
      retransmits: 0,
      rateBytesPerS: 1e8,
      rttMs: 1,
      leasedBytes: 0,
      silentMs: 0,
    };
    this.tell({ kind: "report", report });
  }

  /** Lets `source` bring what it is leased until it is leased nothing more. */
  drain(source: SourceId): void {
    for (let next = this.#next(source); next !== undefined; next = this.#next(source)) {
      this.bring(source, next);
    }
  }

  tally(server: string): number | undefined {
    return this.#coordinator.tallies(TRANSFER).get(serverId(server.padEnd(32, "0")))?.chunks;
  }

  count(kind: CoordinatorAction["kind"]): number {
    return this.actions.filter((action) => action.kind === kind).length;
  }

  #next(source: SourceId): number | undefined {
    return [...this.leasedTo(source)][0];
  }
}

function holding(...chunks: number[]): Bitmap {
  const bitmap = new Bitmap(CHUNKS);
  for (const chunk of chunks) bitmap.set(chunk);
  return bitmap;
}

Deno.test("sources of different kinds share one transfer, and no chunk is leased twice at first", () => {
  const script = new Script();
  const datagrams = script.source("datagrams", { server: "a" });
  const stream = script.source("stream", { server: "a" });
  const [first, second] = [script.leasedTo(datagrams), script.leasedTo(stream)];
  assert(first.size > 0 && second.size > 0);
  assertEquals([...first].filter((chunk) => second.has(chunk)), []);
  script.drain(datagrams);
  script.drain(stream);
  assertEquals(script.count("complete"), 1);
  assertEquals(script.tally("a"), CHUNKS, "one server gave it all, by two sources");
});

Deno.test("a source that holds a part is leased nothing else, and more as the part grows", () => {
  const script = new Script();
  const partial = script.source("partial", { holds: holding(2, 5) });
  script.drain(partial);
  assertEquals(script.tally("partial"), 2);
  assertEquals(script.count("complete"), 0);
  assertEquals(script.count("orphaned"), 0, "what it lacks it may yet have");
  script.source("partial", { holds: holding(2, 5, 6, 7) });
  script.drain(partial);
  assertEquals(script.tally("partial"), 4);
  const whole = script.source("whole");
  script.drain(whole);
  assertEquals(script.count("complete"), 1);
  assertEquals(script.tally("whole"), CHUNKS - 4);
});

Deno.test("at the end an idle source doubles up on nothing that it lacks", () => {
  const script = new Script();
  const whole = script.source("whole");
  const partial = script.source("partial", { holds: holding(0) });
  // Its rate is known from here on, so it would help out.
  script.bring(partial, 0);
  for (let chunk = 1; chunk < CHUNKS - 1; chunk++) script.bring(whole, chunk);
  assertEquals([...script.leasedTo(partial)], []);
});

Deno.test("what a source pushes unasked counts, and is not fetched by others any more", () => {
  const script = new Script();
  const pull = script.source("pull");
  const push = script.source("push", { mode: "push" });
  const proofs = script.actions.filter((each) => each.kind === "lease" && each.source === push);
  assertEquals(proofs.length, 1, "it has the hashes of all that is missing, in one lease");
  assertEquals(script.leasedTo(push).size, CHUNKS);
  const leased = [...script.leasedTo(pull)];
  assert(leased.length > 0, "what is pushed is leased to others all the same");
  script.bring(push, ...leased, 7);
  assertEquals(leased.filter((chunk) => script.leasedTo(pull).has(chunk)), []);
  assertEquals(script.tally("push"), new Set([...leased, 7]).size);
  // Twice, and for a transfer that nobody knows: harmless.
  script.bring(push, ...leased);
  assertEquals(script.tally("push"), new Set([...leased, 7]).size);
  script.drain(pull);
  assertEquals(script.count("complete"), 1);
  script.tell({ kind: "forget", transfer: TRANSFER });
  script.bring(push, 0);
  assertEquals(script.count("complete"), 1);
});

Deno.test("a source that pushes and falls silent is no reason to stall or to replace it", () => {
  const script = new Script();
  script.source("push", { mode: "push" });
  const before = script.count("release");
  script.tell({ kind: "wakeup" });
  assertEquals(script.count("release"), before);
});

Deno.test("a transfer is orphaned when the last of its sources is gone", () => {
  const script = new Script();
  const [one, two] = [script.source("one"), script.source("two")];
  script.tell({ kind: "gone", source: one, transfer: TRANSFER });
  assertEquals(script.count("orphaned"), 0);
  assertEquals(script.leasedTo(one).size, 0);
  script.tell({ kind: "gone", source: two, transfer: TRANSFER });
  assertEquals(script.count("orphaned"), 1);
});

Deno.test("integrity failures count per server: by whatever source, and all of its sources go", () => {
  const script = new Script();
  const datagrams = script.source("datagrams", { server: "liar" });
  const stream = script.source("stream", { server: "liar" });
  for (const source of [datagrams, stream, stream]) {
    const chunk = [...script.leasedTo(source)][0]!;
    const bad = { transfer: TRANSFER, chunk, bytes: 1, isIntegrityFailure: true };
    script.leasedTo(source).delete(chunk);
    script.tell({
      kind: "report",
      report: {
        source,
        verified: [],
        bad: [bad],
        receivedBytes: 1,
        retransmits: 0,
        rateBytesPerS: 1e6,
        rttMs: 1,
        leasedBytes: 0,
        silentMs: 0,
      },
    });
  }
  assertEquals(script.count("release"), 2);
  assertEquals(script.count("orphaned"), 1);
});
