import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import { canRunProcesses } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";
import { SCENE_TIME, type WebScene, withWeb } from "../support/web_scene.ts";

/** What a name may look like that means harm, and is still a name. */
const EVIL = `<script>alert(1)"'&${"\u202e"}gpj.${"x".repeat(150)} é€😀.html`;
const DATA = randomFile(700_000, 7);
const PAGE = "<!doctype html><script>alert(1)</script>".repeat(50);
const FILES = {
  "a b.bin": DATA,
  "empty": "",
  "photos/one.jpg": "22",
  "photos/more/two.jpg": "333",
  [EVIL]: "4",
  "risky/a.html": PAGE,
  "risky/b.svg": "<svg/>",
  "risky/c.png": "1",
  "risky/d.pdf": "%PDF",
  "risky/e.exe": "MZ",
  "watched.bin": DATA.slice(1),
  "z.txt": "abc",
};
const FILE_COUNT = Object.keys(FILES).length;

/** What is looked at on one server that offers {@linkcode FILES}. */
const checks: Readonly<Record<string, (scene: WebScene) => Promise<void>>> = {
  async "whoever looks on is told the whole, and then what changes"({ fetch, base, server }) {
    const { host } = new URL(base);
    using events = await EventReader.open(host);
    const [kind, state] = await events.next();
    assertEquals([kind, state["role"], state["files"], state["revision"]], [
      ...["state", "server", FILE_COUNT, server.revision],
    ]);
    await (await fetch("/files/watched.bin")).bytes();
    const isIt = (each: Record<string, unknown>) => each["name"] === "watched.bin";
    for (;;) {
      const [kind, update] = await events.next();
      assertEquals(kind, "update");
      const transfers = (update["transfers"] ?? []) as readonly Record<string, unknown>[];
      const found = transfers.find((each) => isIt(each) && each["bytes"] === 699_999);
      if (found === undefined) continue;
      assertEquals([found["what"], found["size"], found["files"]], ["file", 699_999, 1]);
      assertMatch(found["client"] as string, /^127\.0\.0\.1:\d+$/);
      break;
    }
    // Who comes later is told it, too.
    using later = await EventReader.open(host);
    const [, now] = await later.next();
    assert((now["transfers"] as readonly Record<string, unknown>[]).some(isIt));
  },

  async "a file comes as it is, and says what it is"({ fetch }) {
    const sha256 = await sha256Hex(DATA);
    const response = await fetch("/files/a%20b.bin");
    assertEquals(await response.bytes(), DATA);
    const { headers } = response;
    assertEquals(headers.get("etag"), `"${sha256}"`);
    const digest = Uint8Array.fromHex(sha256).toBase64();
    assertEquals(headers.get("repr-digest"), `sha-256=:${digest}:`);
    assertEquals(headers.get("last-modified"), SCENE_TIME.toUTCString());
    assertEquals(headers.get("content-length"), "700000");
    assertEquals(headers.get("x-content-type-options"), "nosniff");
    assertMatch(headers.get("content-disposition")!, /^attachment; filename="a b.bin"; /);

    const head = await fetch("/files/a%20b.bin", { method: "HEAD" });
    assertEquals([head.status, head.headers.get("content-length")], [200, "700000"]);
    assertEquals((await head.bytes()).length, 0);
    const part = await fetch("/files/a%20b.bin", { headers: { range: "bytes=300000-300009" } });
    assertEquals([part.status, await part.bytes()], [206, DATA.slice(300_000, 300_010)]);
    assertEquals(part.headers.get("content-range"), "bytes 300000-300009/700000");
    const behind = await fetch("/files/a%20b.bin", { headers: { range: "bytes=700000-" } });
    assertEquals([behind.status, behind.headers.get("content-range")], [416, "bytes */700000"]);
    await behind.body?.cancel();
    const known = await fetch("/files/a%20b.bin", { headers: { "if-none-match": `"${sha256}"` } });
    assertEquals([known.status, (await known.bytes()).length], [304, 0]);

    const same = await fetch(`/by-hash/sha256/${sha256.toUpperCase()}`);
    assertEquals(await same.bytes(), DATA);
    for (const [digits, status] of [["abcd", 400], ["0".repeat(64), 404]] as const) {
      const other = await fetch(`/by-hash/sha256/${digits}`);
      assertEquals(other.status, status);
      await other.body?.cancel();
    }
  },

  async "the empty file comes, too"({ fetch }) {
    const response = await fetch("/files/empty");
    assertEquals([response.status, response.headers.get("content-length")], [200, "0"]);
    assertEquals(await response.text(), "");
  },

  async "folders are pages that need no script"({ fetch }) {
    const page = await fetch("/");
    const text = await page.text();
    assertStringIncludes(text, '<a href="/files/photos/"><bdi>photos</bdi>/</a></td><td>2 files');
    assertStringIncludes(text, '<a href="/files/z.txt"><bdi>z.txt</bdi></a></td><td>3 B');
    const policy = page.headers.get("content-security-policy")!;
    assertStringIncludes(policy, "script-src 'self'");
    assert(!/unsafe|\*|data:|http/.test(policy), policy);
    // A name is text, wherever it stands, and its way back leads to the file.
    assert(!text.includes("<script>alert"), text);
    assertStringIncludes(text, "&#60;script&#62;alert(1)");
    assert(!text.includes("\u202e"));
    const [, link = ""] = /href="(\/files\/%3Cscript[^"]*)"/.exec(text)!;
    assertEquals(await (await fetch(link)).text(), "4");

    const folder = await (await fetch("/files/photos/")).text();
    assertStringIncludes(folder, '<a href="/files/photos/one.jpg">');
    assertStringIncludes(folder, '<a href="/files/photos/more/">');
    const moved = await fetch("/files/photos");
    assertEquals([moved.status, moved.headers.get("location")], [308, "/files/photos/"]);
    await moved.body?.cancel();
    const bySize = await (await fetch("/files/risky/?sort=size&order=desc")).text();
    assertStringIncludes(bySize, 'aria-sort="descending"');
    assertEquals([...bySize.matchAll(/<bdi>(.)\./g)].map(([, name]) => name).join(""), "abdec");
  },

  async "what could run is never run"({ fetch }) {
    const told = async (path: string) => {
      const { headers, body } = await fetch(path);
      await body?.cancel();
      const policy = headers.get("content-security-policy")!;
      assertMatch(policy, /^default-src 'none'/, path);
      assert(!policy.includes("script-src"), policy);
      assertEquals(headers.get("x-content-type-options"), "nosniff");
      const [how] = headers.get("content-disposition")!.split(";");
      return [headers.get("content-type"), how, /; sandbox/.test(policy)];
    };
    const text = "text/plain; charset=utf-8";
    assertEquals(await told("/files/risky/a.html?view"), [text, "inline", true]);
    assertEquals(await told("/files/risky/a.html"), [text, "attachment", true]);
    assertEquals(await told("/files/risky/b.svg?view"), ["image/svg+xml", "inline", true]);
    assertEquals(await told("/files/risky/b.svg"), [
      "application/octet-stream",
      "attachment",
      true,
    ]);
    assertEquals(await told("/files/risky/c.png?view"), ["image/png", "inline", true]);
    assertEquals(await told("/files/risky/d.pdf?view"), ["application/pdf", "inline", false]);
    const other = ["application/octet-stream", "attachment", true];
    assertEquals(await told("/files/risky/e.exe?view"), other);
    assertEquals(await told(`/files/${encodeURIComponent(EVIL)}?view`), [text, "inline", true]);
  },

  async "a name is said in ASCII and as it is"({ fetch }) {
    const { headers, body } = await fetch(`/files/${encodeURIComponent(EVIL)}`);
    await body?.cancel();
    const [, ascii = "", encoded = ""] =
      /^attachment; filename="([ -~]*)"; filename\*=UTF-8''([\w.~%-]*)$/.exec(
        headers.get("content-disposition")!,
      )!;
    assertEquals(decodeURIComponent(encoded), EVIL);
    assert(!/["\\%]/.test(ascii), ascii);
  },

  async "programs are told what there is, page by page"({ fetch, server }) {
    const page = async (query: string) => await (await fetch(`/api/files${query}`)).json();
    const names = (files: readonly { readonly name: string }[]) => files.map(({ name }) => name);
    const first = await page("?limit=2");
    assertEquals(names(first.files), [EVIL, "a b.bin"]);
    assertEquals([first.total, first.next, first.revision], [
      ...[FILE_COUNT, "a b.bin", server.revision],
    ]);
    assertEquals(first.files[1], {
      ...{ name: "a b.bin", size: 700_000, mtimeMs: SCENE_TIME.getTime() },
      sha256: await sha256Hex(DATA),
    });
    const rest = await page(`?after=${first.next}`);
    assertEquals([rest.files.length, rest.next], [FILE_COUNT - 2, undefined]);
    const inside = await page("?folder=photos&limit=1");
    assertEquals([inside.total, names(inside.files)], [2, ["photos/more/two.jpg"]]);
    assertEquals(inside.files[0].view, "picture");
    assertEquals((await page("?folder=photos&after=photos/one.jpg")).files, []);
    for (const query of ["?limit=0", "?limit=10001", "?limit=x", "?folder=..", "?folder=a/"]) {
      const response = await fetch(`/api/files${query}`);
      const { message } = await response.json();
      assertEquals([response.status, typeof message], [400, "string"], query);
    }
    const about = await (await fetch("/api/about")).json();
    assertEquals([about.role, about.files, about.revision], [
      ...["server", FILE_COUNT, server.revision],
    ]);
  },

  async "a listing is compressed for who takes it so"({ raw, base }) {
    const ask = (encoding: string) =>
      raw(
        `GET / HTTP/1.1\r\nHost: ${new URL(base).host}\r\n${encoding}Connection: close\r\n\r\n`,
      );
    assert(!(await ask("")).includes("content-encoding"));
    assertStringIncludes(await ask("Accept-Encoding: br, gzip\r\n"), "content-encoding: gzip\r\n");
    assert(!(await ask("Accept-Encoding: gzip;q=0\r\n")).includes("content-encoding"));
  },

  async "another host's name, another method or another path is told so"({ raw, base }) {
    const { host } = new URL(base);
    const status = async (request: string) =>
      Number(/^HTTP\/1\.1 (\d+) /.exec(await raw(`${request}\r\nConnection: close\r\n\r\n`))?.[1]);
    assertEquals(await status(`GET / HTTP/1.1\r\nHost: ${host}`), 200);
    assertEquals(await status("GET / HTTP/1.1\r\nHost: evil.example"), 421);
    assertEquals(await status("GET / HTTP/1.1"), 400);
    assertEquals(await status(`DELETE /files/z.txt HTTP/1.1\r\nHost: ${host}`), 405);
    assertEquals(
      await status(`PUT / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked`),
      411,
    );
    assertEquals(await status(`GET /nothing HTTP/1.1\r\nHost: ${host}`), 404);
    assertEquals(await status(`GET /files/b.txt HTTP/1.1\r\nHost: ${host}`), 404);
    assertEquals(await status(`GET /files/nothing/ HTTP/1.1\r\nHost: ${host}`), 404);
    for (const path of ["../a", "%2e%2e/a.txt", "..%2fz.txt", "%00", "a%5c..%5cb", "%ff", "%"]) {
      assertEquals(await status(`GET /files/${path} HTTP/1.1\r\nHost: ${host}`), 400, path);
      assertEquals(await status(`GET /zip/${path}/ HTTP/1.1\r\nHost: ${host}`), 400, path);
    }
    assertEquals(await status(`GET /${"a".repeat(100_000)} HTTP/1.1\r\nHost: ${host}`), 414);
    for (const count of [150, 10_000]) {
      const many = "a: b\r\n".repeat(count).trim();
      assertEquals(await status(`GET / HTTP/1.1\r\nHost: ${host}\r\n${many}`), 431);
    }
    // Raw UTF-8, as a shell sends it.
    const request = `GET /files/${EVIL.replaceAll(" ", "%20")} HTTP/1.1\r\nHost: ${host}`;
    assertEquals(await status(request), 200);
  },

  async "several requests go over one connection, one after another"({ raw, base }) {
    const one = `GET /files/z.txt HTTP/1.1\r\nHost: ${new URL(base).host}\r\n\r\n`;
    const last = one.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
    const answer = await raw(one + one + last);
    assertEquals(answer.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
    assertEquals(answer.match(/\r\n\r\nabc/g)?.length, 3);
  },

  async "a selection is asked for by our own page alone"({ fetch, base }) {
    const select = async (fields: Readonly<Record<string, string>>, body: string) => {
      const type = { "content-type": "application/x-www-form-urlencoded" };
      const init = { method: "POST", headers: { ...type, ...fields }, body };
      const response = await fetch("/zip", init);
      await response.body?.cancel();
      return response.status;
    };
    assertEquals(await select({}, "name=z.txt&name=photos%2F"), 200);
    assertEquals(await select({ origin: base }, "name=z.txt"), 200);
    assertEquals(await select({ origin: "http://evil.example" }, "name=z.txt"), 403);
    assertEquals(await select({ "sec-fetch-site": "cross-site" }, "name=z.txt"), 403);
    assertEquals(await select({ "content-type": "text/plain" }, "name=z.txt"), 415);
    assertEquals(await select({}, ""), 400);
    assertEquals(await select({}, "name=..%2Fa"), 400);
    assertEquals(await select({}, "name=nothing"), 404);
    assertEquals(await select({}, `name=z.txt&x=${"a".repeat(2_000_000)}`), 413);
  },
};

Deno.test({
  name: "what is offered is there for browsers",
  ignore: !canRunProcesses,
  fn: (t) =>
    withWeb(FILES, async (scene) => {
      for (const [name, body] of Object.entries(checks)) await t.step(name, () => body(scene));
      assertEquals(scene.problems, []);
    }),
});

Deno.test({
  name: "a file that changes while it is sent breaks the connection, alone and in a zip",
  ignore: !canRunProcesses,
  fn: () =>
    withWeb({
      "a/big.bin": randomFile(24_000_000, 3),
      "b/gone.bin": randomFile(24_000_000, 4),
      "c/zipped.bin": randomFile(24_000_000, 5),
    }, async ({ fetch, dir }) => {
      const changes = [
        ["/files/a/big.bin", () => Deno.truncate(join(dir, "a/big.bin"), 1_000)],
        ["/files/b/gone.bin", () => Deno.remove(join(dir, "b/gone.bin"))],
        ["/zip/c/", () => Deno.writeTextFile(join(dir, "c/zipped.bin"), "!")],
      ] as const;
      for (const [path, change] of changes) {
        const response = await fetch(path);
        assertEquals(response.status, 200);
        const reader = response.body!.getReader();
        let bytes = (await reader.read()).value!.length;
        await change();
        const read = async (): Promise<void> => {
          for (;;) {
            const { value, done } = await reader.read();
            if (done) return;
            bytes += value.length;
          }
        };
        const isBroken = await read().then(() => false, () => true);
        assert(isBroken && bytes < 24_000_000, `${path}: ${bytes} bytes, and no error`);
      }
    }),
});

/** Reads server-sent events over a connection of its own. */
class EventReader implements Disposable {
  readonly #peer: TcpPeer;

  private constructor(peer: TcpPeer) {
    this.#peer = peer;
  }

  static async open(host: string): Promise<EventReader> {
    const peer = await TcpPeer.connect(Number(host.split(":")[1]));
    await peer.send(`GET /api/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    assertMatch(await peer.line(), /200 OK/);
    let isEventStream = false;
    for (let line = ""; line !== "\r";) {
      line = await peer.line();
      isEventStream ||= line === "content-type: text/event-stream\r";
    }
    assert(isEventStream);
    return new EventReader(peer);
  }

  /** What kind of event it is, and what it says. */
  async next(): Promise<readonly [string, Record<string, unknown>]> {
    for (;;) {
      const line = await this.#peer.line();
      assert(!line.startsWith("(end)"), "no more events");
      if (!line.startsWith("event: ")) continue;
      const data = await this.#peer.line();
      return [line.slice("event: ".length), JSON.parse(data.slice("data: ".length))];
    }
  }

  [Symbol.dispose](): void {
    this.#peer[Symbol.dispose]();
  }
}
