import { assert, assertEquals } from "@std/assert";
import { gzipSync } from "node:zlib";
import { ASSETS, PAGE_MODULES } from "../../../lib/web/assets.ts";

const WEIGHT_MAX = 60_000;
const FOLDER = new URL("../../../lib/web/assets/", import.meta.url);
const canRead = (await Deno.permissions.query({ name: "read", path: FOLDER })).state === "granted";

Deno.test("the whole page weighs at most 60 kB as it is sent", () => {
  let bytes = 0;
  for (const { text } of ASSETS.values()) bytes += gzipSync(text).length;
  assert(bytes <= WEIGHT_MAX, `${bytes} bytes`);
});

Deno.test({
  name: "everything that lies with the assets is served",
  ignore: !canRead,
  async fn() {
    const names = await Array.fromAsync(Deno.readDir(FOLDER), ({ name }) => name);
    assertEquals([...ASSETS.keys()].sort(), names.sort());
  },
});

Deno.test("a script imports only what is served beside it", () => {
  for (const [name, { text }] of ASSETS) {
    const imports = [...text.matchAll(/^import .*?from "(.*?)";|^} from "(.*?)";/gm)];
    for (const [, line, last] of imports) {
      const target = (line ?? last ?? "").replace("./", "");
      assert(ASSETS.has(target), `${name} imports ${target}`);
    }
  }
});

Deno.test("no script reads text as HTML or as a program", () => {
  const ways =
    /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|javascript:/;
  for (const [name, { text }] of ASSETS) assert(!ways.test(text), name);
});

Deno.test("what the page loads is known beforehand, and what only its workers load is not of it", () => {
  assertEquals(PAGE_MODULES.includes("row_window.js"), true);
  const others = [...ASSETS.keys()].filter((name) => !PAGE_MODULES.includes(name));
  assertEquals(others.sort(), [
    "file_index.js",
    "hash_worker.js",
    "page.css",
    "search_worker.js",
    "sha256.js",
  ]);
});
