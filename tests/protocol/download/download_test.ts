import { assert, assertEquals } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { hashHex, type SafeFileName, sourceId, transferId } from "../../../lib/ids.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { searchFailure } from "../../../lib/protocol/download/download_texts.ts";
import type { DownloadEvent } from "../../../lib/protocol/download/download_messages.ts";
import type { LayerNews } from "../../../lib/protocol/download/layer_fetch.ts";
import {
  CHUNK_BYTES,
  complete,
  confirmed,
  content,
  finished,
  idOf,
  kinds,
  LAYER,
  Run,
} from "./download_world.ts";

// — Gathering and choosing ————————————————————————————————————————————————————————————————————————

Deno.test("the first offer's transfer begins at once, and is published once it is chosen", () => {
  const run = new Run();
  assertEquals(kinds(run.offer(1, content(1))), [
    ...["offered", "fetchLayer", "probe", "acquire", "target"],
  ]);
  run.opened();
  assertEquals(kinds(run.offer(2, content(1))), ["offered", "probe"]);
  assertEquals(run.requests, ["open"]);
  assertEquals(kinds(run.gather()), ["settle", "target"]);
  assertEquals(run.requests, ["open", "publish"]);
});

Deno.test("nothing is begun before the choice where names wait for jobs", () => {
  const run = new Run({ looksAhead: false });
  assertEquals(kinds(run.offer(1, content(1))), ["offered"]);
  assertEquals(kinds(run.gather()), ["acquire", "settle", "target"]);
  assertEquals(kinds(run.opened()), ["fetchLayer", "probe"]);
  const [open] = run.of("target").map(({ request }) => request);
  assert(open?.kind === "open" && open.mayPublish);
  // It has one chunk: its root is its layer.
  assertEquals(kinds(run.layer({ kind: "layer", layer: LAYER })), ["coordinate", "begun"]);
});

Deno.test("a first offer that turns out the wrong one leaves nothing", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.opened();
  run.offer(2, content(2));
  run.offer(3, content(2));
  run.gather();
  const [, abort, open] = run.of("target").map(({ request }) => request);
  assertEquals(abort, { kind: "abort", transfer: transferId(1), keep: false });
  assertEquals(open?.kind === "open" && open.content, content(2));
  assertEquals(run.of("release").map(({ transfer }) => transfer), [transferId(1)]);
  // What is still said of the first counts no more.
  assertEquals(run.target(finished), []);
  assertEquals(run.layer({ kind: "layer", layer: LAYER }, 1), []);
});

Deno.test("what an earlier run has brought of the wrong one stays", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.opened({ haveBytes: 1_000 });
  run.offer(2, content(2));
  run.gather();
  const [, abort] = run.of("target").map(({ request }) => request);
  assertEquals(abort, { kind: "abort", transfer: transferId(1), keep: true });
  assertEquals(run.failure, "ambiguous");
});

Deno.test("how a guess ends is held back until it is chosen", () => {
  const run = new Run();
  run.offer(1, content(1));
  assertEquals(run.target({ kind: "present", transfer: transferId(1), path: "out/film.bin" }), []);
  run.gather();
  assertEquals(run.of("done").map(({ isPresent, path }) => [isPresent, path]), [
    [true, "out/film.bin"],
  ]);
  assertEquals(run.download.stage, "ended");
});

Deno.test("a job that comes too late is given back, and asked for once however often it is wanted", () => {
  const run = new Run();
  run.isBusy = true;
  run.offer(1, content(1));
  run.layer({ kind: "lost", server: idOf(1), reason: "gone" });
  run.offer(2, content(2));
  assertEquals(run.of("acquire").length, 1);
  assertEquals(kinds(run.admit()), ["target"]);
  run.on({ kind: "fail", error: new ShoalError("interrupted", "interrupted") });
  const ended = new Run();
  ended.isBusy = true;
  ended.offer(1, content(1));
  ended.on({ kind: "fail", error: new ShoalError("interrupted", "interrupted") });
  assertEquals(kinds(ended.admit()), ["release"]);
});

Deno.test("offers of another content are told and left aside once the content is chosen", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.gather();
  assertEquals(kinds(run.offer(2, content(2))), ["offered", "notice"]);
  assertEquals(kinds(run.offer(2, content(2))), []);
});

// — Fetching ——————————————————————————————————————————————————————————————————————————————————————

Deno.test("the coordinator begins when target and layer are there, with all who have answered", () => {
  const run = new Run();
  run.offer(1, content(1));
  assertEquals(kinds(run.layer(confirmed(1))), ["reached", "warmUp"]);
  run.layer({ kind: "layer", layer: LAYER });
  assertEquals(run.of("coordinate"), []);
  run.opened();
  assertEquals(run.of("coordinate").map(({ event }) => event.kind), ["transfer", "provider"]);
  run.layer(confirmed(2));
  assertEquals(run.of("coordinate").length, 3);
});

Deno.test("a layer that an earlier run has proved is not fetched again", () => {
  const run = new Run({ looksAhead: false });
  run.offer(1, content(1));
  run.gather();
  const actions = run.opened({ layer: LAYER, have: Uint8Array.of(1), haveBytes: CHUNK_BYTES });
  assertEquals(kinds(actions), ["fetchLayer", "probe", "target", "coordinate"]);
  assertEquals(run.requests, ["open", "layer"]);
  assertEquals(run.of("fetchLayer")[0]?.knownLayer, LAYER);
  // All of it is there: nobody has to say that it is complete.
  run.target(finished);
  assertEquals(run.of("done").map(({ resumedBytes }) => resumedBytes), [CHUNK_BYTES]);
});

Deno.test("a layer fetch that was begun in vain is closed, and not listened to", () => {
  const run = new Run();
  run.offer(1, content(1));
  const actions = run.opened({ layer: LAYER });
  assertEquals(kinds(actions).slice(0, 3), ["closeLayerFetch", "fetchLayer", "probe"]);
  assertEquals(run.layer(confirmed(1), 1), []);
  assertEquals(kinds(run.layer(confirmed(1), 2)), ["reached", "coordinate"]);
});

Deno.test("it is done when the file is published and every chunk was told of, whichever is first", () => {
  for (const isToldFirst of [true, false]) {
    const run = new Run();
    run.fetch();
    if (isToldFirst) run.on(complete);
    run.target(finished);
    if (!isToldFirst) {
      assertEquals(run.of("done"), []);
      run.on(complete);
    }
    // The assembler has said its last word: there is nothing to abort.
    assertEquals(kinds(run.actions.slice(-5)), [
      ...["done", "closeLayerFetch", "coordinate", "release", "finish"],
    ]);
    assertEquals(run.download.nextWakeupMs(), Infinity);
  }
});

Deno.test("chunks on disk that were bad are fetched before it is done", () => {
  const run = new Run();
  run.fetch();
  run.on(complete);
  const transfer = transferId(1);
  const actions = run.target({ kind: "unproved", transfer, chunks: [0] });
  assertEquals(kinds(actions), ["notice", "coordinate"]);
  run.target(finished);
  assertEquals(run.of("done"), []);
  run.on(complete);
  assertEquals(run.of("done").length, 1);
});

Deno.test("what of an earlier run was bad is said once, and counts as nothing that was there", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.opened({ layer: LAYER, have: Uint8Array.of(1), haveBytes: CHUNK_BYTES });
  run.layer(confirmed(1), 2);
  run.gather();
  const transfer = transferId(1);
  const told = [0, 0].flatMap(() => run.target({ kind: "unproved", transfer, chunks: [0] }));
  assertEquals(kinds(told), ["notice", "coordinate", "coordinate"]);
  run.target(finished);
  run.on(complete);
  assertEquals(run.of("done").map(({ resumedBytes }) => resumedBytes), [0]);
});

Deno.test("an empty file needs no layer and no chunks", () => {
  const run = new Run();
  const empty = { ...content(1), sizeBytes: 0 };
  assertEquals(kinds(run.offer(1, empty)), ["offered", "acquire", "target"]);
  run.gather();
  run.opened();
  run.target(finished);
  assertEquals(run.of("done").length, 1);
});

// — Trouble ———————————————————————————————————————————————————————————————————————————————————————

Deno.test("a content without providers is searched for again, a limited number of times", () => {
  const run = new Run();
  run.fetch();
  const orphaned: DownloadEvent = {
    kind: "transfer",
    news: { kind: "orphaned", transfer: transferId(1) },
  };
  assertEquals(kinds(run.on(orphaned)), [
    ...["notice", "closeLayerFetch", "coordinate", "target", "release", "finish", "searchAgain"],
  ]);
  assertEquals(run.notices, ["'film.bin' changed on its server: looking again"]);
  const abort = run.of("target").at(-1)?.request;
  assertEquals(abort, { kind: "abort", transfer: transferId(1), keep: true });
  assertEquals(run.on(orphaned), [], "it is not ours any more");
  run.offer(1, content(2));
  run.layer({ kind: "lost", server: idOf(1), reason: "gone" });
  assertEquals(run.failure, undefined, "others may have it");
  run.gather();
  assertEquals(run.failure, "changed");
});

Deno.test("a server that lies about the layer is dropped for good, and named if nothing arrived", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.layer({ kind: "lost", server: idOf(1), reason: "lying" });
  run.gather();
  assertEquals(run.notices, [
    "10.0.0.1:10530 sent hashes that do not prove the file: it is no longer used",
    "every server of 'film.bin' sent bad chunks: looking for others",
  ]);
  assertEquals(kinds(run.offer(1, content(1))), ["disbelieve"]);
  run.on({ kind: "find", news: { kind: "timedOut", queryIndex: 0 } });
  assertEquals(run.failure, "unverified");
});

Deno.test("a server that was caught lying elsewhere is no provider, whatever it answers", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.offer(2, content(1));
  run.on({ kind: "dropped", server: idOf(2) });
  assertEquals(run.layer(confirmed(2)), []);
  assertEquals(kinds(run.layer(confirmed(1))), ["reached", "warmUp"]);
});

Deno.test("once chunks arrive, the coordinator decides that no provider is left", () => {
  const run = new Run();
  run.fetch();
  assertEquals(run.layer({ kind: "lost", server: idOf(1), reason: "gone" }), []);
  assertEquals(run.download.stage, "fetching");
});

Deno.test("a whole that is not what was offered is thrown away, and the next content is taken", () => {
  const run = new Run({ pinned: content(1).sha256 });
  const truth = { ...content(1), root: hashHex("0f".repeat(32)) };
  run.fetch();
  run.offer(2, truth);
  run.target({ kind: "unverified", transfer: transferId(1) });
  const requests = run.of("target").map(({ request }) => request);
  assertEquals(requests.filter(({ kind }) => kind === "abort"), []);
  const open = requests.at(-1);
  assertEquals(open?.kind === "open" && open.content, truth);
  run.target({ kind: "unverified", transfer: transferId(2) });
  assertEquals(run.failure, "unverified");
});

Deno.test("stalls are told, and fail it when they are as many as retries", () => {
  const run = new Run({ retries: 3 });
  run.fetch();
  run.layer({ kind: "stalled", inARow: 1 });
  const stalled = { kind: "stalled", transfer: transferId(1) } as const;
  run.on({ kind: "transfer", news: { ...stalled, inARow: 2 } });
  assertEquals(run.of("waiting").map(({ attempt }) => attempt), [2, 3]);
  run.on({ kind: "transfer", news: { ...stalled, inARow: 3 } });
  assertEquals(run.failure, undefined);
  assertEquals(run.of("waited").map(({ servers }) => servers), [[idOf(1)]]);
  run.on({ kind: "givenUp", servers: [], waitedMs: 9_000 });
  assertEquals(run.failure, "stalled");
  assertEquals(run.requests.at(-1), "abort");
});

Deno.test("stalls with something in between, however many they are, end nothing", () => {
  const run = new Run({ retries: 2 });
  run.fetch();
  const news = { kind: "stalled", transfer: transferId(1), inARow: 1 } as const;
  for (let i = 0; i < 10; i++) run.on({ kind: "transfer", news });
  assertEquals([run.of("waited").length, run.failure], [0, undefined]);
});

const givenUp = (...servers: number[]): DownloadEvent => ({
  kind: "givenUp",
  servers: servers.map(idOf),
  waitedMs: 9_000,
});

Deno.test("what others have found out about its only server ends it, and says why", () => {
  const run = new Run();
  run.fetch();
  run.on(givenUp(1));
  assertEquals(run.failure, "stalled");
  assertEquals(run.of("failed")[0]!.error.message, "nothing has come from 10.0.0.1:10530 for 9 s");
});

Deno.test("a server that is given up does not matter where another has the content", () => {
  const run = new Run();
  run.fetch();
  run.offer(2, content(1));
  run.on(givenUp(1));
  assertEquals(run.failure, undefined);
  run.on(givenUp(2));
  assertEquals(run.failure, "stalled");
});

Deno.test("a server that is heard again is waited for again", () => {
  const run = new Run();
  run.fetch();
  run.offer(2, content(1));
  run.on(givenUp(1));
  run.layer(confirmed(1));
  run.on(givenUp(2));
  assertEquals(run.failure, undefined);
});

Deno.test("what waits for its turn is opened although its server is given up: it may be there already", () => {
  const run = new Run();
  run.isBusy = true;
  run.offer(1, content(1));
  run.gather();
  run.on(givenUp(1));
  assertEquals(run.failure, undefined);
  run.admit();
  assertEquals([run.requests.at(-1), run.failure], ["open", undefined]);
  run.target({ kind: "present", transfer: transferId(1), path: "out/film.bin" });
  assertEquals([run.of("done").length, run.failure], [1, undefined]);
});

Deno.test("a file that is whole needs no server any more", () => {
  const run = new Run();
  run.fetch();
  run.on({ kind: "transfer", news: { kind: "complete", transfer: transferId(1) } });
  run.on(givenUp(1));
  assertEquals(run.failure, undefined);
});

Deno.test("what the search says of silence counts only while nothing was offered", () => {
  const run = new Run();
  run.on({ kind: "find", news: { kind: "attempt", queryIndex: 0, attempt: 2 } });
  assertEquals(run.of("waiting").map(({ message }) => message), ["no answer yet"]);
  run.offer(1, content(1));
  run.on({ kind: "find", news: { kind: "timedOut", queryIndex: 0 } });
  assertEquals(run.failure, undefined);
  const lacked = new Run();
  const similar = ["filn.bin" as SafeFileName];
  lacked.on({ kind: "find", news: { kind: "notFound", queryIndex: 0, similar } });
  const { code, hint } = lacked.of("failed")[0]!.error;
  assertEquals([code, hint], ["not_found", "Did you mean 'filn.bin'?"]);
});

Deno.test("a search that finds nothing says which content was meant, and that the name is a folder's", () => {
  const news = { kind: "notFound", queryIndex: 0, similar: ["a/b" as SafeFileName] } as const;
  const query = { by: "name", name: "a" as SafeFileName } as const;
  const folder = searchFailure({ name: "a", query }, news);
  assertEquals(folder.message, "no server has 'a'");
  assertEquals(folder.hint, "It is a folder: did you mean 'a/'?");
  const pinned = searchFailure({ name: "b", query, pinned: hashHex("0".repeat(64)) }, news);
  assertEquals(pinned.message, "no server has 'b' with that content");
  assertEquals(pinned.hint, "Did you mean 'a/b'?");
});

Deno.test("a classic server that answers first has it, and only then", () => {
  const run = new Run();
  assertEquals(kinds(run.on({ kind: "classicAnswered" })), ["finish"]);
  assertEquals(run.offer(1, content(1)), []);
  run.on({ kind: "classicEnded" });
  assertEquals(run.download.stage, "ended");
  const offered = new Run();
  offered.offer(1, content(1));
  assertEquals(kinds(offered.on({ kind: "classicAnswered" })), []);
  assertEquals(offered.download.stage, "opening");
  assertEquals(offered.on({ kind: "classicEnded" }), []);
});

// — Sources of other kinds ————————————————————————————————————————————————————————————————————————

const pushed = {
  kind: "confirmed",
  server: idOf(9),
  party: "10.0.0.9",
  routes: [{ kind: "push", endpoint: { address: "10.0.0.9", port: 1 }, rttMs: 0 }],
  mode: "push",
} as const;

Deno.test("what is said of a source goes to the coordinator as it is, whatever its kind", () => {
  const run = new Run();
  run.offer(1, content(1));
  run.gather();
  run.opened();
  const holds = new Bitmap(1);
  const news = confirmed(1) as Extract<LayerNews, { kind: "confirmed" }>;
  run.layer({ ...news, holds });
  run.layer(pushed);
  run.layer({ kind: "layer", layer: LAYER });
  const told = () => run.of("coordinate").map(({ event }) => event);
  const [, first, second] = told();
  const transfer = transferId(1);
  assertEquals(first, {
    ...{ ...news, kind: "provider", holds, transfer },
    source: sourceId(idOf(1), "datagrams"),
  });
  assertEquals(second, {
    ...{ ...pushed, kind: "provider", transfer },
    source: sourceId(idOf(9), "push"),
  });
  // It holds more by now.
  const more = new Bitmap(1, new Uint8Array([1]));
  run.layer({ ...news, holds: more });
  const last = told().at(-1);
  assert(last?.kind === "provider");
  assertEquals(last.holds, more);
});
