/** From which port a server answers what. */
import { assertEquals } from "@std/assert";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";
import { CLIENT, framesOf, only, Scene } from "./responder_scene.ts";

Deno.test("who asks for anybody is answered from the data port by RETRY, and when he repeats it from the other one by ABSENT, which names it", () => {
  const scene = new Scene();
  scene.responder.dataPort = 10_530;
  const answers = [0, 1].map((round) => scene.repeat([{ by: "any" }], round));
  assertEquals(answers.map((each) => each.map((action) => action.kind === "send" && action.port)), [
    ["data"],
    ["discovery"],
  ]);
  assertEquals(framesOf(answers[0]!).map(({ kind }) => kind), ["retry"]);
  assertEquals(only("absent", answers[1]!).dataPort, 10_530);
});

Deno.test("a listing and a layer are answered from where they were asked for, whoever has a token and whoever has none", () => {
  const scene = new Scene();
  scene.responder.dataPort = 10_530;
  const content = scene.ready("a.txt", Uint8Array.of(1));
  const { root } = content;
  const sizeBytes = 1;
  for (const token of [scene.token, NO_TOKEN]) {
    const list = {
      kind: "list",
      queryId: 1n,
      token,
      number: 1,
      pagesMax: 1,
      after: undefined,
    } as const;
    const range = { number: 1, root, sizeBytes, firstPage: 0, pageCount: 1 };
    const layer = { kind: "layer_want", nonce: 1n, token, ...range } as const;
    for (const frame of [list, layer]) {
      for (const askedAt of ["data", "discovery"] as const) {
        const actions = scene.responder.handle(0, CLIENT, frame, 200, askedAt);
        assertEquals(actions.map((each) => each.kind === "send" && each.port), [askedAt]);
      }
    }
  }
});
