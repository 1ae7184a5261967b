import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/protocol/base/random.ts";
import {
  UPLOAD_BYTES_COUNTED_MIN,
  UPLOAD_GRACE_MS,
  UPLOAD_KEPT_PER_PARTY_COUNT_MAX,
} from "../../../lib/protocol/session/limits.ts";
import { UploadAccounts } from "../../../lib/protocol/session/upload_accounts.ts";

const MIB = 1024 * 1024;
const NO_BOUND = {
  bytes: Infinity,
  perPartyBytes: Infinity,
  entries: Infinity,
  perPartyEntries: Infinity,
  keptPerPartyBytes: Infinity,
  keptBytes: Infinity,
};
const accountsOf = (given: Partial<typeof NO_BOUND>) => {
  const { keptPerPartyBytes, keptBytes, ...quota } = { ...NO_BOUND, ...given };
  return new UploadAccounts({ quota, keptPerPartyBytes, keptBytes });
};
/** One file of that size, in a folder that is there. */
const file = (bytes: number) => ({ bytes, entries: 1 });

Deno.test("what broke off counts, and goes when somebody brings something that needs the room", () => {
  const accounts = accountsOf({ bytes: 30 * MIB });
  accounts.keep("old", "a", 18 * MIB, 1);
  assertEquals(accounts.usedBytes, 18 * MIB);
  assertEquals(accounts.shortageFor(0, "new", "a", file(30 * MIB)), undefined);
  accounts.begin(0, "new", "a", 0, file(30 * MIB));
  // What is only announced drives nobody out.
  assertEquals(accounts.advance(1, "new", 4 * MIB), []);
  assertEquals(accounts.advance(2, "new", 7 * MIB), ["old"]);
});

Deno.test("the party with the most of what broke off gives way first, and of that the oldest", () => {
  const accounts = accountsOf({ bytes: 20 * MIB });
  accounts.keep("small", "a", MIB, 1);
  accounts.keep("much 2", "b", 6 * MIB, 3);
  accounts.keep("much 1", "b", 6 * MIB, 2);
  assertEquals(accounts.expendable(0), ["much 1", "much 2", "small"]);
  accounts.begin(0, "new", "c", 0, file(9 * MIB));
  assertEquals(accounts.advance(1, "new", 9 * MIB), ["much 1"]);
});

Deno.test("an upload that goes on stays, whatever else is wanted", () => {
  const accounts = accountsOf({ bytes: 10 * MIB });
  accounts.begin(0, "first", "a", 0, file(8 * MIB));
  assertEquals(accounts.advance(1, "first", 4 * MIB), []);
  assertEquals(accounts.shortageFor(2, "second", "b", file(3 * MIB)), {
    bound: "bytes",
    left: 2 * MIB,
  });
  accounts.begin(2, "second", "b", 0, file(8 * MIB));
  assertEquals(accounts.advance(2, "second", 2 * MIB), []);
  assertEquals(accounts.advance(3, "second", 3 * MIB), undefined);
  // Whoever came first goes on into the room that was kept for it.
  assertEquals(accounts.advance(3, "first", 8 * MIB), []);
});

Deno.test("whoever does little more than hold its room gives way, after a while and to those who need it", () => {
  const accounts = accountsOf({ bytes: 10 * MIB });
  accounts.begin(0, "slow", "a", 0, file(8 * MIB));
  accounts.advance(1, "slow", 600_000);
  assertEquals(accounts.expendable(UPLOAD_GRACE_MS - 1), []);
  assertEquals(accounts.expendable(UPLOAD_GRACE_MS), ["slow"]);
  assertEquals(accounts.shortageFor(UPLOAD_GRACE_MS, "new", "b", file(10 * MIB)), undefined);
  accounts.begin(UPLOAD_GRACE_MS, "new", "b", 0, file(10 * MIB));
  assertEquals(accounts.advance(UPLOAD_GRACE_MS, "new", MIB), []);
  assertEquals(accounts.advance(UPLOAD_GRACE_MS, "new", 10 * MIB), ["slow"]);
});

Deno.test("an upload that is resumed is as slow as what it brings, not as what was there", () => {
  const accounts = accountsOf({});
  accounts.begin(0, "resumed", "a", 100 * MIB, file(200 * MIB));
  assertEquals(accounts.expendable(UPLOAD_GRACE_MS), ["resumed"]);
});

Deno.test("what one party has is bounded, and only its own goes for that", () => {
  const accounts = accountsOf({ perPartyBytes: 10 * MIB });
  accounts.keep("other", "b", 50 * MIB, 1);
  accounts.keep("own", "a", 6 * MIB, 2);
  accounts.store("stored", "a", 3 * MIB);
  assertEquals(accounts.shortageFor(0, "new", "a", file(8 * MIB)), {
    bound: "perPartyBytes",
    left: 7 * MIB,
  });
  accounts.begin(0, "new", "a", 0, file(7 * MIB));
  assertEquals(accounts.advance(1, "new", 7 * MIB), ["own"]);
  assertEquals(accounts.shortageFor(0, "new", "c", file(8 * MIB)), undefined);
});

Deno.test("what was stored stays until it is gone; replaced, it counts once; empty files count as well", () => {
  const accounts = accountsOf({ bytes: MIB });
  accounts.store("x", "a", MIB);
  accounts.store("x", "b", MIB);
  assertEquals(accounts.usedBytes, MIB);
  assertEquals(accounts.shortageFor(0, "new", "a", file(1))?.left, 0);
  accounts.begin(0, "new", "a", 0, file(MIB));
  assertEquals(accounts.advance(0, "new", MIB), undefined);
  accounts.forgetStored("x");
  assertEquals(accounts.advance(0, "new", MIB), []);
  accounts.drop("new");
  for (let i = 0; i < 300; i++) accounts.store(`empty ${i}`, "a", 0);
  assertEquals(accounts.usedBytes, 300 * UPLOAD_BYTES_COUNTED_MIN);
  assertEquals(accounts.shortageFor(0, "new", "a", file(1))?.left, 0);
});

Deno.test("of what broke off each party keeps its newest, and all together so much", () => {
  const accounts = accountsOf({ keptPerPartyBytes: 10 * MIB, keptBytes: 15 * MIB });
  accounts.keep("a1", "a", 6 * MIB, 1);
  accounts.keep("a2", "a", 6 * MIB, 2);
  assertEquals(accounts.surplus(), ["a1"]);
  accounts.drop("a1");
  accounts.keep("b1", "b", 6 * MIB, 3);
  accounts.keep("c1", "c", 6 * MIB, 4);
  assertEquals(accounts.surplus(), ["a2"]);
  for (let i = 0; i <= UPLOAD_KEPT_PER_PARTY_COUNT_MAX; i++) accounts.keep(`d${i}`, "d", 1, 10 + i);
  assertEquals(accounts.surplus(), ["d0", "a2"]);
});

Deno.test("whatever is sent by whomever, no more lies on the disk than the quotas allow", () => {
  const random = new Random(7);
  const bounds = { bytes: 100 * MIB, perPartyBytes: 40 * MIB };
  const accounts = accountsOf(bounds);
  const onDisk = new Map<string, { party: string; bytes: number; isOpen: boolean }>();
  let given = 0;
  for (let nowMs = 0; nowMs < 200_000; nowMs += random.below(100)) {
    const tag = `t${random.below(60)}`;
    const part = onDisk.get(tag);
    if (part === undefined) {
      const party = `p${random.below(5)}`;
      const bytes = random.below(50 * MIB);
      if (accounts.shortageFor(nowMs, tag, party, file(bytes)) !== undefined) continue;
      accounts.begin(nowMs, tag, party, 0, file(bytes));
      onDisk.set(tag, { party, bytes: 0, isOpen: true });
    } else if (part.isOpen && random.chance(0.9)) {
      const bytes = part.bytes + random.below(MIB);
      const going = accounts.advance(nowMs, tag, bytes);
      if (going === undefined) continue;
      for (const each of going) {
        accounts.drop(each);
        onDisk.delete(each);
        given += 1;
      }
      part.bytes = bytes;
    } else if (part.isOpen) {
      part.isOpen = false;
      accounts.keep(tag, part.party, part.bytes, nowMs);
    } else if (random.chance(0.2)) {
      accounts.drop(tag);
      onDisk.delete(tag);
    }
    let sum = 0;
    const byParty = new Map<string, number>();
    for (const { party, bytes } of onDisk.values()) {
      sum += bytes;
      byParty.set(party, (byParty.get(party) ?? 0) + bytes);
    }
    assert(sum <= bounds.bytes, `${sum} at ${nowMs}`);
    for (const each of byParty.values()) assert(each <= bounds.perPartyBytes);
  }
  assert(given > 50, `only ${given} gave way`);
});

Deno.test("files and folders count, however little is in them, until they are gone", () => {
  const accounts = accountsOf({ entries: 5, perPartyEntries: 4 });
  accounts.store("a", "a", 0);
  accounts.store("sub", "a", 0);
  accounts.keep("broken", "a", 1, 1);
  assertEquals(accounts.shortageFor(0, "new", "a", { bytes: 0, entries: 1 }), undefined);
  // A folder that has to be made for it is one more.
  const two = accounts.shortageFor(0, "new", "a", { bytes: 0, entries: 2 });
  assertEquals(two, { bound: "perPartyEntries", left: 1 });
  // What was begun counts for all that it will leave.
  accounts.begin(0, "other", "b", 0, { bytes: 0, entries: 2 });
  const full = accounts.shortageFor(0, "new", "a", { bytes: 0, entries: 1 });
  assertEquals(full, { bound: "entries", left: 0 });
  // What broke off is taken up again, and is no further entry.
  assertEquals(accounts.shortageFor(0, "broken", "a", { bytes: 9, entries: 1 }), undefined);
  accounts.drop("other");
  accounts.forgetStored("sub");
  assertEquals(accounts.shortageFor(0, "new", "a", { bytes: 0, entries: 2 }), undefined);
});

Deno.test("an empty file has no room where there is none, and its folders take room as well", () => {
  const accounts = accountsOf({ bytes: 3 * UPLOAD_BYTES_COUNTED_MIN });
  accounts.store("a", "a", 0);
  assertEquals(accounts.shortageFor(0, "b", "a", { bytes: 0, entries: 2 }), undefined);
  const three = accounts.shortageFor(0, "b", "a", { bytes: 0, entries: 3 });
  assertEquals(three, { bound: "bytes", left: 2 * UPLOAD_BYTES_COUNTED_MIN });
  accounts.store("sub", "a", 0);
  accounts.store("sub/b", "a", 0);
  assertEquals(accounts.shortageFor(0, "c", "a", file(0)), { bound: "bytes", left: 0 });
});
