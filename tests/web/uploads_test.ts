import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import type { ServeOptions } from "../../lib/app/options.ts";
import { contentsOf, randomFile, sha256Hex } from "../support/e2e.ts";
import { canRunProcesses } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";
import { type WebScene, withWeb } from "../support/web_scene.ts";

function uploadTest(
  name: string,
  body: (scene: WebScene, client: UploadClient) => Promise<void>,
  options: Partial<ServeOptions> = {},
): void {
  Deno.test({
    name,
    ignore: !canRunProcesses,
    fn: () =>
      withWeb({ "there.txt": "here before" }, async (scene) => {
        await body(scene, await UploadClient.of(scene));
        assertEquals(scene.problems, []);
      }, { allowUpload: true, ...options }),
  });
}

/** What a page does to upload. */
class UploadClient {
  constructor(readonly scene: WebScene, readonly token: string) {}

  static async of(scene: WebScene): Promise<UploadClient> {
    return new UploadClient(scene, (await (await scene.fetch("/api/about")).json()).token);
  }

  /** Status and answer. */
  async ask(
    method: string,
    path: string,
    body?: BodyInit,
    headers: Readonly<Record<string, string>> = { "x-shoal-token": this.token },
  ): Promise<[number, Record<string, unknown>]> {
    const init = { method, headers, ...(body !== undefined && { body }) };
    const response = await this.scene.fetch(`/api/uploads${path}`, init);
    const text = await response.text();
    return [response.status, text === "" ? {} : JSON.parse(text)];
  }

  async begin(name: string, size: number, mtimeMs?: number) {
    const [status, answer] = await this.ask("POST", "", JSON.stringify({ name, size, mtimeMs }));
    return { status, answer, id: answer["id"] as string, offset: answer["offset"] as number };
  }

  async upload(name: string, bytes: Uint8Array<ArrayBuffer>) {
    const { id, offset } = await this.begin(name, bytes.length);
    const [status] = await this.ask("PUT", `/${id}?offset=${offset}`, bytes.slice(offset));
    assertEquals(status, 200);
    const sha256 = await sha256Hex(bytes);
    return await this.ask("POST", `/${id}/done`, JSON.stringify({ sha256 }));
  }
}

const DATA = randomFile(3_000_000, 11);

uploadTest(
  "a file comes in slices, goes on where it broke off, and is offered",
  async (scene, client) => {
    const modifiedMs = Date.UTC(2024, 1, 29);
    const { status, id, offset, answer } = await client.begin("new/ä.bin", DATA.length, modifiedMs);
    assertEquals([status, offset, answer["sliceBytesMax"]], [201, 0, 4 * 2 ** 20]);
    assertEquals(
      (await client.ask("PUT", `/${id}?offset=0`, DATA.slice(0, 1_000_000)))[1],
      { offset: 1_000_000 },
    );
    for (const wrong of [0, 999_999, 1_000_001]) {
      const [status, { offset }] = await client.ask("PUT", `/${id}?offset=${wrong}`, "x");
      assertEquals([status, offset], [409, 1_000_000]);
    }
    assertEquals((await client.ask("POST", `/${id}/done`, "{}"))[0], 409);
    // A slice that is cut off: what has come of it is there.
    {
      using peer = await TcpPeer.connect(scene.web.port);
      const head = `PUT /api/uploads/${id}?offset=1000000 HTTP/1.1\r\nHost: localhost\r\n` +
        `x-shoal-token: ${client.token}\r\ncontent-length: 1000000\r\n\r\n`;
      await peer.send(head);
      await peer.send(DATA.slice(1_000_000, 1_300_000));
    }
    let at = 1_000_000;
    while (at !== 1_300_000) at = Number((await client.ask("GET", `/${id}`))[1]["offset"]);
    // Nobody sees it before it is whole.
    assertEquals(scene.server.find({ name: "new/ä.bin" }), undefined);
    const again = async () => await client.begin("new/ä.bin", DATA.length, modifiedMs);
    while ((await again()).status === 503);
    assertEquals([(await again()).id, (await again()).offset], [id, 1_300_000]);
    await client.ask("PUT", `/${id}?offset=1300000`, DATA.slice(1_300_000));
    const sha256 = await sha256Hex(DATA);
    const [done, stored] = await client.ask("POST", `/${id}/done`, JSON.stringify({ sha256 }));
    assertEquals([done, stored], [200, { name: "new/ä.bin", sha256, present: false }]);
    const path = join(scene.dir, "new/ä.bin");
    assertEquals(await Deno.readFile(path), DATA);
    assertEquals((await Deno.stat(path)).mtime?.getTime(), modifiedMs);
    assertEquals(scene.server.find({ name: "new/ä.bin" })?.sha256, sha256);
    assertEquals((await client.ask("GET", `/${id}`))[0], 404);
  },
);

uploadTest(
  "no file takes the place of another, and none that is not what was sent is kept",
  async (scene, client) => {
    const bytes = new TextEncoder().encode("something else");
    assertEquals((await client.upload("there.txt", bytes))[1]["name"], "there (2).txt");
    const same = new TextEncoder().encode("here before");
    const [, { name, present }] = await client.upload("there.txt", same);
    assertEquals([name, present], ["there.txt", true]);
    const { id } = await client.begin("wrong.bin", 3);
    await client.ask("PUT", `/${id}?offset=0`, "abc");
    const [status, answer] = await client.ask(
      ...["POST", `/${id}/done`, JSON.stringify({ sha256: "0".repeat(64) })] as const,
    );
    assertEquals([status, answer["code"]], [409, "unverified"]);
    assertEquals((await client.upload("empty", new Uint8Array(0)))[0], 200);
    const files = Object.keys(contentsOf(scene.dir)).filter((each) => !each.startsWith("."));
    assertEquals(files.sort(), ["empty", "there (2).txt", "there.txt"]);
  },
);

uploadTest(
  "uploads are for our own page, and for who knows the token",
  async ({ base }, client) => {
    const wanted = JSON.stringify({ name: "a", size: 1 });
    const token = { "x-shoal-token": client.token };
    const status = async (headers: Readonly<Record<string, string>>) =>
      (await client.ask("POST", "", wanted, headers))[0];
    assertMatch(client.token, /^[0-9a-f]{32}$/);
    assertEquals(await status({}), 403);
    assertEquals(await status({ "x-shoal-token": "0".repeat(32) }), 403);
    assertEquals(await status({ ...token, origin: "http://evil.example" }), 403);
    assertEquals(await status({ ...token, origin: "null" }), 403);
    assertEquals(await status({ ...token, "sec-fetch-site": "cross-site" }), 403);
    assertEquals(await status({ ...token, origin: base, "sec-fetch-site": "same-origin" }), 201);
  },
);

uploadTest("what lies about itself, or is too much, changes nothing", async (scene, client) => {
  const before = contentsOf(scene.dir);
  for (
    const name of ["../a", "/a", "a/../b", ".hidden", "a\\b", "", "con", "a\0b", ".shoal-uploads/x"]
  ) {
    assertEquals((await client.begin(name, 1)).status, 400, name);
  }
  for (const body of ["", "[]", "null", "{}", '{"name":"a"}', '{"name":"a","size":-1}']) {
    assertEquals((await client.ask("POST", "", body))[0], 400, body);
  }
  assertEquals((await client.begin("a", 2_000_001)).status, 413);
  assertEquals((await client.begin("a", 1_500_000)).status, 507);
  const { id } = await client.begin("a", 3);
  assertEquals((await client.ask("PUT", `/${id}?offset=0`, "abcd"))[0], 413);
  assertEquals((await client.ask("PUT", `/${id}?offset=x`, "abc"))[0], 400);
  assertEquals((await client.ask("PUT", `/${id}`, "abc"))[0], 400);
  assertEquals((await client.ask("PUT", `/${"0".repeat(32)}?offset=0`, "abc"))[0], 404);
  assertEquals((await client.ask("POST", `/${id}/done`, '{"sha256":"x"}'))[0], 400);
  assertEquals((await client.ask("POST", `/${id}/other`, "{}"))[0], 404);
  assertEquals((await client.ask("DELETE", `/${id}`))[0], 204);
  assertEquals((await client.ask("DELETE", `/${id}`))[0], 404);
  const folder = contentsOf(scene.dir);
  const visible = Object.keys(folder).filter((each) => !each.startsWith(".shoal-uploads/"));
  assertEquals(visible, Object.keys(before));
}, { uploadBytesMax: 2_000_000, uploadQuotaBytes: 1_000_000 });

uploadTest("one address has so many uploads at once", async (_, client) => {
  const statuses: number[] = [];
  for (let i = 0; i < 17; i++) statuses.push((await client.begin(`${i}`, 10)).status);
  assertEquals(statuses, [...Array(16).fill(201), 429]);
});

Deno.test({
  name: "where uploads are not allowed, there are none",
  ignore: !canRunProcesses,
  fn: () =>
    withWeb({ "a.txt": "1" }, async (scene) => {
      const about = await (await scene.fetch("/api/about")).json();
      assertEquals([about.token, about.uploads], [undefined, undefined]);
      const client = new UploadClient(scene, "0".repeat(32));
      assertEquals((await client.begin("a", 1)).status, 403);
    }),
});

Deno.test({
  name: "an upload goes on after the server was started anew",
  ignore: !canRunProcesses,
  fn: () =>
    withWeb({}, async (first) => {
      const client = await UploadClient.of(first);
      const { id } = await client.begin("a.bin", DATA.length, 5);
      await client.ask("PUT", `/${id}?offset=0`, DATA.slice(0, 2_000_000));
      await first.web.close();
      await first.server.close();
      await withWeb({}, async (scene) => {
        const next = await UploadClient.of(scene);
        const { id, offset } = await next.begin("a.bin", DATA.length, 5);
        assertEquals(offset, 2_000_000);
        await next.ask("PUT", `/${id}?offset=${offset}`, DATA.slice(offset));
        const sha256 = await sha256Hex(DATA);
        const [status] = await next.ask("POST", `/${id}/done`, JSON.stringify({ sha256 }));
        assert(status === 200);
        assertEquals(await Deno.readFile(join(first.dir, "a.bin")), DATA);
      }, { allowUpload: true, dir: first.dir });
    }, { allowUpload: true }),
});
