import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type Content, hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
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

function offer(server: number, address: string, content: Content, name = "example.txt"): Offer {
  return {
    server: serverId(String(server).padStart(32, "0")),
    path: { endpoint: { address, port: 10530 + server }, token: new Uint8Array(16) },
    content,
    mtimeMs: 0,
    tcpPort: 0,
    name: name as SafeFileName,
  };
}

function choiceOf(offers: readonly Offer[], pinned?: string): ContentChoice {
  const choice = new ContentChoice(pinned === undefined ? undefined : hashOf(pinned));
  for (const each of offers) choice.add(each);
  return choice;
}

Deno.test("the content that most addresses offer is chosen, whatever came first", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
    offer(3, "10.0.0.3", B),
  ]);
  assertEquals(choice.decide(), { kind: "chosen", content: B });
});

Deno.test("many servers at one address are one voice", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.1", A),
    offer(3, "10.0.0.1", A),
    offer(4, "10.0.0.2", B),
    offer(5, "10.0.0.3", B),
  ]);
  assertEquals(choice.decide(), { kind: "chosen", content: B });
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
  assertEquals(choice.decide(), { kind: "chosen", content: B });
});

Deno.test("a tie names both contents and the commands that choose", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A, "it's here.txt"),
    offer(2, "10.0.0.2", B, "it's here.txt"),
  ]).decide();
  assert(choice.kind === "ambiguous");
  for (const part of [A.sha256, B.sha256, "10.0.0.1", "10.0.0.2"]) {
    assertStringIncludes(choice.message, part);
  }
  for (const { sha256 } of [A, B]) {
    assertStringIncludes(choice.hint, `get 'it'\\''s here.txt' --sha256 ${sha256}`);
  }
});

Deno.test("a pinned hash is chosen against any majority, and nothing else is", () => {
  const offers = [offer(1, "10.0.0.1", A), offer(2, "10.0.0.2", B), offer(3, "10.0.0.3", B)];
  assertEquals(choiceOf(offers, "a").decide(), { kind: "chosen", content: A });
  assertEquals(choiceOf(offers, "c").decide(), { kind: "none" });
});

Deno.test("contents that share the pinned hash are tried one after the other", () => {
  const impostor = { ...A, sizeBytes: 8 };
  const choice = choiceOf([offer(1, "10.0.0.1", impostor), offer(2, "10.0.0.2", A)], "a");
  assertEquals(choice.decide(), { kind: "chosen", content: impostor });
  choice.distrust(impostor);
  assertEquals(choice.decide(), { kind: "chosen", content: A });
});

Deno.test("after distrust the next content is chosen, and then none is left", () => {
  const choice = choiceOf([
    offer(1, "10.0.0.1", A),
    offer(2, "10.0.0.2", B),
    offer(3, "10.0.0.3", B),
  ]);
  choice.distrust(B);
  assertEquals(choice.decide(), { kind: "chosen", content: A });
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
