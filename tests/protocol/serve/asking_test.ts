/** What those who ask a server may cause it to do, by what they have proved. */
import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { TOKEN_EPOCH_MS } from "../../../lib/protocol/base/limits.ts";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";
import {
  FIND_RETRIES_PER_S,
  PROBE_RETRIES_PER_S,
  QUESTION_WORK,
  SIMILAR_SEARCHES_PER_PARTY_PER_S,
  SIMILAR_SEARCHES_UNVALIDATED_PER_S,
  WORK_UNVALIDATED_BURST,
} from "../../../lib/protocol/serve/limits.ts";
import type { QuestionFrame } from "../../../lib/protocol/serve/questions.ts";
import type { Frame } from "../../../lib/wire/frames.ts";
import { byName, CLIENT, framesOf, only, Scene } from "./responder_scene.ts";

Deno.test("one address cannot have questions answered without end, and others are not affected", () => {
  const scene = new Scene();
  scene.ready("a", Uint8Array.of(1));
  const answers = new Map<string, number>();
  for (let i = 0; i < 2 * WORK_UNVALIDATED_BURST; i++) {
    for (const { kind } of framesOf(scene.find([byName("a")]))) {
      answers.set(kind, 1 + (answers.get(kind) ?? 0));
    }
  }
  assertEquals(answers.get("offer"), Math.ceil(WORK_UNVALIDATED_BURST / (QUESTION_WORK + 1)));
  // Past that, whoever is really there gets a token, with which he is heard.
  assertEquals(answers.get("retry"), FIND_RETRIES_PER_S);
  const other = { ...CLIENT, address: "192.168.7.21" };
  const find: Frame = {
    kind: "find",
    queryId: 1n,
    token: NO_TOKEN,
    round: 0,
    known: [],
    queries: [{ by: "any" }],
  };
  only("retry", scene.say(find, other));
  scene.nowMs += 1_000;
  only("retry", scene.say(find));
});

Deno.test("questions from a forged address leave its holder what a valid token gives", () => {
  const scene = new Scene();
  const { root } = scene.ready("a", Uint8Array.of(1));
  const expired = scene.token;
  scene.nowMs = 5 * TOKEN_EPOCH_MS;
  const want = (token: Bytes, number: number): QuestionFrame => ({
    ...{ kind: "layer_want", nonce: 77n, token, number, root, sizeBytes: 1 },
    ...{ firstPage: 0, pageCount: 1 },
  });
  const forged = new Uint8Array(16).fill(7);
  for (let i = 0; i < 3 * WORK_UNVALIDATED_BURST; i++) {
    scene.say(want(forged, i), { ...CLIENT, port: i & 1023 });
  }
  assertEquals(scene.say(want(forged, 0)), [], "what is forged has a bound");
  only("layer", scene.say(want(scene.token, 1)));
  only("retry", scene.say(want(expired, 2)));
  only("offer", scene.find([byName("a")], scene.token));
});

Deno.test("who asks too much with a valid token is told when to ask again", () => {
  const scene = new Scene();
  scene.ready("a", Uint8Array.of(1));
  const list = (number: number): QuestionFrame => ({
    ...{ kind: "list", queryId: 9n, token: scene.token, number, pagesMax: 16, after: undefined },
  });
  let last = scene.say(list(0));
  for (let number = 1; framesOf(last)[0]?.kind === "listing"; number++) {
    last = scene.say(list(number));
  }
  const busy = only("busy", last);
  assertEquals(busy.echo, 9n);
  assert(busy.waitMs > 0);
  assertEquals(scene.say(list(999)), [], "but not each time");
  scene.nowMs += busy.waitMs + 1;
  only("listing", scene.say(list(1_000)));
});

Deno.test("a client is told of once per name, whatever ports it asks from", () => {
  const scene = new Scene();
  scene.ready("a", Uint8Array.of(1));
  let told = 0;
  for (let port = 1; port <= 100; port++) {
    const find = { kind: "find", queryId: 1n, token: scene.token, round: 0, known: [] } as const;
    const actions = scene.say({ ...find, queries: [byName("a")] }, { ...CLIENT, port });
    told += actions.filter(({ kind }) => kind === "requested").length;
  }
  assertEquals(told, 1);
});

Deno.test("one address, and all without a token, leave searches for similar names to others", () => {
  const scene = new Scene();
  scene.ready("example", Uint8Array.of(1));
  const similar = (address: string, token: Bytes): number => {
    const find = { kind: "find", queryId: 1n, token, round: 0, known: [] } as const;
    const from = { ...CLIENT, address };
    const frames = framesOf(scene.say({ ...find, queries: [byName("exemple")] }, from));
    return frames.filter((frame) => frame.kind === "absent" && frame.similar.length > 0).length;
  };
  let [greedy, strangers] = [0, 0];
  for (let i = 0; i < 100; i++) greedy += similar("10.0.0.1", scene.tokens.issue(0, "10.0.0.1"));
  for (let i = 0; i < 100; i++) strangers += similar(`10.0.1.${i}`, NO_TOKEN);
  assertEquals(greedy, SIMILAR_SEARCHES_PER_PARTY_PER_S);
  assertEquals(strangers, SIMILAR_SEARCHES_UNVALIDATED_PER_S);
  assertEquals(similar("10.0.0.2", scene.tokens.issue(0, "10.0.0.2")), 1);
});

Deno.test("a FIND that is shorter than clients send it without a token costs nothing and is not answered", () => {
  const scene = new Scene();
  scene.ready("a", Uint8Array.of(1));
  const short = (token: Bytes): readonly Frame[] =>
    framesOf(
      scene.responder.handle(scene.nowMs, CLIENT, {
        ...{ kind: "find", queryId: 1n, token, round: 0, known: [] },
        queries: Array.from({ length: 64 }, () => byName("a")),
      }, 300),
    );
  for (let i = 0; i < 10 * WORK_UNVALIDATED_BURST; i++) assertEquals(short(NO_TOKEN), []);
  only("offer", scene.find([byName("a")]));
  // Whoever has a token that is not good any more is told so, within a bound.
  const stale = new Uint8Array(16).fill(7);
  const kinds = Array.from({ length: 2 * PROBE_RETRIES_PER_S }, () => short(stale)).flat();
  assertEquals(kinds.map(({ kind }) => kind), Array(PROBE_RETRIES_PER_S).fill("retry"));
  only("offer", scene.find([byName("a")]));
  assertEquals(short(scene.token).length, 64);
});
