import type { Endpoint } from "../../../lib/address.ts";
import type { QuestionFrame } from "../../../lib/protocol/serve/questions.ts";
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { NAME_BYTES_MAX } from "../../../lib/limits.ts";
import {
  BRIEF_FIND_BYTES_MAX,
  CONTROL_BYTES_MAX,
  FIND_BYTES_MIN,
  FIND_QUERIES_MAX,
  LISTING_PAGES_PER_LIST_MAX,
  OVERHEAD_BYTES_MAX,
} from "../../../lib/wire/limits.ts";
import { TOKEN_EPOCH_MS } from "../../../lib/protocol/base/limits.ts";
import { ABSENT_DELAY_MS_MAX } from "../../../lib/protocol/serve/limits.ts";
import { provesLayerPage } from "../../../lib/protocol/merkle/merkle.ts";
import { knownMark, NO_TOKEN, TOKEN_PLEASE } from "../../../lib/protocol/base/tokens.ts";
import { PROBE_BYTES_MIN } from "../../../lib/protocol/discovery/limits.ts";
import { encodeFrame, type Frame, type Query } from "../../../lib/wire/frames.ts";
import {
  byName,
  bytesOf,
  CLIENT,
  datagramsOf,
  framesOf,
  name,
  only,
  Scene,
  SERVER,
} from "./responder_scene.ts";

const NOBODY = hashHex("9".repeat(64));

// — FIND ——————————————————————————————————————————————————————————————————————————————————————————

Deno.test("a file that is hashed is offered at once, with what it is and a token", () => {
  const scene = new Scene();
  const content = scene.ready("a.txt", Uint8Array.of(1, 2, 3));
  const actions = scene.find([byName("a.txt")]);
  const offer = only("offer", actions);
  assertEquals([offer.root, offer.sha256, offer.sizeBytes], [content.root, content.sha256, 3]);
  assertEquals([offer.queryId, offer.queryIndex, offer.server], [1n, 0, SERVER]);
  assertEquals(scene.tokens.judge(0, CLIENT.address, offer.token), "valid");
  assertEquals(actions.map((each) => each.kind), ["send", "requested"]);
});

Deno.test("an offer says where the server's sessions are", () => {
  const scene = new Scene();
  scene.responder.tcpPort = 10_526;
  scene.ready("a.txt", Uint8Array.of(1));
  assertEquals(only("offer", scene.find([byName("a.txt")])).tcpPort, 10_526);
});

Deno.test("every other repeat is answered from the shared port, with the port to ask from then on", () => {
  const scene = new Scene();
  scene.responder.dataPort = 10_530;
  scene.ready("a.txt", Uint8Array.of(1));
  const answers = [0, 1, 2, 3].map((round) => scene.repeat([byName("a.txt")], round));
  const ports = answers.map((actions) =>
    actions.flatMap((each) => each.kind === "send" ? [each.port] : [])
  );
  assertEquals(ports, [["data"], ["discovery"], ["data"], ["discovery"]]);
  const named = answers.map((actions) => only("offer", actions).dataPort);
  assertEquals(named, [0, 10_530, 0, 10_530]);
});

Deno.test("nanoseconds are told to those who take them, where there is room", () => {
  const scene = new Scene();
  const mtimeRestNs = 456_789;
  const offer = (text: string, takes: boolean, isPrefix = false) => {
    const content = scene.ready(text, Uint8Array.of(1));
    const entry = scene.catalogue.lookUp(name(text))!;
    scene.catalogue.put(name(text), { ...entry.signature, mtimeRestNs, isPrefix }, "pending");
    scene.catalogue.ready(name(text), content);
    const find = { kind: "find", queryId: 1n, token: NO_TOKEN, round: 0, known: [] } as const;
    const queries = [byName(text)];
    const said = { ...find, queries, ...(takes && { takesRestNs: true as const }) };
    return only("offer", scene.say(said, CLIENT, FIND_BYTES_MIN - OVERHEAD_BYTES_MAX));
  };
  assertEquals(offer("a.txt", true).mtimeRestNs, mtimeRestNs);
  assertEquals("mtimeRestNs" in offer("a.txt", false), false);
  const longest = `${"x".repeat(250)}/`.repeat(4) + "y".repeat(20);
  assertEquals(longest.length, NAME_BYTES_MAX);
  assertEquals(offer(longest, true).mtimeRestNs, mtimeRestNs);
  const { isGrowing, ...grown } = offer(longest, true, true);
  assertEquals([isGrowing, "mtimeRestNs" in grown], [true, false]);
});

Deno.test("who asks briefly for a token is answered by that and nothing else, and heard with it", () => {
  const scene = new Scene();
  scene.responder.dataPort = 10_530;
  scene.ready("a.txt", Uint8Array.of(1));
  const brief = (text: string, round: number, token = TOKEN_PLEASE) => {
    const queries = [byName(text)];
    const find = { kind: "find", queryId: 1n, token, round, known: [], queries } as const;
    return scene.say(find, CLIENT, PROBE_BYTES_MIN);
  };
  for (const text of ["a.txt", "b.txt"]) {
    for (const round of [0, 1]) {
      const actions = brief(text, round);
      assertEquals(framesOf(actions).map(({ kind }) => kind), ["retry"]);
      const port = round === 0 ? "data" : "discovery";
      assertEquals(actions.map((each) => each.kind === "send" && each.port), [port]);
      assert(bytesOf(actions) <= PROBE_BYTES_MIN);
    }
  }
  const { token } = only("retry", brief("a.txt", 0));
  assertEquals(only("offer", brief("a.txt", 0, token)).name, "a.txt");
});

Deno.test("who asks briefly is answered in datagrams that are no longer than any path's", () => {
  const scene = new Scene();
  const names = Array.from({ length: 20 }, (_, i) => `file-${i}.txt`);
  for (const text of names) scene.ready(text, Uint8Array.of(1));
  const { token } = scene;
  const ask = (findBytes: number) => {
    const queries = names.map(byName);
    const find = { kind: "find", queryId: 1n, token, round: 0, known: [], queries } as const;
    return datagramsOf(scene.say(find, CLIENT, findBytes));
  };
  const lengths = (datagrams: readonly Bytes[]) => datagrams.map(({ length }) => length);
  assert(Math.max(...lengths(ask(BRIEF_FIND_BYTES_MAX))) <= BRIEF_FIND_BYTES_MAX);
  assert(Math.max(...lengths(ask(BRIEF_FIND_BYTES_MAX + 1))) > BRIEF_FIND_BYTES_MAX);
});

Deno.test("a request is reported once per second, whatever addresses or ports of the client it comes from", () => {
  const scene = new Scene();
  scene.ready("a.txt", Uint8Array.of(1));
  const isTold = (from: Endpoint) =>
    scene.say(
      {
        kind: "find",
        queryId: 1n,
        token: NO_TOKEN,
        round: 0,
        known: [],
        queries: [byName("a.txt")],
      },
      from,
    ).some((action) => action.kind === "requested");
  assert(isTold(CLIENT));
  assert(!isTold({ ...CLIENT, address: "127.0.0.1" }));
  assert(!isTold({ ...CLIENT, port: 40_001 }));
  assert(isTold({ address: "192.168.7.21", port: 40_002 }));
  scene.nowMs += 1_500;
  assert(isTold(CLIENT));
});

Deno.test("a file that is settling or being hashed is pending, and moves to the front", () => {
  const scene = new Scene();
  scene.pending("big", 5_000);
  scene.catalogue.progress(name("big"), 1_234);
  const actions = scene.find([byName("big")], scene.token);
  const pending = only("pending", actions);
  assertEquals([pending.sizeBytes, pending.hashedBytes], [5_000, 1_234]);
  assertEquals(pending.rateBytesPerS, 1_000_000);
  assert(actions.some((action) => action.kind === "prioritise" && action.name === "big"));
  // Anybody can ask in the name of an address: that changes nothing.
  const unproved = scene.find([byName("big")]);
  assertEquals(only("pending", unproved), pending);
  assert(!unproved.some((action) => action.kind === "prioritise"));
});

Deno.test("absence is told after a random delay, with similar names", () => {
  const scene = new Scene();
  scene.ready("example.txt", Uint8Array.of(1));
  const delays = new Set<number>();
  for (let i = 0; i < 10; i++) {
    const actions = scene.find([byName("exampel.txt")]);
    assertEquals(only("absent", actions).similar, [name("example.txt")]);
    for (const action of actions) {
      assert(action.kind === "send");
      assert(action.afterMs >= 0 && action.afterMs <= ABSENT_DELAY_MS_MAX);
      delays.add(action.afterMs);
    }
  }
  assert(delays.size > 5);
});

Deno.test("a validated client is told of absence at once", () => {
  const scene = new Scene();
  const actions = scene.find([byName("nothing")], scene.token);
  only("absent", actions);
  assert(actions.every((action) => action.kind === "send" && action.afterMs === 0));
});

Deno.test("nothing is absent before the folder was looked through", () => {
  const scene = new Scene();
  scene.view.isScanned = false;
  assertEquals(scene.find([byName("nothing")]), []);
});

Deno.test("content is found under whatever name it is held", () => {
  const scene = new Scene();
  const { sha256 } = scene.ready("folder/other name", Uint8Array.of(9));
  assertEquals(
    only("offer", scene.find([{ by: "sha256", sha256 }])).name,
    name("folder/other name"),
  );
});

Deno.test("a digest is absent only when nothing is left to hash", () => {
  const scene = new Scene();
  scene.pending("unknown", 10);
  assertEquals(scene.find([{ by: "sha256", sha256: NOBODY }]), []);
  scene.catalogue.remove(name("unknown"));
  only("absent", scene.find([{ by: "sha256", sha256: NOBODY }]));
});

Deno.test("a query for anybody is answered with a token", () => {
  const scene = new Scene();
  const retry = only("retry", scene.find([{ by: "any" }]));
  assertEquals([retry.echo, retry.number, retry.server], [1n, 0, SERVER]);
  assertEquals(scene.tokens.judge(0, CLIENT.address, retry.token), "valid");
});

Deno.test("a server that is listed as known by a token of its own stays silent", () => {
  const scene = new Scene();
  scene.ready("a.txt", Uint8Array.of(1));
  const queries: Query[] = [byName("a.txt"), { by: "any" }];
  const token = scene.tokens.issue(0, CLIENT.address);
  assertEquals(scene.find(queries, NO_TOKEN, [knownMark(token, 1n)]), []);
  // Its id is known to everybody, its token for another is that other's, and a mark is of one FIND.
  const others = [SERVER, knownMark(scene.tokens.issue(0, "10.0.0.77"), 1n), knownMark(token, 2n)];
  assert(scene.find(queries, NO_TOKEN, others).length > 0);
  scene.nowMs += TOKEN_EPOCH_MS;
  assertEquals(scene.find(queries, NO_TOKEN, [knownMark(token, 1n)]), []);
  scene.nowMs += TOKEN_EPOCH_MS;
  assert(scene.find(queries, NO_TOKEN, [knownMark(token, 1n)]).length > 0);
});

Deno.test("what is here is told before what is not, where not everything fits", () => {
  const scene = new Scene();
  scene.ready("here", Uint8Array.of(1));
  const missing = Array.from({ length: 40 }, (_, i) => byName(`missing ${i}`));
  const frames = framesOf(scene.find([...missing, byName("here")]));
  assertEquals(frames[0]?.kind, "offer");
  assert(frames.length > 10 && frames.length < 41);
});

Deno.test("a validated client gets an answer to every query, in full datagrams", () => {
  const scene = new Scene();
  const queries = Array.from({ length: FIND_QUERIES_MAX }, (_, i) => byName(`file ${i}`));
  for (let i = 0; i < FIND_QUERIES_MAX; i++) scene.ready(`file ${i}`, Uint8Array.of(i));
  const actions = scene.find(queries, scene.token);
  assertEquals(
    framesOf(actions).map((frame) => frame.kind === "offer" && frame.queryIndex),
    queries.map((_, i) => i),
  );
  assert(datagramsOf(actions).length < FIND_QUERIES_MAX / 5);
});

Deno.test("full datagrams leave room for what the transport adds", () => {
  const scene = new Scene(OVERHEAD_BYTES_MAX);
  const names = Array.from({ length: FIND_QUERIES_MAX }, (_, i) => `${"n".repeat(3 * i)}${i}`);
  names.forEach((each, i) => scene.ready(each, Uint8Array.of(i)));
  const list = { kind: "list", queryId: 1n, number: 1, pagesMax: 16, after: undefined } as const;
  const found = scene.find(names.slice(0, 20).map(byName), scene.token);
  for (const said of [found, scene.say({ ...list, token: scene.token })]) {
    const longest = Math.max(...datagramsOf(said).map((datagram) => datagram.length));
    assert(longest <= CONTROL_BYTES_MAX - OVERHEAD_BYTES_MAX, `${longest} bytes`);
  }
});

// — No amplification ——————————————————————————————————————————————————————————————————————————————

const LONG = "ä".repeat(127) + "/" + "x".repeat(254);
const HEAD = { nonce: 5n, number: 3, root: NOBODY, sizeBytes: 1 };
const QUESTIONS: readonly QuestionFrame[] = [
  { kind: "find", queryId: 1n, token: NO_TOKEN, round: 0, known: [], queries: [{ by: "any" }] },
  { kind: "find", queryId: 1n, token: NO_TOKEN, round: 0, known: [], queries: [byName("a/b")] },
  {
    kind: "find",
    queryId: 1n,
    token: NO_TOKEN,
    round: 0,
    known: [],
    queries: [byName(`${LONG}/${LONG}`)],
  },
  {
    kind: "find",
    queryId: 1n,
    token: NO_TOKEN,
    round: 0,
    known: [],
    queries: Array.from({ length: FIND_QUERIES_MAX }, () => byName("a/b")),
  },
  {
    kind: "find",
    queryId: 1n,
    token: NO_TOKEN,
    round: 0,
    known: [],
    queries: Array.from({ length: FIND_QUERIES_MAX }, () => ({ by: "any" })),
  },
  {
    kind: "find",
    queryId: 1n,
    token: NO_TOKEN,
    round: 0,
    known: [],
    queries: Array.from({ length: 30 }, () => ({ by: "sha256", sha256: NOBODY })),
  },
  { kind: "layer_want", token: NO_TOKEN, ...HEAD, firstPage: 0, pageCount: 16 },
  { kind: "pack_want", token: NO_TOKEN, ...HEAD, ranges: [{ offset: 0, lengthBytes: 1 }] },
  { kind: "list", queryId: 1n, token: NO_TOKEN, number: 1, pagesMax: 16, after: undefined },
  { kind: "list", queryId: 1n, token: NO_TOKEN, number: 1, pagesMax: 16, after: name(LONG) },
];

for (const [label, tokenAt] of [["without a token", undefined], ["with a stale one", 0]] as const) {
  Deno.test(`${label} no question is answered with more bytes than it had`, () => {
    const scene = new Scene();
    scene.ready("a/b", Uint8Array.of(1));
    scene.ready(`${LONG}/${LONG}`.slice(0, -1), Uint8Array.of(2));
    scene.ready(`${LONG}/${LONG}`.slice(0, -2), Uint8Array.of(3));
    const stale = scene.tokens.issue(0, CLIENT.address);
    scene.nowMs = 9 * TOKEN_EPOCH_MS;
    for (const question of QUESTIONS) {
      const token = tokenAt === undefined ? NO_TOKEN : stale;
      const frame = { ...question, token };
      const askedBytes = encodeFrame(frame).length;
      const answeredBytes = bytesOf(scene.say(frame));
      assert(answeredBytes <= askedBytes, `${frame.kind}: ${answeredBytes} > ${askedBytes}`);
    }
  });
}

Deno.test("the longest name is offered within the smallest FIND", () => {
  const scene = new Scene();
  const full = "a".repeat(200).concat("/").repeat(5).padEnd(NAME_BYTES_MAX, "b");
  scene.ready(full, Uint8Array.of(1));
  const actions = scene.find([byName(full)]);
  assertEquals(only("offer", actions).name, name(full));
  assert(bytesOf(actions) <= FIND_BYTES_MIN);
});

Deno.test("a stale token gets a fresh one that is good", () => {
  const scene = new Scene();
  const { root } = scene.ready("a", Uint8Array.of(1));
  const stale = scene.token;
  scene.nowMs = 2 * TOKEN_EPOCH_MS;
  const want = (token: Bytes): QuestionFrame => ({
    kind: "layer_want",
    nonce: 77n,
    token,
    number: 4,
    root,
    sizeBytes: 1,
    firstPage: 0,
    pageCount: 1,
  });
  const retry = only("retry", scene.say(want(stale)));
  assertEquals([retry.echo, retry.number, retry.server], [77n, 4, SERVER]);
  only("layer", scene.say(want(retry.token)));
});

Deno.test("packs are asked for by those alone who have proved their address", () => {
  const scene = new Scene();
  const ranges = [{ offset: 0, lengthBytes: 1 }];
  const want = (token: Bytes): QuestionFrame => ({ kind: "pack_want", token, ...HEAD, ranges });
  const retry = only("retry", scene.say(want(NO_TOKEN)));
  const [action, ...more] = scene.say(want(retry.token));
  assert(action?.kind === "pack" && more.length === 0);
  assertEquals([action.to, action.want.ranges], [CLIENT, ranges]);
});

// — LAYER_WANT, LIST ————————————————————————————————————————————————————————————————————————

Deno.test("layer pages are what the root proves, and only those that exist", () => {
  const scene = new Scene();
  const sizeBytes = 40 * 65_536 + 1;
  const { root } = scene.ready("a", Uint8Array.from({ length: sizeBytes }, (_, i) => i % 251));
  const frames = framesOf(scene.say({
    kind: "layer_want",
    nonce: 5n,
    token: scene.token,
    number: 1,
    root,
    sizeBytes,
    firstPage: 1,
    pageCount: 200,
  }));
  assertEquals(frames.map((frame) => frame.kind === "layer" && frame.page), [1, 2]);
  for (const frame of frames) {
    assert(frame.kind === "layer");
    assert(provesLayerPage(frame, frame.page, sizeBytes, root));
  }
});

Deno.test("the layer of the empty file is one page without hashes", () => {
  const scene = new Scene();
  const { root } = scene.ready("empty", new Uint8Array(0));
  const layer = only(
    "layer",
    scene.say({
      kind: "layer_want",
      nonce: 5n,
      token: scene.token,
      number: 1,
      root,
      sizeBytes: 0,
      firstPage: 0,
      pageCount: 1,
    }),
  );
  assertEquals([layer.page, layer.hashes.length, layer.proof.length], [0, 0, 0]);
});

Deno.test("the layer of what is not offered any more is gone", () => {
  const scene = new Scene();
  const { root } = scene.ready("a", Uint8Array.of(1));
  const want: Frame = {
    kind: "layer_want",
    nonce: 5n,
    token: scene.token,
    number: 9,
    root,
    sizeBytes: 1,
    firstPage: 0,
    pageCount: 1,
  };
  only("layer", scene.say(want));
  scene.catalogue.remove(name("a"));
  const gone = only("gone", scene.say(want));
  assertEquals([gone.nonce, gone.number, gone.root, gone.reason], [5n, 9, root, "unknown"]);
});

Deno.test("a listing names every file once, in order, over as many requests as it takes", () => {
  const scene = new Scene();
  const expected: string[] = [];
  for (let i = 0; i < 700; i++) {
    const text = `${String(i).padStart(4, "0")} ${"n".repeat(i % 200)}`;
    expected.push(text);
    if (i % 3 === 0) scene.pending(text, i);
    else scene.ready(text, Uint8Array.of(i % 256, i >> 8));
  }
  const seen: string[] = [];
  let after: SafeFileName | undefined;
  for (let number = 1; number < 100; number++) {
    const pages = framesOf(
      scene.say({
        kind: "list",
        queryId: 1n,
        token: scene.token,
        number,
        pagesMax: LISTING_PAGES_PER_LIST_MAX,
        after,
      }),
    );
    pages.forEach((page, i) => {
      assert(page.kind === "listing");
      assertEquals([page.page, page.number, page.filesTotal], [i, number, 700]);
      assertEquals(
        page.isLast === 1,
        i === pages.length - 1 && page.entries.at(-1)?.name === expected.at(-1),
      );
      for (const entry of page.entries) {
        seen.push(entry.name);
        assertEquals(entry.state, Number(entry.name.slice(0, 4)) % 3 === 0 ? "pending" : "ready");
      }
    });
    const last = pages.at(-1);
    assert(last?.kind === "listing");
    if (last.isLast === 1) break;
    assertEquals(pages.length, LISTING_PAGES_PER_LIST_MAX);
    after = last.entries.at(-1)?.name;
  }
  assertEquals(seen, expected);
});

Deno.test("the listing of an empty folder is one page, the last", () => {
  const scene = new Scene();
  const page = only(
    "listing",
    scene.say({
      kind: "list",
      queryId: 1n,
      token: scene.token,
      number: 1,
      pagesMax: 16,
      after: undefined,
    }),
  );
  assertEquals([page.page, page.isLast, page.entries.length], [0, 1, 0]);
});
