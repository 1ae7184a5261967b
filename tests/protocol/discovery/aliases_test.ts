/** A server that is reached by several addresses, and knows us by several, is one (docs/PROTOCOL.md, "Who is counted"). */
import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import type { Bytes } from "../../../lib/ids.ts";
import { Finder } from "../../../lib/protocol/discovery/finder.ts";
import { ALIAS_PATIENCE_MS, ALIAS_TRIES_MAX } from "../../../lib/protocol/discovery/limits.ts";
import { isQuestion, type QuestionFrame } from "../../../lib/protocol/serve/questions.ts";
import type { Frame, FrameOf } from "../../../lib/wire/frames.ts";
import { packedFramesIn } from "../../../lib/wire/packed_frames.ts";
import { CONTROL_BYTES_MAX } from "../../../lib/wire/limits.ts";
import { byName, framesOf, Scene } from "../serve/responder_scene.ts";

const V4: Endpoint = { address: "10.0.0.1", port: 10_530 };
const V6: Endpoint = { address: "fe80::1%e1", port: 10_530 };
const OWN = ["127.0.0.1", "::1", "10.0.0.20", "fe80::20%e1"];
const BROADCAST: Endpoint = { address: "10.0.0.255", port: 10_526 };

/** Where the client is seen by who is asked there; servers call the interface otherwise. */
const seenBy = ({ address }: Endpoint): Endpoint => ({
  address: address.includes(":") ? "fe80::20%wlan0" : "10.0.0.20",
  port: 40_000,
});

type Answerer = (question: QuestionFrame, from: Endpoint, bytes: number) => readonly Frame[];

function serverOf(scene: Scene): Answerer {
  return (question, from) => framesOf(scene.say(question, from));
}

/** Its own, as every server's is. */
function scene(secret = 1): Scene {
  const made = new Scene(0, Uint8Array.of(secret));
  made.ready("a.txt", Uint8Array.of(1));
  return made;
}

/** What a client takes for servers, in a network where these answer at these endpoints. */
function serversFound(
  network: ReadonlyMap<Endpoint, Answerer>,
  ownAddresses: readonly string[] = OWN,
) {
  let id = 0n;
  const finder = new Finder({
    queries: [byName("a.txt")],
    nextQueryId: () => ++id,
    seed: 1,
    timeoutMs: 10_000,
    attempts: 1,
    ownAddresses,
  });
  const servers = new Map<string, Set<string>>();
  const asked: FrameOf<"alias_want">[] = [];
  const waiting: (readonly [Endpoint, Frame])[] = [];
  const deliver = (datagram: Bytes, to: Endpoint): void => {
    assert(datagram.length <= CONTROL_BYTES_MAX);
    for (const [endpoint, answer] of network) {
      if (to !== BROADCAST && (to.address !== endpoint.address || to.port !== endpoint.port)) {
        continue;
      }
      for (const { frame, bytes } of packedFramesIn(datagram)) {
        if (!isQuestion(frame)) continue;
        if (frame.kind === "alias_want") asked.push(frame);
        for (const each of answer(frame, seenBy(endpoint), bytes.length)) {
          waiting.push([endpoint, each]);
        }
      }
    }
  };
  const step = (nowMs: number, event: Parameters<Finder["handle"]>[1]): void => {
    for (const action of finder.handle(nowMs, event)) {
      if (action.kind === "broadcast") deliver(action.datagram, BROADCAST);
      if (action.kind === "unicast") deliver(action.datagram, action.to);
      if (action.kind !== "offer" || !action.offer.isProved) continue;
      const { server, path: { endpoint: { address } }, party } = action.offer;
      servers.set(server, (servers.get(server) ?? new Set()).add(address));
      // Whoever has an address of IPv4 votes by that, whichever came first.
      if (!address.includes(":")) assert(!party.includes(":"), party);
    }
  };
  for (let nowMs = 0; nowMs <= (ALIAS_TRIES_MAX + 1) * ALIAS_PATIENCE_MS; nowMs += 10) {
    step(nowMs, { kind: "wakeup" });
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      step(nowMs, { kind: "frame", from: next[0], frame: next[1] as never });
    }
  }
  return { servers: [...servers.values()].map((paths) => [...paths].sort()), asked };
}

const BOTH = [[V4.address, V6.address]];
const APART = [[V4.address], [V6.address]];

Deno.test("a server that answers by both families is one, with a path each, whichever is first", () => {
  const answer = serverOf(scene());
  for (const order of [[V4, V6], [V6, V4]]) {
    const { servers, asked } = serversFound(new Map(order.map((each) => [each, answer])));
    assertEquals(servers, BOTH);
    assertEquals(asked.map(({ addresses }) => addresses), [["10.0.0.20", "fe80::20"]]);
  }
});

const V4_TOO: Endpoint = { address: "10.0.1.1", port: 10_530 };

Deno.test("a server on two links of IPv4 is one, though it knows the client by another address on each", () => {
  const made = scene();
  const answer: Answerer = (question, from) => framesOf(made.say(question, from));
  const onLink = (address: string): Answerer => (question) =>
    answer(question, { address, port: 40_000 }, 0);
  const network = new Map([[V4, onLink("10.0.0.20")], [V4_TOO, onLink("10.0.1.20")]]);
  const { servers } = serversFound(network, ["127.0.0.1", "10.0.0.20", "10.0.1.20"]);
  assertEquals(servers, [[V4.address, V4_TOO.address]]);
});

Deno.test("a server on two links by both families is one, whatever is proved and whatever is claimed first", () => {
  const made = scene();
  const answer: Answerer = (question, from) => framesOf(made.say(question, from));
  const onLink = (address: string): Answerer => (question) =>
    answer(question, { address, port: 40_000 }, 0);
  const own = ["10.0.0.20", "10.0.1.20", "fe80::20%e1"];
  const links = [[V4, "10.0.0.20"], [V4_TOO, "10.0.1.20"], [V6, "fe80::20%wlan0"]] as const;
  for (const [a, b, c] of [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]]) {
    const order = [links[a!]!, links[b!]!, links[c!]!];
    // All have claimed to be there before the first has proved it, and that is the last of them.
    let asked = 0;
    const network = new Map(order.map(([endpoint, address], i) => {
      const say = onLink(address);
      const probed: Answerer = (question, ...rest) =>
        question.kind === "find" && ++asked > 3 && asked < 9 && i < 2 ? [] : say(question, ...rest);
      return [endpoint, probed];
    }));
    const { servers } = serversFound(network, ["127.0.0.1", ...own]);
    assertEquals(servers, [[V4.address, V4_TOO.address, V6.address]]);
  }
});

Deno.test("what shows that two are one may come after what else was asked, or be lost the first time", () => {
  for (const order of [[V4, V6], [V6, V4]]) {
    const answer = serverOf(scene());
    let shown: readonly Frame[] = [];
    const reordered: Answerer = (question, ...rest) => {
      const frames = answer(question, ...rest);
      if (question.kind !== "alias_want") return [...frames, ...shown];
      shown = frames;
      return [];
    };
    assertEquals(serversFound(new Map(order.map((each) => [each, reordered]))).servers, BOTH);
    let lost = 0;
    const lossy: Answerer = (question, ...rest) => {
      // The question for aliases, and what was asked with it.
      if (question.kind === "alias_want" && ++lost < ALIAS_TRIES_MAX) lost += 100;
      if (lost > 100) {
        if (question.kind === "find") lost -= 100;
        return [];
      }
      return answer(question, ...rest);
    };
    assertEquals(serversFound(new Map(order.map((each) => [each, lossy]))).servers, BOTH);
    assertEquals(lost, ALIAS_TRIES_MAX);
  }
});

Deno.test("a machine with one address asks nobody for others", () => {
  const answer = serverOf(scene());
  const { servers, asked } = serversFound(new Map([[V4, answer]]), ["127.0.0.1", "10.0.0.20"]);
  assertEquals([servers.length, asked.length], [1, 0]);
});

Deno.test("one that knows no such question counts as another, when its time is over", () => {
  const answer = serverOf(scene());
  const old: Answerer = (question, ...rest) =>
    question.kind === "alias_want" ? [] : answer(question, ...rest);
  // What it answers is not heard before: who is slow to show it is not two.
  assertEquals(serversFound(new Map([[V4, answer], [V6, old]])).servers, APART);
});

Deno.test("nobody becomes another server by its id: not by answers of his own, nor by passing on what he is told", () => {
  const honest = scene();
  const answer = serverOf(honest);
  const own = serverOf(scene(2));
  const attacker: Endpoint = { address: "fe80::66%wlan0", port: 9 };
  const passedOn = (seen?: string): Answerer => (question, from, bytes) => {
    if (question.kind !== "alias_want") return own(question, from, bytes);
    // The honest server says this to the attacker, who has a token of it.
    const token = honest.tokens.issue(honest.nowMs, attacker.address);
    const told = answer({ ...question, token }, attacker, bytes);
    const [mine] = own(question, from, bytes);
    return told.map((each) =>
      each.kind === "alias" && mine?.kind === "alias"
        ? { ...each, token: mine.token, seen: seen ?? each.seen }
        : each
    );
  };
  for (const liar of [own, passedOn(), passedOn("fe80::20")]) {
    assertEquals(serversFound(new Map([[V4, answer], [V6, liar]])).servers, APART);
  }
});

Deno.test("who has no token of this server is shown nothing", () => {
  const made = scene();
  const want = { kind: "alias_want", queryId: 1n, addresses: ["10.0.0.20"] } as const;
  const from: Endpoint = { address: "10.0.0.66", port: 1 };
  assertEquals(made.say({ ...want, token: new Uint8Array(16) }, from), []);
  const token = made.tokens.issue(made.nowMs, from.address);
  const [alias] = framesOf(made.say({ ...want, token }, from));
  assert(alias?.kind === "alias" && alias.marks.length === 1);
});
