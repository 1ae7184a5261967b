import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { PageParts } from "../../../lib/protocol/merkle/layer_parts.ts";
import { provesLayerPage } from "../../../lib/protocol/merkle/merkle.ts";
import { encodeFrame } from "../../../lib/wire/frames.ts";
import { BRIEF_FIND_BYTES_MAX, SEAL_OVERHEAD_BYTES } from "../../../lib/wire/limits.ts";
import { framesOf, Scene } from "./responder_scene.ts";

Deno.test("what is asked for briefly is answered by nothing longer than the narrowest path carries", () => {
  for (const overheadBytes of [0, SEAL_OVERHEAD_BYTES]) {
    const scene = new Scene(overheadBytes);
    const sizeBytes = 40 * 65_536 + 1;
    const { root } = scene.ready("a", Uint8Array.from({ length: sizeBytes }, (_, i) => i % 251));
    const bytesMax = BRIEF_FIND_BYTES_MAX - overheadBytes;
    const isBrief = true;
    const head = { nonce: 5n, token: scene.token, number: 1 } as const;
    const asked = {
      kind: "layer_want",
      ...head,
      root,
      sizeBytes,
      firstPage: 0,
      pageCount: 3,
    } as const;
    const parts = framesOf(scene.say({ ...asked, isBrief }));
    for (let page = 0; page < 3; page++) {
      const joined = new PageParts(page, sizeBytes);
      const pages = parts.filter((frame) => frame.kind === "layer_part" && frame.page === page)
        .map((frame) => {
          assert(frame.kind === "layer_part");
          assertLessOrEqual(encodeFrame(frame).length, bytesMax);
          return joined.take(frame.part, frame.hashes);
        });
      const whole = pages.at(-1);
      assert(whole !== undefined && provesLayerPage(whole, page, sizeBytes, root));
    }
    for (let i = 0; i < 40; i++) scene.ready(`${i} ${"x".repeat(200)}`, new Uint8Array(0));
    const list = {
      kind: "list",
      queryId: 1n,
      token: scene.token,
      number: 1,
      pagesMax: 3,
      after: undefined,
    } as const;
    const pages = framesOf(scene.say({ ...list, isBrief }));
    assertEquals(pages.length, 3);
    for (const page of pages) {
      assert(page.kind === "listing" && page.entries.length > 0);
      assertLessOrEqual(encodeFrame(page).length, bytesMax);
    }
  }
});
