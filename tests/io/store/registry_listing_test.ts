/** What every store of a master lists, page by page and change by change. */
import { assert, assertEquals } from "@std/assert";
import { REGISTRY_CHANGES_MAX } from "../../../lib/io/store/limits.ts";
import { brief, fileOf, filesOf, leaseOf, providerOf, until } from "../../support/registry.ts";
import { testEveryStore } from "../../support/registry_stores.ts";

const A = leaseOf(1);
const B = leaseOf(2);

testEveryStore((test) => {
  // — Pages —————————————————————————————————————————————————————————————————————————————————————

  test("a page has the names that start with a prefix, after a name, in order", async (master) => {
    const names = ["b", "a/2", "a/1", "a", "a/10", "a0", "A", "aa"];
    await master.register(A, providerOf(1), names.map((name, i) => fileOf(name, i)));
    assertEquals(await master.names(), [...names].sort());
    assertEquals(await master.names("a/"), ["a/1", "a/10", "a/2"]);
    assertEquals(await master.names("a/", "a/1"), ["a/10", "a/2"]);
    assertEquals(await master.names("a/", "a/15"), ["a/2"]);
    assertEquals(await master.names("a/", "A"), ["a/1", "a/10", "a/2"]);
    assertEquals(await master.names("a/", "b"), []);
    assertEquals(await master.names("a/", undefined, 2), ["a/1", "a/10"]);
    assertEquals(await master.names("a/", "a/10", 2), ["a/2"]);
    assertEquals(await master.names("zzz"), []);
    assertEquals(await master.names("", undefined, 0), []);
  });

  test("a page counts names, however many contents each has", async (master) => {
    await master.register(A, providerOf(1), [fileOf("a", 2), fileOf("b", 1), fileOf("c", 1)]);
    await master.register(B, providerOf(2), [fileOf("a", 1), fileOf("b", 1)]);
    assertEquals(brief(await master.page("", undefined, 2)), [
      ["a", 1, 1],
      ["a", 2, 1],
      ["b", 1, 2],
    ]);
  });

  test("names are in the order of their UTF-16 code units, beyond the first plane too", async (master) => {
    // The last two code points of each range, and one of them in front of the other range.
    const pieces = ["a", "é", "\ud7ff", "\ue000", "\ufe0f", "\uffff"]
      .concat(["\u{10000}", "\u{1f600}", "\u{10fffe}", "\u{10ffff}"]);
    const names = pieces.flatMap((first) => [first, ...pieces.map((second) => first + second)]);
    const sorted = [...names].sort();
    const cursor = await master.cursor();
    await master.register(A, providerOf(1), names.map((name, i) => fileOf(name, i)));
    assertEquals(await master.names("", undefined, 1_000), sorted);
    for (const prefix of pieces) {
      const expected = sorted.filter((name) => name.startsWith(prefix));
      assertEquals(await master.names(prefix, undefined, 1_000), expected);
    }
    const paged: string[] = [];
    while (paged.length < sorted.length) {
      const page = await master.names("", paged.at(-1), 7);
      assertEquals(page.length, Math.min(7, sorted.length - paged.length));
      paged.push(...page);
    }
    assertEquals(paged, sorted);
    assertEquals(brief(await master.byName("\u{10ffff}\uffff"))[0]?.[2], 1);
    assertEquals(await master.changed(cursor), sorted);
  });

  test("a page goes past any number of names that count for nothing", async (master) => {
    const files = filesOf(1_500, (i) => `gone/${i}`);
    await master.register(A, providerOf(1), files, 1_000);
    await master.register(B, providerOf(2), [fileOf("a", 1), fileOf("z", 2)]);
    await until(async () => (await master.stats())[1] === 2, "the lease runs out");
    assertEquals(await master.names("", undefined, 2), ["a", "z"]);
    assertEquals(await master.names("gone/"), []);
  });

  test("a name that only the last of many still has is in a page", async (master) => {
    for (let i = 0; i < 600; i++) {
      await master.register(leaseOf(i), providerOf(i), [fileOf("f", 1)]);
    }
    await master.register(leaseOf(600), providerOf(600), [fileOf("f", 1), fileOf("g", 1)]);
    await master.register(leaseOf(601), providerOf(601), [fileOf("f", 1)]);
    for (let i = 0; i < 601; i++) await master.store.close(leaseOf(i));
    assertEquals(brief(await master.page()), [["f", 1, 1]]);
  });

  // — Changes ———————————————————————————————————————————————————————————————————————————————————

  test("what was put and removed is told once, since a cursor", async (master) => {
    await master.register(A, providerOf(1), [fileOf("a", 1), fileOf("b", 2)]);
    const first = await master.store.changes(undefined, 10);
    assertEquals([first.isStale, first.names.length, first.hasMore], [false, 0, false]);
    assertEquals(await master.changed(first.cursor), []);
    await master.put(A, [fileOf("c", 3), fileOf("b", 4)]);
    await master.remove(A, ["a", "never there"]);
    await master.put(A, [fileOf("c", 5)]);
    assertEquals(await master.changed(first.cursor), ["a", "b", "c"]);
    const next = await master.store.changes(first.cursor, 10);
    assertEquals([...next.names].sort(), ["a", "b", "c"]);
    assert(next.cursor > first.cursor, "the cursor grows");
    assertEquals(await master.changed(next.cursor), []);
    await master.put(A, [fileOf("d", 6)]);
    assertEquals(await master.changed(next.cursor), ["d"]);
  });

  test("more changes than were asked for come in turn", async (master) => {
    await master.register(A, providerOf(1), []);
    const cursor = await master.cursor();
    const files = filesOf(25, (i) => `f${i}`);
    await master.put(A, files);
    const first = await master.store.changes(cursor, 10);
    assertEquals([first.names.length, first.hasMore, first.isStale], [10, true, false]);
    assertEquals(await master.changed(cursor, 10), files.map(({ name }) => name).sort());
    assertEquals(await master.changed(cursor, 25), files.map(({ name }) => name).sort());
  });

  test("a cursor of another store, or from too long ago, is stale", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    const cursor = await master.cursor();
    const foreign = await master.store.changes(cursor + 1_000_000, 10);
    assertEquals([foreign.isStale, foreign.names.length, foreign.hasMore], [true, 0, false]);
    assertEquals(foreign.cursor, cursor);
    // More than any store keeps; some keep a little more than they must.
    const [step, surplus] = [4_000, 20_000];
    let late = cursor;
    for (let i = 0; i < REGISTRY_CHANGES_MAX + surplus; i += step) {
      if (i === surplus) late = await master.cursor();
      await master.put(A, filesOf(step, (j) => `many/${i + j}`));
    }
    const tooOld = await master.store.changes(cursor, 10);
    assertEquals([tooOld.isStale, tooOld.names.length, tooOld.hasMore], [true, 0, false]);
    const known = await master.store.changes(late, 10);
    assertEquals([known.isStale, known.names.length, known.hasMore], [false, 10, true]);
  });
});
