import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { JOURNAL_INTERVAL_MS } from "../../../lib/protocol/download/limits.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import { BROKEN, type DiskActionKind, ScriptedDisk } from "../../support/scripted_disk.ts";
import { CHUNK } from "../../support/assembler_bench.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const CHUNKS = 5;
const FILE = mixedFile((CHUNKS - 1) * CHUNK + 7);
const SMALL = mixedFile(99);
/** Whatever a transfer of five chunks does until its file is published, in this order. */
const STAGES: readonly DiskActionKind[] = [
  ...["search", "openPart", "begin", "createJournal", "write", "read"] as const,
  ...["seal", "publish", "syncFolder"] as const,
];
/** Out of order, so that something has to be read back. */
const ORDER = [1, 0, 4, 3, 2];

/** Without the repetitions of what is done once per chunk. */
function stagesOf(disk: ScriptedDisk): string[] {
  return [...new Set(disk.done)];
}

Deno.test("a transfer takes its steps in order, and its file is whole", () => {
  const disk = new ScriptedDisk();
  disk.transfer(FILE, ORDER);
  assertEquals(stagesOf(disk), [...STAGES, "removeJournal"]);
  assertEquals(disk.repliesTo(), ["opened", "finished"]);
  assertSameBytes(disk.parts.get(1)!, FILE);
  assertEquals(disk.recycledCount, CHUNKS);
  assertEquals(disk.openParts.size, 0);
});

Deno.test("chunks that come in order are hashed from memory: nothing is read", () => {
  const disk = new ScriptedDisk();
  disk.transfer(FILE, [0, 1, 2, 3, 4]);
  assertEquals(disk.repliesTo(), ["opened", "finished"]);
  assert(!disk.done.includes("read"));
});

Deno.test("what is whole is not sealed before it may be published", () => {
  const disk = new ScriptedDisk();
  disk.open(FILE);
  disk.layer(FILE);
  disk.chunks(FILE, ORDER);
  assert(!disk.done.includes("seal"));
  disk.publish();
  assertEquals(disk.repliesTo(), ["opened", "finished"]);
});

Deno.test("a file of one chunk that may be published from the start needs no more than its chunk", () => {
  const disk = new ScriptedDisk();
  disk.open(SMALL, 1, true);
  disk.chunks(SMALL, [0]);
  disk.open(new Uint8Array(0), 2, true);
  assertEquals(disk.repliesTo(1), ["opened", "finished"]);
  assertEquals(disk.repliesTo(2), ["opened", "finished"]);
});

Deno.test("an empty file is published as soon as it may be; a file of one chunk has no journal", () => {
  const disk = new ScriptedDisk();
  disk.open(new Uint8Array(0));
  disk.publish();
  disk.transfer(SMALL, [0], 2);
  assertEquals(disk.repliesTo(1), ["opened", "finished"]);
  assertEquals(disk.repliesTo(2), ["opened", "finished"]);
  assert(!disk.done.includes("createJournal"));
});

Deno.test("a file that is there already is present, and leftovers beside it go", () => {
  const disk = new ScriptedDisk();
  disk.presentPath = "/out/film.bin";
  disk.open(FILE);
  assertEquals(disk.repliesTo(), ["present"]);
  assertEquals(disk.done, ["search", "removeLeftovers"]);
});

Deno.test("chunks twice, of no transfer or out of range are not written; their buffers come back", () => {
  const disk = new ScriptedDisk();
  disk.open(FILE);
  disk.layer(FILE);
  disk.chunks(FILE, [0, 0, 4, 4, 99]);
  disk.chunks(FILE, [1], 77);
  assertEquals(disk.done.filter((kind) => kind === "write").length, 2);
  assertEquals(disk.recycledCount, 6);
});

Deno.test("chunks are written one at a time, in the order of their arrival", () => {
  const disk = new ScriptedDisk();
  disk.open(FILE);
  disk.layer(FILE);
  disk.holds.add("write");
  disk.chunks(FILE, [0, 1]);
  disk.chunks(FILE, [2]);
  assertEquals(disk.recycledCount, 0);
  disk.release();
  assertEquals(disk.done.filter((kind) => kind === "write").length, 3);
  assertEquals(disk.recycledCount, 3);
});

// — Earlier runs ——————————————————————————————————————————————————————————————————————————————————

function earlier(file: Bytes, chunks: readonly number[]) {
  const written = new Bitmap(CHUNKS);
  for (const chunk of chunks) written.set(chunk);
  return { part: file.slice(), state: { layer: hashed(file).layer, written } };
}

Deno.test("an earlier run's chunks are told, and proved before the file is published", () => {
  const disk = new ScriptedDisk();
  disk.earlier = earlier(FILE, [0, 2, 3]);
  disk.open(FILE);
  const [opened] = disk.replies;
  assert(opened?.kind === "opened");
  assertEquals([opened.have[0], opened.haveBytes], [0b01101, 3 * CHUNK]);
  assertEquals(opened.layer, hashed(FILE).layer);
  assert(!disk.done.includes("read"), "claims are proved by the layer, which is not certain yet");
  disk.layer(FILE);
  disk.publish();
  disk.chunks(FILE, [1, 4]);
  assertEquals(disk.repliesTo(), ["opened", "finished"]);
  assert(!disk.done.includes("createJournal"), "the journal continues");
});

Deno.test("a chunk that an earlier run marked and that is not there is fetched again", () => {
  const disk = new ScriptedDisk();
  const damaged = FILE.slice();
  damaged[CHUNK + 5]! ^= 1;
  disk.earlier = { ...earlier(FILE, [0, 1, 2, 3, 4]), part: damaged };
  disk.open(FILE);
  disk.layer(FILE);
  disk.publish();
  assertEquals(disk.replies.at(-1), {
    kind: "unproved",
    transfer: disk.replies[0]!.transfer,
    chunks: [1],
  });
  disk.chunks(FILE, [1]);
  assertEquals(disk.repliesTo(), ["opened", "unproved", "finished"]);
  assertSameBytes(disk.parts.get(1)!, FILE);
});

// — Journals ——————————————————————————————————————————————————————————————————————————————————————

Deno.test("a journal is behind for no longer than its interval, and is not saved for nothing", () => {
  const disk = new ScriptedDisk();
  disk.open(FILE);
  disk.layer(FILE);
  assertEquals(disk.machine.nextWakeupMs(), Infinity);
  disk.pass(10);
  disk.chunks(FILE, [3]);
  assertEquals(disk.machine.nextWakeupMs(), 10 + JOURNAL_INTERVAL_MS);
  disk.pass(JOURNAL_INTERVAL_MS - 1);
  disk.chunks(FILE, [2]);
  assert(!disk.done.includes("saveJournal"));
  disk.pass(1);
  assertEquals(disk.done.filter((kind) => kind === "saveJournal").length, 1);
  assertEquals(disk.machine.nextWakeupMs(), Infinity);
});

// — Failures ——————————————————————————————————————————————————————————————————————————————————————

Deno.test("a file with another hash leaves nothing, and is reported as unverified", () => {
  const other = FILE.slice();
  other[3]! ^= 1;
  const disk = new ScriptedDisk();
  disk.open(FILE);
  disk.layer(FILE);
  disk.publish();
  disk.chunks(other, [0, 1, 2, 3, 4]);
  assertEquals(disk.repliesTo(), ["opened", "unverified"]);
  assert(!disk.done.includes("seal"));
  assertEquals(disk.openParts.size, 0);
});

for (const kind of STAGES.filter((stage) => stage !== "syncFolder")) {
  Deno.test(`a disk that fails at ${kind} ends that transfer, and no other`, () => {
    const disk = new ScriptedDisk();
    const other = mixedFile(3 * CHUNK);
    disk.open(other, 2);
    disk.layer(other, 2);
    disk.fails.add(kind);
    disk.transfer(FILE, ORDER);
    disk.fails.clear();
    const last = disk.replies.at(-1);
    assert(last?.kind === "transferFailed");
    assertEquals([last.transfer as number, last.error], [1, BROKEN]);
    assertEquals(disk.repliesTo(1).filter((reply) => reply !== "opened"), ["transferFailed"]);
    assertEquals(disk.recycledCount, CHUNKS, "every buffer comes back");
    disk.publish(2);
    disk.chunks(other, [2, 1, 0], 2);
    assertEquals(disk.repliesTo(2), ["opened", "finished"]);
    assertEquals(disk.openParts.size, 0, "what was opened is closed");
    disk.transfer(FILE, ORDER);
    assertEquals(disk.repliesTo(1).at(-1), "finished", "the next try begins afresh");
  });
}

Deno.test("a journal that cannot be saved ends its transfer", () => {
  const disk = new ScriptedDisk();
  disk.open(FILE);
  disk.layer(FILE);
  disk.fails.add("saveJournal");
  disk.chunks(FILE, [2]);
  disk.pass(JOURNAL_INTERVAL_MS);
  assertEquals(disk.repliesTo(), ["opened", "transferFailed"]);
  assertEquals(disk.openParts.size, 0);
});

Deno.test("a disk that fails while a failed transfer is closed says no more than before", () => {
  const disk = new ScriptedDisk();
  disk.fails.add("write").add("close");
  disk.transfer(FILE, ORDER);
  assertEquals(disk.repliesTo(), ["opened", "transferFailed"]);
});

Deno.test("a disk that fails while an aborted transfer is closed is told before the end", () => {
  const disk = new ScriptedDisk();
  disk.fails.add("close");
  disk.open(FILE);
  disk.abort(true);
  assertEquals(disk.repliesTo(), ["opened", "transferFailed", "aborted"]);
});

// — Aborts and the end ————————————————————————————————————————————————————————————————————————————

/** A transfer that has come to `stage`, which is held back. */
function heldAt(stage: DiskActionKind): ScriptedDisk {
  const disk = new ScriptedDisk();
  disk.holds.add(stage);
  disk.open(FILE);
  disk.layer(FILE);
  disk.publish();
  disk.chunks(FILE, ORDER);
  return disk;
}

for (const stage of STAGES) {
  for (const keep of [true, false]) {
    Deno.test(`aborted while it waits for ${stage}, a transfer ends (${keep ? "kept" : "not kept"})`, () => {
      const disk = heldAt(stage);
      disk.abort(keep);
      disk.release();
      const ends = disk.repliesTo().filter((reply) => reply !== "opened");
      // Once it has its name it cannot be taken back.
      const isPublished = stage === "publish" || stage === "syncFolder";
      assertEquals(ends, isPublished ? ["aborted", "finished"] : ["aborted"]);
      assertEquals(disk.openParts.size, 0);
      assertEquals(disk.recycledCount, CHUNKS);
      disk.transfer(FILE, ORDER, 2);
      assertEquals(disk.repliesTo(2), ["opened", "finished"]);
    });
  }

  Deno.test(`stopped while it waits for ${stage}, it ends when that is over`, () => {
    const disk = heldAt(stage);
    disk.step({ kind: "stop" });
    // A search is broken off; what it would have found is asked for no more.
    if (stage !== "search" && stage !== "read") assert(!disk.isStopped);
    if (!disk.isStopped) disk.release();
    assert(disk.isStopped);
    assertEquals(disk.openParts.size, 0);
    assertEquals(disk.recycledCount, CHUNKS);
    const ends = disk.repliesTo().filter((reply) => reply !== "opened");
    assertEquals(ends, [stage === "publish" || stage === "syncFolder" ? "finished" : "aborted"]);
  });

  Deno.test(`an outcome of ${stage} that comes late is not taken for another transfer's`, () => {
    const disk = heldAt(stage);
    disk.abort(true);
    disk.holds.clear();
    // The same id again.
    disk.open(FILE);
    disk.release();
    disk.layer(FILE);
    disk.publish();
    disk.chunks(FILE, ORDER);
    assertEquals(disk.repliesTo().at(-1), "finished");
    assertEquals(disk.openParts.size, 0);
  });
}

Deno.test("what is not there is aborted at once", () => {
  const disk = new ScriptedDisk();
  disk.abort(true, 9);
  assertEquals(disk.repliesTo(9), ["aborted"]);
});

Deno.test("an abort keeps what a journal marks, and nothing that none does", () => {
  for (
    const [hasLayer, keep, keeps] of [[true, true, true], [false, true, false], [
      true,
      false,
      false,
    ]]
  ) {
    const disk = new ScriptedDisk();
    disk.open(FILE);
    if (hasLayer) disk.layer(FILE);
    const actions = disk.machine.handle(0, {
      kind: "abort",
      transfer: disk.replies[0]!.transfer,
      keep: keep!,
    });
    const [close] = actions;
    assert(close?.kind === "close");
    assertEquals(close.keeps, keeps);
  }
});

Deno.test("stopped with nothing in hand, it has stopped", () => {
  const disk = new ScriptedDisk();
  disk.step({ kind: "stop" });
  assert(disk.isStopped);
});
