import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type Content, hashHex, peerId, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { ContentChoice } from "../../../lib/protocol/discovery/content_choice.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";

const hashOf = (digit: string) => hashHex(digit.repeat(64));
const contentOf = (digit: string): Content => ({
  sizeBytes: 7,
  sha256: hashOf(digit),
  root: hashOf(digit),
});
const A = contentOf("a");
const B = contentOf("b");

function offer(server: number, address: string, content: Content): Offer {
  return {
    server: peerId(serverId(String(server).padStart(32, "0")), "first"),
    party: address,
    isProved: true,
    path: { endpoint: { address, port: 10530 + server }, token: new Uint8Array(16) },
    content,
    mtimeMs: 0,
    tcpPort: 0,
    name: "example.txt" as SafeFileName,
  };
}

function choiceOf(offers: readonly Offer[], pinned?: string): ContentChoice {
  const choice = new ContentChoice(pinned === undefined ? undefined : hashOf(pinned));
  for (const each of offers) choice.add(each);
  return choice;
}

function chosen(choice: ContentChoice): Content | undefined {
  const decided = choice.decide();
  return decided.kind === "chosen" ? decided.content : undefined;
}

Deno.test("the content that most addresses offer is chosen, whatever came first", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
    offer(3, "10.0.0.3", B),
  ]);
  assertEquals(chosen(choice), B);
});

Deno.test("many servers at one address are one voice", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.1", A),
    offer(3, "10.0.0.1", A),
    offer(4, "10.0.0.2", B),
    offer(5, "10.0.0.3", B),
  ]);
  assertEquals(chosen(choice), B);
});

Deno.test("a server with many addresses is one voice, that of loopback where it has it", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(1, "127.0.0.1", A),
    offer(2, "10.0.1.1", A),
    offer(2, "127.0.0.1", A),
    offer(3, "10.0.0.3", B),
    offer(4, "10.0.0.4", B),
  ]);
  assertEquals(chosen(choice), B);
});

Deno.test("a tie names both contents and what chooses one", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
  ]).decide();
  assert(choice.kind === "ambiguous");
  for (const part of [A.sha256, B.sha256, "10.0.0.1", "10.0.0.2"]) {
    assertStringIncludes(choice.message, part);
  }
  for (const { sha256 } of [A, B]) {
    assertStringIncludes(choice.hint, `--sha256 ${sha256}`);
  }
});

Deno.test("a pinned hash is chosen against any majority, and nothing else is", () => {
  const offers = [offer(1, "10.0.0.1", A), offer(2, "10.0.0.2", B), offer(3, "10.0.0.3", B)];
  assertEquals(chosen(choiceOf(offers, "a")), A);
  assertEquals(choiceOf(offers, "c").decide(), { kind: "none" });
});

Deno.test("contents that share the pinned hash are tried one after the other", () => {
  const impostor = { ...A, sizeBytes: 8 };
  const choice = choiceOf([offer(1, "10.0.0.1", impostor), offer(2, "10.0.0.2", A)], "a");
  assertEquals(chosen(choice), impostor);
  choice.distrust(impostor);
  assertEquals(chosen(choice), A);
});

Deno.test("after distrust the next content is chosen, and then none is left", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
    offer(3, "10.0.0.3", B),
  ]);
  choice.distrust(B);
  assertEquals(chosen(choice), A);
  choice.distrust(A);
  assertEquals(choice.decide(), { kind: "none" });
});

Deno.test("a server that offers another content has given up the first", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
    offer(1, "10.0.0.1", B),
  ]);
  choice.distrust(B);
  assertEquals(choice.decide(), { kind: "none" });
});

Deno.test("without offers there is nothing to choose", () => {
  assertEquals(choiceOf([]).decide(), { kind: "none" });
});

Deno.test("more than half of all parties it takes, and not only more than for any other content", () => {
  const offers = [offer(1, "10.0.0.1", A), offer(2, "10.0.0.2", A), offer(3, "10.0.0.3", B)];
  assertEquals(chosen(choiceOf(offers)), A);
  const third = offer(4, "10.0.0.4", contentOf("c"));
  assertEquals(choiceOf([...offers, third]).decide().kind, "ambiguous");
});

Deno.test("however many contents one address offers, it is one voice against them", () => {
  const many = Array.from({ length: 9 }, (_, i) => offer(10 + i, "10.0.0.9", contentOf(`${i}`)));
  assertEquals(chosen(choiceOf([offer(1, "10.0.0.1", A), offer(2, "10.0.0.2", A), ...many])), A);
  assertEquals(choiceOf(many).decide().kind, "ambiguous");
});

Deno.test("where others hold another content the choice says who holds which", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
    offer(3, "10.0.0.3", B),
  ]).decide();
  assert(choice.kind === "chosen" && choice.votes === 2 && choice.dissent !== undefined);
  assertMatch(choice.dissent, /^b{8} at 10\.0\.0\.2, 10\.0\.0\.3; a{8} at 10\.0\.0\.1$/);
  const agreed = choiceOf([offer(1, "10.0.0.1", A)]).decide();
  assert(agreed.kind === "chosen" && agreed.dissent === undefined);
});

Deno.test("who was caught lying, or does not hold it any more, has no vote", () => {
  const offers = [offer(1, "10.0.0.1", A), offer(2, "10.0.0.2", B), offer(3, "10.0.0.3", B)];
  const [choice, other] = [choiceOf(offers), choiceOf(offers)];
  choice.drop(offers[2]!.server);
  assertEquals(choice.decide().kind, "ambiguous");
  choice.drop(offers[1]!.server);
  assertEquals(chosen(choice), A);
  other.forget(offers[1]!.server, A);
  assertEquals(chosen(other), B);
  other.forget(offers[1]!.server, B);
  assertEquals(other.decide().kind, "ambiguous");
});
