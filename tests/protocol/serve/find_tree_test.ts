/** Folders that are asked for. */
import { assert, assertEquals } from "@std/assert";
import { hashHex, type SafeFileName } from "../../../lib/ids.ts";
import type { Query } from "../../../lib/wire/frames.ts";
import { MANIFEST_NAME } from "../../../lib/wire/manifest.ts";
import { framesOf, only, Scene } from "./responder_scene.ts";

const FOLDER = "photos/2024" as SafeFileName;
const tree = (name?: SafeFileName): Query => ({ by: "tree", name });
const CONTENT = {
  sizeBytes: 900,
  sha256: hashHex("aa".repeat(32)),
  root: hashHex("bb".repeat(32)),
};

Deno.test("a folder that is hashed is offered as its manifest, whatever it is called; so is all", () => {
  const scene = new Scene();
  for (const name of [FOLDER, undefined]) {
    scene.trees.set(name, { kind: "ready", content: CONTENT, mtimeMs: 0 });
    const { sizeBytes, sha256, root, name: called } = only("offer", scene.find([tree(name)]));
    assertEquals({ sizeBytes, sha256, root }, CONTENT);
    assertEquals(called, MANIFEST_NAME);
  }
});

Deno.test("of a folder that is being hashed, the progress of all its files is told, and who waits goes first", () => {
  const scene = new Scene();
  const next = ["photos/2024/a" as SafeFileName];
  const progress = { sizeBytes: 1_000, hashedBytes: 400, rateBytesPerS: 50 };
  scene.trees.set(FOLDER, { kind: "pending", ...progress, next });
  const { sizeBytes, hashedBytes, rateBytesPerS } = only("pending", scene.find([tree(FOLDER)]));
  assertEquals({ sizeBytes, hashedBytes, rateBytesPerS }, progress);
  const asked = scene.find([tree(FOLDER)], scene.token);
  assertEquals(asked.filter(({ kind }) => kind === "prioritise").length, 1);
});

Deno.test("a folder that is not there is absent, beside names that are", () => {
  const scene = new Scene();
  scene.ready("a.txt", new Uint8Array(10));
  const queries: Query[] = [tree(FOLDER), { by: "name", name: "a.txt" as SafeFileName }];
  const frames = framesOf(scene.find(queries, scene.token));
  assertEquals(frames.map(({ kind }) => kind).sort(), ["absent", "offer"]);
  const absent = frames.find(({ kind }) => kind === "absent");
  assert(absent?.kind === "absent");
  assertEquals(absent.queryIndex, 0);
});
