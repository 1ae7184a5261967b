/** What an attacker can do to two sockets that seal: nothing but what is lost anyway. */
import { assertEquals, assertNotEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import {
  SEAL_ASKERS_MAX,
  SEAL_IDLE_MS,
  SEAL_SILENCE_MS,
} from "../../../lib/protocol/seal/limits.ts";
import { CONTROL_BYTES_MAX, SEAL_OVERHEAD_BYTES } from "../../../lib/wire/limits.ts";
import { SEAL_KIND } from "../../../lib/wire/seal.ts";
import {
  CLIENT,
  GROUP,
  OTHER_GROUP,
  SealSocket,
  SERVER,
  session,
  suiteWith,
} from "../../support/seal_scene.ts";

const STRANGER = { address: "10.0.0.66", port: 666 };

Deno.test("a question costs no round trip more: it is answered at once, and the session is there", () => {
  const [client, server] = [new SealSocket(), new SealSocket()];
  const asked = server.hearOne(client.say("question", SERVER)[0], CLIENT)!;
  assertEquals(asked.text, "question");
  const answered = client.hearOne(server.say("answer", asked.from)[0], SERVER)!;
  assertEquals([answered.text, answered.from], ["answer", SERVER]);
  const [next] = client.say("more", SERVER);
  assertEquals(next?.[0], SEAL_KIND.sealed);
  const more = server.hearOne(next, CLIENT)!;
  assertEquals(more.text, "more");
  assertEquals(server.say("last", more.from)[0]?.[0], SEAL_KIND.sealed);
});

Deno.test("one question asks every server that hears it, and each has keys of its own", () => {
  const client = new SealSocket();
  const question = client.say("question", { address: "10.0.0.255", port: 10_526 })[0]!;
  const answers = [1, 2, 3].map((number) => {
    const server = new SealSocket();
    const at = { address: `10.0.1.${number}`, port: 10_530 };
    const asked = server.hearOne(question, CLIENT)!;
    const answer = server.say(`answer ${number}`, asked.from)[0]!;
    assertEquals(client.hearOne(answer, at)?.text, `answer ${number}`);
    return { server, at, answer };
  });
  assertEquals(new Set(answers.map(({ answer }) => toHex(answer.subarray(7, 39)))).size, 3);
  for (const { server, at } of answers) {
    const sealed = client.say("more", at)[0]!;
    const understood = answers.filter((each) => each.server.hearOne(sealed, CLIENT) !== undefined);
    assertEquals(understood.map((each) => each.server), [server]);
  }
});

Deno.test("a socket of a server answers for its other one, by what that was told of who asked", () => {
  const [client, discovery, data] = [new SealSocket(), new SealSocket(), new SealSocket()];
  const asked = discovery.hearOne(client.say("question", SERVER)[0], CLIENT)!;
  // As it crosses from one thread to the other.
  const to = structuredClone(asked.from);
  assertEquals(client.hearOne(data.say("answer", to)[0], SERVER)?.text, "answer");
  assertEquals(data.hearOne(client.say("more", SERVER)[0], CLIENT)?.text, "more");
});

Deno.test("who has another secret, or none, neither understands nor is understood", () => {
  const [client, server] = [new SealSocket([OTHER_GROUP]), new SealSocket()];
  assertEquals(server.hearOne(client.say("question", SERVER)[0], CLIENT), undefined);
  for (
    const clear of [new TextEncoder().encode("SH\x01\x01"), new Uint8Array(1_200), Uint8Array.of()]
  ) {
    assertEquals(server.hear(clear, CLIENT, Math.max(1, clear.length)), []);
  }
  const { asker, server: theirs } = session();
  for (const to of [asker, { ...asker, sealedFor: asker.sealedFor!.replace(/^../, "00") }]) {
    const [said] = theirs.say("secret", to);
    assertEquals(new SealSocket([OTHER_GROUP]).hearOne(said, SERVER), undefined);
    assertEquals(new SealSocket().hearOne(said, SERVER), undefined);
  }
});

Deno.test("while a secret is changed, who has both understands either, and takes a question once", () => {
  const both = [OTHER_GROUP, GROUP];
  for (const groups of [[OTHER_GROUP], [GROUP], both]) {
    const [client, server] = [new SealSocket(both), new SealSocket(groups)];
    const said = client.say("question", SERVER);
    assertEquals(said.length, 2);
    const heard = said.flatMap((datagram) => server.hear(datagram, CLIENT));
    assertEquals(heard.map(({ text }) => text), ["question"]);
    assertEquals(client.hearOne(server.say("answer", heard[0]!.from)[0], SERVER)?.text, "answer");
    const old = new SealSocket(groups);
    const asked = new SealSocket(both).hear(old.say("question", SERVER)[0]!, CLIENT);
    assertEquals(asked.length, 1);
  }
});

Deno.test("every bit counts: a datagram of any kind with one of them flipped is nothing", () => {
  const [asking, answering] = [new SealSocket(), new SealSocket()];
  const first = asking.say("question", SERVER)[0]!;
  const asked = answering.hearOne(first, CLIENT)!;
  const second = answering.say("answer", asked.from)[0]!;
  const { client, server, asker } = session();
  const cases = [
    { datagram: first, hear: () => new SealSocket() },
    { datagram: second, hear: () => asking },
    { datagram: client.say("more", SERVER)[0]!, hear: () => server },
    { datagram: server.say("more", asker)[0]!, hear: () => client },
  ];
  for (const { datagram, hear } of cases) {
    for (let bit = 0; bit < 8 * datagram.length; bit++) {
      const damaged = datagram.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      assertEquals(hear().hearOne(damaged, SERVER), undefined, `bit ${bit} of ${datagram[0]}`);
    }
    // The whole one is still understood: what was forged has used nothing up.
    assertNotEquals(hear().hearOne(datagram, SERVER), undefined);
  }
});

Deno.test("what is shorter, longer, or put together of two is nothing", () => {
  const { client, server } = session();
  const [one] = client.say("one", SERVER);
  const [two] = client.say("two", SERVER);
  const spliced = [
    one!.subarray(0, -1),
    one!.subarray(0, 20),
    Uint8Array.of(...one!, 0),
    Uint8Array.of(...one!.subarray(0, 15), ...two!.subarray(15)),
    Uint8Array.of(...one!.subarray(0, 30), ...two!.subarray(30)),
    Uint8Array.of(...one!.subarray(0, -16), ...two!.subarray(-16)),
  ];
  for (const datagram of spliced) {
    assertEquals(server.hearOne(new Uint8Array(datagram), CLIENT), undefined);
  }
});

Deno.test("a replay of any kind is nothing to whom it was said, at any address", () => {
  const [client, server] = [new SealSocket(), new SealSocket()];
  const first = client.say("question", SERVER)[0]!;
  const asked = server.hearOne(first, CLIENT)!;
  const second = server.say("answer", asked.from)[0]!;
  client.hearOne(second, SERVER);
  const sealed = client.say("more", SERVER)[0]!;
  const more = server.hearOne(sealed, CLIENT)!;
  const burst = server.burst("abcdefghij", 4, more.from);
  assertEquals(client.hear(burst, SERVER, 4 + SEAL_OVERHEAD_BYTES).length, 1);
  for (const from of [CLIENT, SERVER, STRANGER]) {
    assertEquals(server.hearOne(first, from), undefined);
    assertEquals(client.hearOne(second, from), undefined);
    assertEquals(server.hearOne(sealed, from), undefined);
    assertEquals(client.hear(burst, from, 4 + SEAL_OVERHEAD_BYTES), []);
  }
});

Deno.test("what is thrown back at whoever said it is nothing", () => {
  const { client, server, asker } = session();
  const question = client.say("question", SERVER)[0]!;
  const answer = server.say("answer", asker)[0]!;
  assertEquals(client.hearOne(question, SERVER), undefined);
  assertEquals(server.hearOne(answer, CLIENT), undefined);
  // As another kind, too.
  for (const [datagram, hears] of [[question, client], [answer, server]] as const) {
    for (const kind of Object.values(SEAL_KIND)) {
      const turned = datagram.slice();
      turned[0] = kind;
      assertEquals(hears.hearOne(turned, STRANGER), undefined, String(kind));
    }
  }
  const second = new SealSocket();
  const asked = second.hearOne(new SealSocket().say("question", SERVER)[0], CLIENT)!;
  const said = second.say("answer", asked.from)[0]!;
  assertEquals(second.hearOne(said, STRANGER), undefined);
});

Deno.test("messages of one session are nothing in another one of the same two", () => {
  const [client, server] = [new SealSocket(), new SealSocket()];
  const earlier = session(client, server);
  const old = client.say("old", SERVER)[0]!;
  const oldAnswer = server.say("old answer", earlier.asker)[0]!;
  const again = new SealSocket();
  const asked = again.hearOne(client.say("new", { ...SERVER, port: 1 })[0], CLIENT)!;
  client.hearOne(again.say("answer", asked.from)[0], SERVER);
  assertEquals(again.hearOne(old, CLIENT), undefined);
  assertEquals(new SealSocket().hearOne(oldAnswer, SERVER), undefined);
});

Deno.test("another version of the seal is not understood, whatever follows", () => {
  const [client, server] = [new SealSocket(), new SealSocket()];
  const first = client.say("question", SERVER)[0]!;
  for (const version of [0, 2, 5, 15]) {
    const other = first.slice();
    other[0] = version << 4 | 1;
    assertEquals(server.hearOne(other, CLIENT), undefined);
  }
});

Deno.test("a server that was restarted is spoken to again after one silence, in one round trip", () => {
  const { client, server, asker } = session();
  client.hearOne(server.say("welcome", asker)[0], SERVER);
  const restarted = new SealSocket();
  assertEquals(restarted.hearOne(client.say("lost", SERVER, 1_000)[0], CLIENT), undefined);
  assertEquals(client.say("soon", SERVER, 1_000 + SEAL_SILENCE_MS - 1)[0]![0], SEAL_KIND.sealed);
  const asked = restarted.hearOne(client.say("again", SERVER, 1_000 + SEAL_SILENCE_MS)[0], CLIENT)!;
  assertEquals(asked.text, "again");
  assertEquals(client.hearOne(restarted.say("answer", asked.from)[0], SERVER)?.text, "answer");
  const sealed = client.say("more", SERVER, 2_000)[0]!;
  assertEquals(sealed[0], SEAL_KIND.sealed);
  assertEquals(restarted.hearOne(sealed, CLIENT)?.text, "more");
});

Deno.test("strangers and replays cost no step on the curve, and an asker one for each session", () => {
  const suite = suiteWith();
  const server = new SealSocket([GROUP], suite);
  for (let i = 0; i < 100; i++) {
    const forged = new SealSocket([OTHER_GROUP]).say("question", SERVER)[0]!;
    assertEquals(server.hearOne(forged, STRANGER), undefined);
  }
  const client = new SealSocket();
  const first = client.say("question", SERVER)[0]!;
  const asked = server.hearOne(first, CLIENT)!;
  for (let i = 0; i < 100; i++) server.hearOne(first, STRANGER);
  assertEquals(suite.drawn, 0);
  for (let i = 0; i < 100; i++) server.say("answer", asked.from);
  assertEquals(suite.drawn, 1);
});

Deno.test("a client takes no step on the curve for answers that are forged", () => {
  const suite = suiteWith();
  const client = new SealSocket([GROUP], suite);
  client.say("question", SERVER);
  const before = suite.drawn;
  const other = session(new SealSocket([OTHER_GROUP]), new SealSocket([OTHER_GROUP]));
  const asked = other.server.hearOne(new SealSocket([OTHER_GROUP]).say("q", SERVER)[0], CLIENT)!;
  assertEquals(client.hearOne(other.server.say("answer", asked.from)[0], SERVER), undefined);
  assertEquals(suite.drawn, before);
});

Deno.test("askers are forgotten when others come, the one first who was used longest ago, or when idle", () => {
  const { client, server, asker } = session();
  const others = Array.from({ length: SEAL_ASKERS_MAX - 1 }, () => new SealSocket());
  for (const each of others) server.hearOne(each.say("question", SERVER)[0], STRANGER, 1);
  assertEquals(server.hearOne(client.say("still", SERVER, 2)[0], CLIENT, 2)?.text, "still");
  // There is room for no other: of two that come now, neither takes the place of who was just used.
  for (let i = 0; i < 2; i++) {
    server.hearOne(new SealSocket().say("question", SERVER)[0], STRANGER, 2);
  }
  assertEquals(server.hearOne(client.say("there", SERVER, 2)[0], CLIENT, 2)?.text, "there");
  for (let i = 0; i < SEAL_ASKERS_MAX; i++) {
    server.hearOne(new SealSocket().say("question", SERVER)[0], STRANGER, 3);
  }
  assertEquals(server.hearOne(client.say("gone", SERVER, 4)[0], CLIENT, 4), undefined);
  // Whoever is forgotten while an answer is on its way gets it in a new session.
  const late = client.hearOne(server.say("late", asker, 5)[0], SERVER, 5)!;
  assertEquals(late.text, "late");
  assertEquals(server.hearOne(client.say("more", late.from, 6)[0], CLIENT, 6)?.text, "more");
  const idle = 6 + SEAL_IDLE_MS;
  server.hearOne(new SealSocket().say("question", SERVER)[0], STRANGER, idle);
  assertEquals(server.hearOne(client.say("gone", SERVER, 7)[0], CLIENT, idle), undefined);
});

Deno.test("a forgotten session is never taken up with the same keys", () => {
  const client = new SealSocket();
  const question = client.say("question", SERVER)[0]!;
  const keys = [1, 2, 3].map(() => {
    const server = new SealSocket();
    const asked = server.hearOne(question, CLIENT)!;
    return toHex(server.say("answer", asked.from)[0]!.subarray(7, 39));
  });
  assertEquals(new Set(keys).size, 3);
});

Deno.test("a key that leads to nothing secret is answered by nothing", () => {
  const { server } = session();
  const to = { ...CLIENT, sealedFor: `${"0".repeat(64)}0` };
  assertEquals(server.say("answer", to), []);
});

Deno.test("few lengths of control datagrams are seen, and an answer is no longer than its question", () => {
  const { client, server, asker } = session();
  const lengths = new Set<number>();
  for (let bytes = 1; bytes <= CONTROL_BYTES_MAX - SEAL_OVERHEAD_BYTES; bytes += 7) {
    const text = "x".repeat(bytes);
    const [sealed] = client.say(text, SERVER);
    lengths.add(sealed!.length);
    assertEquals(server.hearOne(sealed, CLIENT)?.text, text);
    const [first] = new SealSocket().say(text, SERVER);
    const fresh = new SealSocket();
    const asked = fresh.hearOne(first, CLIENT)!;
    assertEquals(fresh.say(text, asked.from)[0]!.length, first!.length);
  }
  assertEquals(lengths.size, 7);
  assertEquals(Math.max(...lengths), CONTROL_BYTES_MAX);
  assertEquals(server.say("x", asker)[0]!.length, Math.min(...lengths));
});

Deno.test("joined segments stay joined, those of one length with a shorter last one, and what is damaged is left out", () => {
  const { client, server, asker } = session();
  const step = 4 + SEAL_OVERHEAD_BYTES;
  const burst = server.burst("aaaabbbbccccdd", 4, asker);
  assertEquals(
    client.hear(burst, SERVER, step).map(({ text, segmentBytes }) => [text, segmentBytes]),
    [["aaaabbbbccccdd", 4]],
  );
  const damaged = server.burst("eeeeffffgggghh", 4, asker);
  damaged[step + 20]! ^= 1;
  assertEquals(client.hear(damaged, SERVER, step).map(({ text }) => text), ["eeeegggghh"]);
  // A padded datagram among segments is as long as they are, and says less.
  const short = server.say("control", asker)[0]!;
  const long = server.burst("y".repeat(64), 64, asker);
  const joined = Uint8Array.of(...long, ...short, ...server.burst("z".repeat(64), 64, asker));
  assertEquals(
    client.hear(joined, SERVER, long.length).map(({ text }) => text),
    ["y".repeat(64) + "control", "z".repeat(64)],
  );
});

Deno.test("what two clients behind one address say is handed on apart, for each to be answered", () => {
  const server = new SealSocket();
  const [one, other] = [new SealSocket(), new SealSocket()].map((client) =>
    session(client, server).client
  );
  const joined = Uint8Array.of(
    ...one!.say("one of them", SERVER)[0]!,
    ...other!.say("other", SERVER)[0]!,
  );
  const heard = server.hear(joined, CLIENT, joined.length / 2);
  assertEquals(heard.map(({ text }) => text), ["one of them", "other"]);
  assertEquals(one!.hearOne(server.say("to one", heard[0]!.from)[0], SERVER)?.text, "to one");
  assertEquals(other!.hearOne(server.say("to other", heard[1]!.from)[0], SERVER)?.text, "to other");
});
