import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { TOKEN_EPOCH_MS } from "../../../lib/protocol/base/limits.ts";
import { CHUNK_BYTES_MIN } from "../../../lib/protocol/merkle/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { NO_TOKEN, Tokens } from "../../../lib/protocol/base/tokens.ts";
import {
  BUSY_INTERVAL_MS,
  BUSY_WAIT_MS_MAX,
  FLOW_NEWS_MEMORY_MS,
  QUESTIONS_FORWARDED_WORK_MAX,
  QUESTIONS_UNVALIDATED_MAX,
  SENT_CHUNKS_PER_ADDRESS_MAX,
  STATS_INTERVAL_MS,
  WANTS_UNLOCATED_MAX,
  WORK_BURST,
} from "../../../lib/protocol/serve/limits.ts";
import {
  RangeServer,
  type RangeServerAction,
  type RangeServerEvent,
  type ServeOutcome,
} from "../../../lib/protocol/serve/range_server.ts";
import type { WantFrame } from "../../../lib/protocol/serve/sender.ts";
import type { ServedFile } from "../../../lib/protocol/base/served_file.ts";
import { decodeFrame, encodeFrame, type Frame, type FrameOf } from "../../../lib/wire/frames.ts";

const SERVER = serverId("5e".repeat(16));
const A: Endpoint = { address: "10.0.0.1", port: 5000 };
const B: Endpoint = { address: "10.0.0.2", port: 5000 };
const ROOT = hashHex("ab".repeat(32));
const CONTENT = { root: ROOT, sizeBytes: 1_000_000 };
const FILE: ServedFile = {
  name: "film" as SafeFileName,
  place: { kind: "file", dir: "/served", name: "film" },
  sizeBytes: 1_000_000,
  mtimeMs: 1,
  ctimeMs: 1,
  inode: 7,
};

/** A range server, and what it says. */
class Scene {
  readonly tokens = new Tokens(Uint8Array.of(1, 2, 3));
  readonly machine: RangeServer;
  nowMs = 0;

  constructor(rateBytesPerS = 0) {
    this.machine = new RangeServer({
      ...{ server: SERVER, tokens: this.tokens, rateBytesPerS, random: new Random(1) },
    });
  }

  handle(event: RangeServerEvent): readonly RangeServerAction[] {
    return this.machine.handle(this.nowMs, event);
  }

  frame(from: Endpoint, frame: Frame): readonly RangeServerAction[] {
    return this.handle({ kind: "frame", from, frame, frameBytes: encodeFrame(frame).length });
  }

  want(from: Endpoint, number: number, changes: Partial<WantFrame> = {}) {
    return this.frame(from, this.wantOf(from, number, changes));
  }

  wantOf({ address }: Endpoint, number: number, changes: Partial<WantFrame> = {}): WantFrame {
    return {
      ...{ kind: "want", nonce: 1n, token: this.tokens.issue(this.nowMs, address), number },
      ...{ ...CONTENT, segmentBytes: 1_400, withCrc: 0 },
      ranges: [{ offset: 0, lengthBytes: 50_000 }],
      ...changes,
    };
  }

  find(from: Endpoint, token: Bytes = NO_TOKEN): readonly RangeServerAction[] {
    return this.frame(from, {
      ...{ kind: "find", queryId: 1n, token, round: 0, known: [], queries: [] },
    });
  }

  strike(from: Endpoint, changes: Partial<FrameOf<"strike">> = {}) {
    const token = this.tokens.issue(this.nowMs, from.address);
    return this.frame(from, { kind: "strike", nonce: 1n, token, ...CONTENT, chunk: 0, ...changes });
  }

  served(outcome: ServeOutcome, sentBytes = 0): readonly RangeServerAction[] {
    return this.handle({ kind: "served", outcome, sentBytes });
  }

  /** A client's first request, which finds its file. */
  start(from = A): readonly RangeServerAction[] {
    this.want(from, 1);
    this.served("unknown");
    this.handle({ kind: "located", ...CONTENT, file: FILE });
    return this.handle({ kind: "opened", ...CONTENT, isAsIndexed: true });
  }
}

/** The kinds of actions, those that are a client's with whose they are. */
function brief(actions: readonly RangeServerAction[]): string[] {
  return actions.filter(({ kind }) => kind !== "sent").map((action) => {
    switch (action.kind) {
      case "serve":
        return `serve ${action.turn.to.address.at(-1)}:${action.turn.want.number}`;
      case "send": {
        const frame = decodeFrame(action.datagram);
        const reason = frame.kind === "gone" ? ` ${frame.reason}` : "";
        return `${frame.kind}${reason} ${action.to.address.at(-1)}`;
      }
      case "open":
        return `open ${action.file.name}`;
      default:
        return action.kind;
    }
  });
}

// — Tokens ————————————————————————————————————————————————————————————————————————————————————————

Deno.test("a request without a good token is told one, and is not served", () => {
  const scene = new Scene();
  const stale = scene.tokens.issue(0, A.address);
  scene.nowMs = 3 * TOKEN_EPOCH_MS;
  for (const token of [NO_TOKEN, stale, scene.tokens.issue(scene.nowMs, B.address)]) {
    const [retry, ...others] = scene.want(A, 9, { token });
    assert(retry?.kind === "send" && others.length === 0);
    const frame = decodeFrame(retry.datagram) as FrameOf<"retry">;
    assertEquals([frame.kind, frame.number, frame.server], ["retry", 9, SERVER]);
    assertEquals(frame.token, scene.tokens.issue(scene.nowMs, A.address));
  }
});

Deno.test("tokens are judged by the clock of their issuer", () => {
  const tokens = new Tokens(Uint8Array.of(1));
  const machine = new RangeServer({
    ...{ server: SERVER, tokens, rateBytesPerS: 0, tokenClockOffsetMs: 5 * TOKEN_EPOCH_MS },
    random: new Random(1),
  });
  const token = tokens.issue(5 * TOKEN_EPOCH_MS, A.address);
  const frame = new Scene().wantOf(A, 1, { token });
  const actions = machine.handle(0, { kind: "frame", from: A, frame, frameBytes: 100 });
  assertEquals(brief(actions), ["serve 1:1"]);
});

// — Finding files —————————————————————————————————————————————————————————————————————————————————

Deno.test("a content that is not open is located once, and all who asked meanwhile are served", () => {
  const scene = new Scene();
  assertEquals(brief(scene.want(A, 1)), ["serve 1:1"]);
  assertEquals(brief(scene.served("unknown")), ["locate"]);
  assertEquals(brief(scene.want(A, 2)), []);
  assertEquals(brief(scene.want(B, 1)), []);
  assertEquals(brief(scene.handle({ kind: "located", ...CONTENT, file: FILE })), ["open film"]);
  assertEquals(brief(scene.want(B, 2)), [], "what comes while it is opened waits as well");
  const opened = scene.handle({ kind: "opened", ...CONTENT, isAsIndexed: true });
  // Having asked in vain counts as well.
  assertEquals(brief(opened), ["serve 2:1"]);
  assertEquals(brief(scene.served("sent")), ["flow", "serve 1:1"]);
  assertEquals(brief(scene.served("sent")), ["flow", "serve 2:2"]);
  assertEquals(brief(scene.served("sent")), ["serve 1:2"]);
});

Deno.test("a content that is not there is GONE for all who asked", () => {
  const scene = new Scene();
  scene.want(A, 1);
  scene.served("unknown");
  scene.want(B, 1);
  const actions = scene.handle({ kind: "located", ...CONTENT });
  assertEquals(brief(actions), ["gone unknown 1", "gone unknown 2"]);
  assertEquals(brief(scene.want(A, 2)), ["serve 1:2"], "it is asked for anew");
});

Deno.test("a file that is not what was indexed is told when it is opened", () => {
  const scene = new Scene();
  scene.want(A, 1);
  scene.served("unknown");
  scene.handle({ kind: "located", ...CONTENT, file: FILE });
  const actions = scene.handle({ kind: "opened", ...CONTENT, isAsIndexed: false });
  assertEquals(brief(actions), ["changed", "gone changed 1"]);
});

Deno.test("a file that changes while it is served is closed, and no more of it is sent", () => {
  const scene = new Scene();
  scene.start();
  scene.want(A, 2);
  assertEquals(brief(scene.served("changed")), ["close", "gone changed 1", "changed", "serve 1:2"]);
});

Deno.test("what is forgotten is closed", () => {
  const scene = new Scene();
  scene.start();
  assertEquals(brief(scene.handle({ kind: "forget", ...CONTENT })), ["close"]);
});

Deno.test("requests for what is being located have a bound, and those beyond it are counted", () => {
  const scene = new Scene();
  for (let i = 0; i <= WANTS_UNLOCATED_MAX; i++) {
    scene.want({ address: `10.0.0.${i % 8}`, port: i }, 1);
    if (i === 0) scene.served("unknown");
  }
  scene.nowMs += STATS_INTERVAL_MS;
  const [counts] = scene.handle({ kind: "wakeup" });
  assert(counts?.kind === "counts");
  assertEquals(counts.dropped, 1);
});

// — Serving ———————————————————————————————————————————————————————————————————————————————————————

Deno.test("one request is served at a time, and addresses take turns", () => {
  const scene = new Scene();
  assertEquals(brief(scene.start(A)), ["serve 1:1"]);
  assertEquals(brief(scene.want(A, 2)), []);
  assertEquals(brief(scene.want(B, 1)), []);
  assertEquals(brief(scene.served("sent")), ["flow", "serve 2:1"]);
  assertEquals(brief(scene.served("sent")), ["flow", "serve 1:2"]);
  assertEquals(brief(scene.served("sent")), []);
  assertEquals(brief(scene.want(A, 3)), ["serve 1:3"], "a flow is told once");
});

Deno.test("who is sent what is told once per address, whatever its ports and nonces, until it rests", () => {
  const scene = new Scene();
  let told = 0;
  for (let i = 0; i < 100; i++) {
    scene.nowMs += FLOW_NEWS_MEMORY_MS / 2;
    scene.want({ ...A, port: i }, 1, { nonce: BigInt(i) });
    told += scene.served("sent").filter(({ kind }) => kind === "flow").length;
  }
  assertEquals(told, 1);
  scene.nowMs += FLOW_NEWS_MEMORY_MS + 1;
  scene.want(A, 1);
  assertEquals(brief(scene.served("sent")).filter((kind) => kind === "flow"), ["flow"]);
});

Deno.test("a send that is too long for the interface is counted, and the next one is served", () => {
  const scene = new Scene();
  scene.start();
  scene.want(A, 2);
  assertEquals(brief(scene.served("tooLong")), ["flow", "serve 1:2"]);
  scene.nowMs += STATS_INTERVAL_MS;
  const counts = scene.served("sent", 50_000).find(({ kind }) => kind === "counts");
  assert(counts?.kind === "counts");
  assertEquals([counts.tooLong, counts.sentBytes, counts.dropped], [1, 50_000, 0]);
});

Deno.test("with a rate the next request waits for it, and is served at the wake-up", () => {
  const scene = new Scene(100_000);
  assertEquals(brief(scene.want(A, 1)), ["serve 1:1"]);
  assertEquals(brief(scene.want(B, 1)), []);
  assertEquals(brief(scene.served("sent")), ["flow"]);
  const wakeupMs = scene.machine.nextWakeupMs(scene.nowMs);
  assert(wakeupMs > scene.nowMs && wakeupMs < STATS_INTERVAL_MS, `${wakeupMs}`);
  scene.nowMs = wakeupMs;
  assertEquals(brief(scene.handle({ kind: "wakeup" })), ["serve 2:1"]);
});

// — Questions —————————————————————————————————————————————————————————————————————————————————————

Deno.test("questions go to the main thread as they were decoded, whatever their token", () => {
  const scene = new Scene();
  const [stranger] = scene.find(A);
  assert(stranger?.kind === "question");
  assertEquals([stranger.frame.kind, stranger.from], ["find", A]);
  const [friend] = scene.find(B, scene.tokens.issue(0, B.address));
  assert(friend?.kind === "question" && friend.work > 0);
});

/** A question that costs something: all pages of a layer. */
function layerWant(token: Bytes, number: number): Frame {
  return { kind: "layer_want", nonce: 5n, token, number, ...CONTENT, firstPage: 0, pageCount: 16 };
}

Deno.test("a flood of questions without a token leaves room for those who have one", () => {
  const scene = new Scene();
  // Others keep the main thread busy.
  const busy: Endpoint = { address: "10.0.0.7", port: 1 };
  let forwardedWork = 0;
  for (let number = 0; forwardedWork < QUESTIONS_FORWARDED_WORK_MAX; number++) {
    const actions = scene.frame(busy, layerWant(scene.tokens.issue(0, busy.address), number));
    for (const action of actions) if (action.kind === "question") forwardedWork += action.work;
  }
  for (let i = 0; i < 2 * QUESTIONS_UNVALIDATED_MAX; i++) {
    assertEquals(scene.find({ address: `10.9.${i >> 8}.${i & 255}`, port: i }), []);
  }
  assertEquals(scene.find(B, scene.tokens.issue(0, B.address)), []);
  const order: string[] = [];
  for (let turn = 0; turn < 4; turn++) {
    const actions = scene.handle({ kind: "handled", work: forwardedWork });
    forwardedWork = 0;
    for (const action of actions) {
      if (action.kind !== "question") continue;
      forwardedWork += action.work;
      order.push(action.from.address);
    }
  }
  assert(order.indexOf(B.address) >= 0 && order.indexOf(B.address) < 3, order.slice(0, 5).join());
});

Deno.test("who has proved an address and asks much waits for others, and for their turns", () => {
  const scene = new Scene();
  const ask = (from: Endpoint, number: number) =>
    scene.frame(from, layerWant(scene.tokens.issue(0, from.address), number));
  for (let number = 0; number < 50; number++) ask(A, number);
  assert(scene.machine.forwardedWork < 2 * QUESTIONS_FORWARDED_WORK_MAX);
  for (let number = 0; number < 3; number++) assertEquals(ask(B, number), []);
  const next = [
    ...scene.handle({ kind: "handled", work: QUESTIONS_FORWARDED_WORK_MAX }),
  ].flatMap((action) => action.kind === "question" ? [action.from.address] : []);
  assertEquals(next.slice(0, 4).filter((address) => address === B.address).length, 2);
});

Deno.test("who causes more work than anybody may is told to wait, once in a while, and goes no further", () => {
  const scene = new Scene();
  let [work, busy] = [0, 0];
  for (let number = 0; number < 400; number++) {
    const token = scene.tokens.issue(scene.nowMs, A.address);
    for (const action of scene.frame(A, layerWant(token, number))) {
      if (action.kind === "send") {
        const frame = decodeFrame(action.datagram);
        assert(frame.kind === "busy" && frame.echo === 5n && frame.number === number);
        assert(frame.waitMs > 0 && frame.waitMs <= BUSY_WAIT_MS_MAX);
        busy += 1;
      }
      if (action.kind !== "question") continue;
      work += action.work;
      scene.handle({ kind: "handled", work: action.work });
    }
  }
  assert(work < WORK_BURST + 100, `${work}`);
  assertEquals(busy, 1);
  assertEquals(brief(scene.frame(B, layerWant(scene.tokens.issue(0, B.address), 1))), ["question"]);
  scene.nowMs += BUSY_INTERVAL_MS + 1;
  const again = scene.frame(A, layerWant(scene.tokens.issue(scene.nowMs, A.address), 999));
  assertEquals(brief(again).length, 1, "what has grown back is there to be asked for");
});

Deno.test("questions that are forged in the name of an address use up nothing of what its token gives", () => {
  const scene = new Scene();
  let answered = 0;
  for (let i = 0; i < 20_000; i++) {
    const actions = scene.find({ ...A, port: i & 1023 });
    for (const action of actions) {
      if (action.kind === "question") scene.handle({ kind: "handled", work: action.work });
    }
    answered += actions.length;
  }
  assert(answered < 5_000, `${answered}: even claims have a bound`);
  assertEquals(brief(scene.find(A)), []);
  const token = scene.tokens.issue(0, A.address);
  assertEquals(brief(scene.frame(A, layerWant(token, 1))), ["question"]);
  scene.nowMs = 5 * TOKEN_EPOCH_MS;
  for (let i = 0; i < 20_000; i++) scene.find({ ...A, port: i & 1023 });
  assertEquals(brief(scene.frame(A, layerWant(token, 2))).length, 0, "the main thread is busy");
  const [question] = scene.handle({ kind: "handled", work: 10_000 });
  assert(question?.kind === "question");
});

Deno.test("what only servers send, and noise, is counted and not answered", () => {
  const scene = new Scene();
  const gone = { kind: "gone", nonce: 1n, number: 1, root: ROOT, reason: "unknown" } as const;
  assertEquals(scene.frame(A, gone), []);
  assertEquals(scene.handle({ kind: "noise" }), []);
  scene.nowMs += STATS_INTERVAL_MS;
  const [counts] = scene.handle({ kind: "wakeup" });
  assert(counts?.kind === "counts");
  assertEquals(counts.malformed, 2);
});

// — Counts and the end ————————————————————————————————————————————————————————————————————————————

Deno.test("counts are told once an interval while there is something to tell", () => {
  const scene = new Scene();
  assertEquals(scene.machine.nextWakeupMs(0), Infinity);
  scene.start();
  scene.served("sent", 7);
  assertEquals(scene.machine.nextWakeupMs(0), STATS_INTERVAL_MS);
  scene.nowMs = STATS_INTERVAL_MS;
  const [counts] = scene.handle({ kind: "wakeup" });
  assert(counts?.kind === "counts");
  assertEquals([counts.sentBytes, counts.flows], [7, 0]);
  assertEquals(scene.machine.nextWakeupMs(scene.nowMs), Infinity);
});

Deno.test("stopped, it serves and asks for nothing more", () => {
  const scene = new Scene();
  scene.start();
  scene.want(A, 2);
  assertEquals(scene.handle({ kind: "stop" }), []);
  assertEquals(scene.served("sent"), []);
  assertEquals(scene.want(B, 1), []);
  assertEquals(scene.machine.nextWakeupMs(0), Infinity);
});

// — Strikes ———————————————————————————————————————————————————————————————————————————————————————

/** A whole chunk, as this content is cut. */
const CHUNK = { offset: 0, lengthBytes: CHUNK_BYTES_MIN };

Deno.test("a strike counts for a chunk that its flow was sent whole, and once", () => {
  const scene = new Scene();
  scene.start();
  scene.served("sent");
  scene.want(A, 2, { ranges: [CHUNK] });
  scene.served("sent");
  const [action, ...others] = scene.strike(A);
  assertEquals(others, []);
  assertEquals(action, { kind: "struck", party: A.address, ...CONTENT, chunk: 0 });
  assertEquals(brief(scene.strike(A)), [], "it was struck");
  scene.want(A, 3, { ranges: [CHUNK] });
  scene.served("sent");
  assertEquals(brief(scene.strike(A)), ["struck"], "it was sent again");
});

Deno.test("a strike that comes before the sending has returned counts once it has, and only then", () => {
  const scene = new Scene();
  scene.start();
  scene.served("sent");
  scene.want(A, 2, { ranges: [CHUNK] });
  for (let i = 0; i < 2; i++) assertEquals(brief(scene.strike(A)), [], "it is being sent");
  assertEquals(brief(scene.strike(B)), [], "by another");
  const sent = scene.served("sent");
  assertEquals(sent.filter(({ kind }) => kind === "struck"), [
    { kind: "struck", party: A.address, ...CONTENT, chunk: 0 },
  ]);
  for (const outcome of ["tooLong", "lacking"] as const) {
    scene.want(A, 3, { ranges: [CHUNK] });
    assertEquals(brief(scene.strike(A)), []);
    assertEquals(scene.served(outcome).filter(({ kind }) => kind === "struck"), []);
  }
  scene.nowMs += STATS_INTERVAL_MS;
  const counts = scene.handle({ kind: "wakeup" }).find((action) => action.kind === "counts");
  assertEquals(counts?.dropped, 4);
});

Deno.test("a strike about anything else changes nothing, and is counted", () => {
  const scene = new Scene();
  scene.start();
  scene.served("sent");
  // All but a byte of the first chunk, and all of the second.
  scene.want(A, 2, { ranges: [{ offset: 1, lengthBytes: 2 * CHUNK_BYTES_MIN - 1 }] });
  scene.served("sent");
  scene.want(A, 3, { ranges: [{ offset: 5 * CHUNK_BYTES_MIN, lengthBytes: CHUNK_BYTES_MIN }] });
  scene.served("tooLong");
  const others: Partial<FrameOf<"strike">>[] = [
    ...[2, 5, 15, 16, 2 ** 32 - 1].map((chunk) => ({ chunk })),
    { chunk: 1, nonce: 2n },
    { chunk: 1, sizeBytes: CONTENT.sizeBytes - 1 },
    { chunk: 1, root: hashHex("cd".repeat(32)) },
  ];
  for (const other of others) assertEquals(brief(scene.strike(A, other)), []);
  assertEquals(brief(scene.strike(B, { chunk: 1 })), []);
  assertEquals(brief(scene.strike({ ...A, port: 6 }, { chunk: 1 })), []);
  assertEquals(brief(scene.strike(A, { chunk: 1, token: NO_TOKEN })), ["retry 1"]);
  scene.nowMs += STATS_INTERVAL_MS;
  const counts = scene.handle({ kind: "wakeup" }).find((action) => action.kind === "counts");
  assertEquals(counts?.dropped, others.length + 2);
  assertEquals(brief(scene.strike(A, { chunk: 1 })), ["struck"]);
});

Deno.test("the first chunk counts when the last of its bytes was sent, in however many requests", () => {
  const scene = new Scene();
  scene.start();
  scene.served("sent");
  scene.want(A, 2, { ranges: [{ offset: 50_000, lengthBytes: CHUNK_BYTES_MIN - 50_000 }] });
  scene.served("sent");
  assertEquals(brief(scene.strike(A)), ["struck"]);
});

Deno.test("what one address has sent makes the server forget nothing that another was", () => {
  const scene = new Scene();
  scene.start();
  scene.served("sent");
  scene.want(A, 2, { ranges: [CHUNK] });
  scene.served("sent");
  for (let number = 1; number <= SENT_CHUNKS_PER_ADDRESS_MAX + 1; number++) {
    scene.want(B, number, { nonce: BigInt(number), ranges: [CHUNK] });
    scene.served("sent");
  }
  assertEquals(brief(scene.strike(A)), ["struck"]);
  assertEquals(brief(scene.strike(B, { nonce: 1n })), [], "its own oldest makes room");
  assertEquals(brief(scene.strike(B, { nonce: 2n })), ["struck"]);
});
