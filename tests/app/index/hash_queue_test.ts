/** Whose file is hashed next. */
import { assertEquals } from "@std/assert";
import { HashQueue, NOBODY } from "../../../lib/app/index/hash_queue.ts";
import { HASH_PARTIES_MAX } from "../../../lib/app/index/limits.ts";
import type { SafeFileName } from "../../../lib/ids.ts";

const safe = (text: string) => text as SafeFileName;

function taken(queue: HashQueue, count: number): (string | undefined)[] {
  return Array.from({ length: count }, () => queue.take()?.name);
}

Deno.test("who asks for a thousand files delays another's one by one", () => {
  const queue = new HashQueue();
  for (let i = 0; i < 1_000; i++) queue.addUrgent(safe(`many-${i}`), "10.0.0.1");
  queue.addUrgent(safe("one"), "10.0.0.2");
  queue.addUrgent(safe("own"), NOBODY);
  assertEquals(taken(queue, 4), ["many-0", "one", "own", "many-1"]);
});

Deno.test("a file that several wait for is hashed once, when the first of them has his turn", () => {
  const queue = new HashQueue();
  for (let i = 0; i < 10; i++) queue.addUrgent(safe(`many-${i}`), "10.0.0.1");
  queue.addUrgent(safe("many-9"), "10.0.0.2");
  queue.add(safe("many-9"));
  assertEquals(taken(queue, 3), ["many-0", "many-9", "many-1"]);
  assertEquals(taken(queue, 8).at(-1), undefined);
  assertEquals(queue.hasUrgent, false);
});

Deno.test("what is asked for comes before the rest, and invented parties share a turn", () => {
  const queue = new HashQueue();
  queue.add(safe("rest"));
  for (let i = 0; i < 2 * HASH_PARTIES_MAX; i++) queue.addUrgent(safe(`file-${i}`), `party ${i}`);
  const names = taken(queue, 2 * HASH_PARTIES_MAX + 1);
  assertEquals(new Set(names).size, 2 * HASH_PARTIES_MAX + 1);
  assertEquals(names.at(-1), "rest");
});
