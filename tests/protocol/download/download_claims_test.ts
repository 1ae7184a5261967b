/** What is only claimed, and what others than the chosen ones hold. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { GATHER_MS, GUESSES_MAX, LATE_OFFERS_MS } from "../../../lib/protocol/download/limits.ts";
import {
  complete,
  confirmed,
  content,
  finished,
  idOf,
  kinds,
  offerOf,
  Run,
} from "./download_world.ts";

Deno.test("a claim begins a transfer, and decides nothing", () => {
  const run = new Run();
  assertEquals(kinds(run.claim(1, content(1))), ["fetchLayer", "acquire", "target"]);
  assert(run.download.nextWakeupMs() > GATHER_MS);
  // It is told of as soon as it is proved.
  assertEquals(kinds(run.offer(1, content(1))), ["offered", "probe"]);
  assert(kinds(run.gather()).includes("settle"));
});

Deno.test("who is only named is not asked for the layer, by whatever route", () => {
  const run = new Run();
  const offer = { ...offerOf(1, content(1), false), tcpPort: 22 };
  run.on({ kind: "find", news: { kind: "offer", queryIndex: 0, offer } });
  run.opened();
  assertEquals(run.of("probe").length, 0);
});

Deno.test("what is proved takes the place of a guess that nobody has shown to hold", () => {
  const run = new Run();
  run.claim(1, content(1));
  run.offer(2, content(2));
  assertEquals(run.of("fetchLayer").map((each) => each.content), [content(1), content(2)]);
  const shown = new Run();
  shown.claim(1, content(1));
  shown.layer(confirmed(1));
  shown.offer(2, content(2));
  assertEquals(shown.of("fetchLayer").length, 1);
});

Deno.test("claims without end do not begin one transfer each, and end the search as if there were none", () => {
  const run = new Run();
  for (let i = 1; i < 30; i++) {
    run.claim(i, content(i));
    run.layer({ kind: "lost", server: idOf(i), reason: "gone" });
  }
  assertEquals(run.of("fetchLayer").length, GUESSES_MAX);
  assertEquals(run.notices, []);
  assert(run.download.isSearching);
  run.on({ kind: "find", news: { kind: "timedOut", queryIndex: 0 } });
  assertEquals(run.failure, "no_server");
});

Deno.test("how a claim of another content ends is not held against who is named in it", () => {
  const run = new Run();
  run.claim(1, content(2));
  run.offer(1, content(1));
  run.layer({ kind: "lost", server: idOf(1), reason: "gone" }, 1);
  run.gather();
  assertEquals(run.of("settle").length, 1);
  assertEquals(run.of("fetchLayer").at(-1)?.content, content(1));
});

Deno.test("a majority is taken, and who holds what is said", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.offer(2, content(2));
  run.offer(3, content(1));
  run.gather();
  assertEquals(run.notices, [
    "servers disagree about 'film.bin'; most have the first: sha256 " +
    "01010101 at 10.0.0.1, 10.0.0.3; 02020202 at 10.0.0.2",
  ]);
  assertEquals(run.failure, undefined);
});

Deno.test("who holds another content is listened to for a while where one party alone was heard", () => {
  const run = new Run({ asksAnybody: true });
  run.fetch();
  run.on(complete);
  run.target(finished);
  assertEquals([run.of("done").length, run.download.stage], [1, "listening"]);
  run.nowMs += 40;
  run.claim(2, content(2));
  assertEquals(run.notices, [], "it is not proved");
  run.nowMs = LATE_OFFERS_MS;
  run.on({ kind: "wakeup" });
  assertEquals(run.download.stage, "listening", "it may yet be");
  run.offer(2, content(2));
  run.on({ kind: "wakeup" });
  assertEquals(run.download.stage, "ended");
  assertMatch(run.notices.at(-1)!, /chosen before others were heard.*(02){32}.* at 10\.0\.0\.2/);
});

Deno.test("where the content is pinned, the server named, or two parties agree, it ends at once", () => {
  const named = new Run();
  const pinned = new Run({ asksAnybody: true, pinned: content(1).sha256 });
  const agreed = new Run({ asksAnybody: true });
  agreed.offer(2, content(1));
  for (const run of [named, pinned, agreed]) {
    run.fetch();
    run.on(complete);
    run.target(finished);
    assertEquals(run.download.stage, "ended");
  }
});
