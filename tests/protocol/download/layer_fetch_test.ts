import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { hashHex } from "../../../lib/ids.ts";
import { LAYER_PAGES_ASKED_MAX } from "../../../lib/protocol/download/limits.ts";
import {
  LayerFetch,
  type LayerFetchAction,
  type LayerFetchEvent,
} from "../../../lib/protocol/download/layer_fetch.ts";
import { EMPTY_ROOT, layerPageCount } from "../../../lib/protocol/merkle/merkle.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { decodeFrame } from "../../../lib/wire/frames.ts";
import { VirtualRun } from "../../support/virtual_run.ts";
import {
  endpointOf,
  fileOf,
  idOf,
  LOOPBACK,
  pageOf,
  path,
  type Run,
  type Setup,
  start,
  TIMEOUT_MS,
  tokenOf,
  type Want,
} from "./layer_fetch_scene.ts";

// One chunk; less than a page; several requests; more than may be asked for at a time.
for (const chunkCount of [1, 2, 16, 17, 300, 3_000]) {
  Deno.test(`the layer of ${chunkCount} chunks comes whole, and its server is confirmed once`, () => {
    const file = fileOf(chunkCount);
    const run = start(file);
    run.at(0, path(1));
    run.runUntil(10_000);
    assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
    assertEquals(run.of("confirmed").length, 1);
    assertLess(run.of("layer")[0]!.atMs, 50);
  });
}

Deno.test("an empty file needs no layer, but its server is confirmed", () => {
  const content = { sizeBytes: 0, sha256: hashHex("e".repeat(64)), root: EMPTY_ROOT };
  const run = start({ content, layer: new Uint8Array(0) });
  run.at(0, path(1));
  run.runUntil(1_000);
  assertEquals(run.of("layer").map(({ action }) => action.layer.length), [0]);
  assertEquals(run.of("confirmed").length, 1);
});

Deno.test("a known layer is told at once, and every server is asked for one page only", () => {
  const file = fileOf(100);
  const run = start({ ...file, known: file.layer });
  run.at(0, path(1));
  run.at(0, path(2));
  run.runUntil(1_000);
  assertEquals(run.of("layer").map(({ atMs }) => atMs), [0]);
  assertEquals(run.of("confirmed").map(({ action }) => action.server), [idOf(1), idOf(2)]);
  assertEquals(run.of("send").length, 2);
});

Deno.test("pages are spread over servers, and never too many are asked for at a time", () => {
  const file = fileOf(3_000);
  const pageCount = layerPageCount(file.content.sizeBytes);
  const delayMs = (page: number) => 1 + Math.floor(page / 64);
  const wants: Want[] = [];
  const run = start({ ...file, delayMs: (_, page) => delayMs(page) }, wants);
  for (const seed of [1, 2, 3]) run.at(0, path(seed));
  run.runUntil(200);
  assertEquals(run.of("layer").length, 1);

  const shares = new Map<bigint, number>();
  const arrivals: number[] = [];
  run.of("send").forEach(({ atMs }, i) => {
    const { nonce, firstPage, pageCount } = wants[i]!;
    shares.set(nonce, (shares.get(nonce) ?? 0) + pageCount);
    for (let page = firstPage; page < firstPage + pageCount; page++) {
      arrivals.push(atMs + delayMs(page));
    }
    const asked = arrivals.filter((arrivesMs) => arrivesMs > atMs).length;
    assert(asked <= LAYER_PAGES_ASKED_MAX, `${asked} pages were asked for at a time`);
  });
  assertEquals(shares.size, 3);
  for (const share of shares.values()) assertGreater(share, pageCount / 6);
});

for (const seed of [1, 2, 3, 4]) {
  Deno.test(`the layer comes whole although a fifth of everything is lost (seed ${seed})`, () => {
    const file = fileOf(1_000);
    const random = new Random(seed);
    const run = start({
      ...file,
      answers: () => !random.chance(0.2),
      delayMs: () => random.chance(0.2) ? Infinity : random.between(0.3, 4),
    });
    run.at(0, path(1));
    run.at(20, path(2));
    run.runUntil(20_000);
    assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
    assertEquals(run.of("confirmed").length, 2);
    assertLess(run.of("layer")[0]!.atMs, 5_000);
    assertEquals(run.of("lost"), []);
  });
}

Deno.test("a page that later ones overtake is asked for again without waiting", () => {
  const file = fileOf(600);
  const lost = new Set([5, 20]);
  const delayMs = (_: Endpoint, page: number) => lost.delete(page) ? Infinity : 2;
  const wants: Want[] = [];
  const run = start({ ...file, delayMs }, wants);
  run.at(0, path(1));
  run.runUntil(1_000);
  assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
  // A round trip for the first page, one for the others, one for those that were lost.
  assertEquals(run.of("layer")[0]!.atMs, 6);
  const asked = wants.reduce((sum, want) => sum + want.pageCount, 0);
  assertEquals(asked, layerPageCount(file.content.sizeBytes) + 2);
});

Deno.test("a server that sends other hashes is named a liar, and the layer comes from the other", () => {
  const file = fileOf(500);
  const run = start({
    ...file,
    alter: ({ address }, hashes) => {
      if (address !== endpointOf(1).address) return hashes;
      const altered = hashes.slice();
      altered[0]! ^= 1;
      return altered;
    },
  });
  run.at(0, path(1));
  run.at(0, path(2));
  run.runUntil(5_000);
  assertEquals(run.of("lost").map(({ action }) => [action.server, action.reason]), [
    [idOf(1), "lying"],
  ]);
  assertEquals(run.of("confirmed").map(({ action }) => action.server), [idOf(2)]);
  assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
  // Offering again does not help it.
  const sent = run.of("send").length;
  run.at(5_001, path(1));
  run.runUntil(6_000);
  assertEquals(run.of("send").length, sent);
});

Deno.test("a crowd that only says it is there does not keep the layer from who has it", () => {
  const file = fileOf(960);
  const honest = 1;
  const run = start({
    ...file,
    answers: (want) => want.token[0] === honest,
  });
  for (let seed = honest; seed <= 250; seed++) run.at(0, path(seed));
  run.runUntil(TIMEOUT_MS);
  assertEquals(run.of("layer").map(({ action }) => action.layer), [file.layer]);
  assertEquals(run.of("confirmed").map(({ action }) => action.server), [idOf(honest)]);
});

Deno.test("a server without the content is lost, and may come back with it", () => {
  const file = fileOf(3);
  const world: { -readonly [Key in keyof Setup]: Setup[Key] } = {
    ...file,
    goneAt: endpointOf(1).address,
  };
  const run = start(world);
  run.at(0, path(1));
  run.runUntil(100);
  assertEquals(run.of("lost").map(({ action }) => action.reason), ["gone"]);
  world.goneAt = "nowhere";
  run.at(101, path(1));
  run.runUntil(200);
  assertEquals(run.of("confirmed").length, 1);
  assertEquals(run.of("layer").length, 1);
});

Deno.test("a stale token costs one round trip and the fresh one is handed on", () => {
  const file = fileOf(3);
  const run = start({ ...file, token: tokenOf(9) });
  run.at(0, path(1));
  run.runUntil(1_000);
  const [confirmed] = run.of("confirmed");
  assertEquals(confirmed?.atMs, 2);
  assertEquals(confirmed?.action.routes.map(({ token }) => token), [tokenOf(9)]);
});

Deno.test("a server that refuses every token is not asked at the rate of its refusals", () => {
  const wants: Want[] = [];
  const stubborn: Run = new VirtualRun<LayerFetchEvent, LayerFetchAction>(
    new LayerFetch(fileOf(3).content, { timeoutMs: TIMEOUT_MS }),
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind !== "send") return;
      const want = decodeFrame(action.datagram) as Want;
      wants.push(want);
      const { nonce: echo, number } = want;
      const frame = { kind: "retry", echo, number, server: idOf(1), token: tokenOf(2) } as const;
      stubborn.at(nowMs + 1, { kind: "frame", from: action.to, frame });
    },
  );
  stubborn.at(0, path(1));
  stubborn.runUntil(10_000);
  assertLess(wants.length, 100);
  assertEquals(stubborn.of("confirmed"), []);
});

Deno.test("a busy server is asked when it said, and no sooner", () => {
  const file = fileOf(3);
  const wants: { readonly atMs: number; readonly want: Want }[] = [];
  const BUSY_MS = 700;
  const run: Run = new VirtualRun<LayerFetchEvent, LayerFetchAction>(
    new LayerFetch(file.content, { timeoutMs: TIMEOUT_MS }),
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind !== "send") return;
      const want = decodeFrame(action.datagram) as Want;
      wants.push({ atMs: nowMs, want });
      const { nonce, number } = want;
      const page = { kind: "layer", nonce, number, page: 0, ...pageOf(file, 0) } as const;
      const busy = { kind: "busy", echo: nonce, number, waitMs: BUSY_MS } as const;
      const frame = wants.length <= 2 ? busy : page;
      run.at(nowMs + 1, { kind: "frame", from: action.to, frame });
    },
  );
  run.at(0, path(1));
  run.runUntil(10_000);
  assertEquals(wants.map(({ atMs }) => atMs), [0, 1 + BUSY_MS, 2 + 2 * BUSY_MS]);
  assertEquals(run.of("layer").length, 1);
});

Deno.test("what a busy server refuses is not lost: it is asked for as before", () => {
  const file = fileOf(40);
  const wants: Want[] = [];
  const run: Run = new VirtualRun<LayerFetchEvent, LayerFetchAction>(
    new LayerFetch(file.content, { timeoutMs: TIMEOUT_MS }),
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind !== "send") return;
      const want = decodeFrame(action.datagram) as Want;
      wants.push(want);
      const { nonce, number, firstPage, pageCount } = want;
      if (wants.length === 2) {
        const busy = { kind: "busy", echo: nonce, number, waitMs: 700 } as const;
        return run.at(nowMs + 1, { kind: "frame", from: action.to, frame: busy });
      }
      for (let page = firstPage; page < firstPage + pageCount; page++) {
        const frame = { kind: "layer", nonce, number, page, ...pageOf(file, page) } as const;
        run.at(nowMs + 1, { kind: "frame", from: action.to, frame });
      }
    },
  );
  run.at(0, path(1));
  run.runUntil(10_000);
  assertEquals(wants.map(({ firstPage, pageCount }) => [firstPage, pageCount]), [
    [0, 1],
    [1, 2],
    [1, 2],
  ]);
});

Deno.test("what one server refuses is asked of another at once", () => {
  const file = fileOf(300);
  const run = start({ ...file, busyAt: endpointOf(1).address });
  run.at(0, path(1));
  run.at(0, path(2));
  run.runUntil(1_000);
  assertLess(run.of("layer")[0]?.atMs ?? Infinity, 50);
  const [first, second, ...rest] = run.of("send").map(({ action }) => action.to.address);
  assertEquals([first, second], ["10.0.0.1", "10.0.0.2"]);
  assertEquals(rest.includes("10.0.0.1"), false);
});

Deno.test("a server that is busy for ever is a server that brings nothing", () => {
  const run: Run = new VirtualRun<LayerFetchEvent, LayerFetchAction>(
    new LayerFetch(fileOf(3).content, { timeoutMs: TIMEOUT_MS }),
    { kind: "wakeup" },
    (action, nowMs) => {
      if (action.kind !== "send") return;
      const { nonce: echo, number } = decodeFrame(action.datagram) as Want;
      const frame = { kind: "busy", echo, number, waitMs: 60_000 } as const;
      run.at(nowMs + 1, { kind: "frame", from: action.to, frame });
    },
  );
  run.at(0, path(1));
  run.runUntil(TIMEOUT_MS + 1);
  assertEquals(run.of("stalled").length, 1);
});

Deno.test("of several routes loopback comes first, then the nearest", () => {
  const file = fileOf(2);
  const run = start({
    ...file,
    delayMs: ({ address }) => address === "10.0.0.8" ? 9 : address === "10.0.0.7" ? 2 : 20,
  });
  run.at(0, path(1, endpointOf(8)));
  run.at(0, path(1, endpointOf(7)));
  run.at(0, path(1, LOOPBACK));
  run.runUntil(1_000);
  const last = run.of("confirmed").at(-1)!.action;
  assertEquals(last.routes.map(({ endpoint, rttMs }) => [endpoint.address, rttMs]), [
    ["127.0.0.1", 20],
    ["10.0.0.7", 2],
    ["10.0.0.8", 9],
  ]);
});

Deno.test("pages from another address than the one that was asked are ignored", () => {
  const file = fileOf(2);
  const run = start({ ...file, answers: () => false });
  run.at(0, path(1));
  run.runUntil(1);
  const want = decodeFrame(run.of("send")[0]!.action.datagram) as Want;
  const { nonce, number } = want;
  const { hashes, proof } = pageOf(file, 0);
  const frame = { kind: "layer", nonce, number, page: 0, hashes, proof } as const;
  run.at(2, { kind: "frame", from: endpointOf(2), frame });
  run.runUntil(3);
  assertEquals(run.of("confirmed"), []);
  run.at(4, { kind: "frame", from: endpointOf(1), frame });
  run.runUntil(5);
  assertEquals(run.of("confirmed").length, 1);
});

Deno.test("a server that is silent is asked ever more rarely", () => {
  const run = start({ ...fileOf(2), answers: () => false });
  run.at(0, path(1));
  run.runUntil(10_000);
  assertLess(run.of("send").length, 20);
  assertGreater(run.of("send").length, 8);
});

Deno.test("a layer whose servers are all silent is stalled, once a timeout, until a page comes", () => {
  let isSilent = false;
  const run = start({ ...fileOf(3_000), answers: () => !isSilent });
  run.at(0, path(1));
  run.runUntil(2);
  isSilent = true;
  run.runUntil(9_000);
  const lastPageMs = 3;
  assertEquals(run.of("stalled").map(({ atMs }) => atMs), [
    lastPageMs + TIMEOUT_MS,
    lastPageMs + 2 * TIMEOUT_MS,
  ]);
  isSilent = false;
  run.runUntil(60_000);
  assertEquals(run.of("layer").length, 1);
  assertEquals(run.of("stalled").length, 2);
});
