/** What the page shows of what happens, uploads, and lists too long for any server of a test. */
import { assert, assertEquals } from "@std/assert";
import type { Browser, Page } from "playwright-core";
import { assertAccessible, assertFits, browserTest, withBrowser, withPage } from "./browser.ts";
import { type ScriptedFile, ScriptedServer, sha256Of } from "./scripted_server.ts";

const ABOUT = { role: "server", host: "10.0.0.5:10580" };
const LANE = { state: "active", rate: 60e6, bytes: 200e6, lost: 3, retransmits: 4, badChunks: 0 };
const DOWNLOAD = {
  ...{ name: "disk\u202e.iso", state: "moving", size: 700e6, bytes: 350e6, rate: 110e6 },
  ...{ secondsLeft: 3, chunkBytes: 1_048_576, chunks: 668, sha256: "9f".repeat(32) },
  servers: ["10.0.0.5:10530", "10.0.0.6:10530", "10.0.0.7:10530"].map((server) => ({
    server,
    ...LANE,
  })),
};

const steps: Readonly<Record<string, (browser: Browser) => Promise<void>>> = {
  async "a hundred thousand names are searched, and few rows of them exist"(browser) {
    const files: ScriptedFile[] = Array.from({ length: 100_000 }, (_, at) => ({
      name: `f${String(at).padStart(6, "0")} ${at % 10 === 0 ? "ten" : "other"}.bin`,
      ...{ size: at, mtimeMs: 1.7e12 + at },
    }));
    await using server = new ScriptedServer({ about: ABOUT, files });
    await withPage(browser, server.url, async (page) => {
      await page.locator(".counts", { hasText: /^100,000 entries, [^·]*$/ }).waitFor();
      for (const typed of ["f09", "f0999", "f0999 ten"]) {
        await page.getByRole("searchbox").fill(typed);
      }
      await page.locator(".counts", { hasText: "10 files found" }).waitFor();
      await page.getByRole("searchbox").fill("ten");
      await page.locator(".counts", { hasText: "10,000 files found" }).waitFor();
      await page.locator(".files").focus();
      await page.keyboard.press("End");
      await page.getByText("f099990 ten.bin").waitFor();
      assertEquals(await page.locator(".files").getAttribute("aria-rowcount"), "10001");
      assert(await page.locator(".canvas .row").count() < 100);
      await page.keyboard.press("Home");
      await page.getByText("f000000 ten.bin").waitFor();
    });
  },

  async "who fetches what is shown as it changes"(browser) {
    await using server = new ScriptedServer({ about: ABOUT });
    const transfer = {
      ...{ id: 1, state: "moving", client: "10.0.0.9:41222", what: "file" },
      ...{ name: "<b>\u202e.iso", size: 1_000, bytes: 250, files: 1, rate: 1e6, seconds: 1 },
    };
    server.state({ role: "server", transfers: [transfer] });
    await withPage(browser, `${server.url}#activity`, async (page) => {
      const row = page.locator("tr", { hasText: "10.0.0.9:41222" });
      await row.filter({ hasText: "<b>\\u{202e}.iso" }).filter({ hasText: "1.0 MB/s" }).waitFor();
      assertEquals(
        await row.locator("progress").evaluate((bar) => "value" in bar && bar.value),
        0.25,
      );
      server.update({ transfers: [{ ...transfer, bytes: 1_000, state: "ended" }] });
      await row.filter({ hasText: "ended" }).waitFor();
      server.update({ transfers: [] });
      await page.getByText("Nobody, at the moment.").waitFor();
      assertEquals(await row.count(), 0);
      await assertAccessible(page);
    });
  },

  async "a map fills in the colours of its sources, and catches up after a lost connection"(
    browser,
  ) {
    await using server = new ScriptedServer({ about: { ...ABOUT, role: "get" } });
    const state = (runs: readonly number[][]) => ({
      role: "get",
      downloads: [{ ...DOWNLOAD, runs }],
    });
    server.state(state([[0, 100, 0]]));
    await withPage(
      browser,
      `${server.url}#activity`,
      async (page) => {
        const map = page.getByRole("img", { name: /^100 of 668 chunks are here: 100 from/ });
        await map.waitFor();
        server.update({ downloads: [{ ...DOWNLOAD, runs: [[100, 50, 1], [200, 25, 2]] }] });
        await page.getByRole("img", {
          name:
            "175 of 668 chunks are here: 100 from 10.0.0.5:10530, 50 from 10.0.0.6:10530, 25 from 10.0.0.7:10530",
        }).waitFor();
        assertEquals((await coloursOf(page)).size, 5);
        await assertAccessible(page);
        await page.setViewportSize({ width: 320, height: 568 });
        await assertFits(page);
        const before = server.connections;
        // It changes while nobody is told.
        server.hangUp();
        server.state(state([[0, 300, 0]]));
        await page.getByRole("img", { name: /^300 of 668 chunks/ }).waitFor();
        assert(server.connections > before);
        server.update({ downloads: [{ ...DOWNLOAD, state: "done", runs: [] }] });
        await page.getByText("verified and in its place").waitFor();
      },
      {},
      /Failed to load resource: net::/,
    );
  },

  async "a master's servers are listed with what they have"(browser) {
    await using server = new ScriptedServer({ about: { ...ABOUT, role: "master" } });
    const listed = { server: "10.0.0.7:10530", id: "5f0c", files: 1_234, leaseSecondsLeft: 52 };
    server.state({ role: "master", servers: [listed], serversTotal: 1, filesTotal: 1_234 });
    await withPage(browser, server.url, async (page) => {
      const row = page.locator("tr", { hasText: "10.0.0.7:10530" });
      await row.filter({ hasText: "1,234" }).filter({ hasText: "0:52 more" }).waitFor();
      await assertAccessible(page);
    });
  },

  async "what is dropped arrives in the folder that is shown, and both sides have the same hash"(
    browser,
  ) {
    await using server = new ScriptedServer({
      about: { ...ABOUT, uploads: { sliceBytesMax: 1 }, token: "secret" },
      files: [{ name: "into/here.txt", size: 1, mtimeMs: 1.7e12 }],
    });
    server.state({ role: "server", transfers: [] });
    const data = new Uint8Array(200_000).map((_, at) => at % 251);
    let broken = 0;
    server.breaks = (_, offset) => offset === 64 * 1024 && broken++ === 0;
    await withPage(
      browser,
      `${server.url}files/into/`,
      async (page) => {
        await page.getByText("here.txt").waitFor();
        await drop(page, "a b.bin", data);
        const item = page.locator(".uploads li", { hasText: "into/a b.bin" });
        await item.filter({ hasText: "stored" }).waitFor();
        const sha256 = await sha256Of(data);
        assert((await item.textContent())?.includes(`${sha256} = there ${sha256}`));
        assertEquals(server.uploads.get("into/a b.bin"), data);
        await assertAccessible(page);
        await page.setViewportSize({ width: 320, height: 568 });
        await assertFits(page);
      },
      {},
      /the server responded with a status of 500/,
    );
  },

  async "an upload is broken off and goes on where it was"(browser) {
    await using server = new ScriptedServer({
      about: { ...ABOUT, uploads: { sliceBytesMax: 1 }, token: "secret" },
      files: [{ name: "here.txt", size: 1, mtimeMs: 1.7e12 }],
    });
    const data = new Uint8Array(300_000).map((_, at) => at % 241);
    const [reached, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    server.beforeSlice = async (_, offset) => {
      if (offset === 0) return;
      reached.resolve();
      await released.promise;
    };
    await withPage(
      browser,
      server.url,
      async (page) => {
        await page.getByText("here.txt").waitFor();
        await drop(page, "long.bin", data);
        const item = page.locator(".uploads li", { hasText: "long.bin" });
        await reached.promise;
        await item.getByRole("button", { name: "Break off" }).click();
        await item.filter({ hasText: "broken off" }).waitFor();
        released.resolve();
        await item.getByRole("button", { name: "Go on" }).click();
        await item.filter({ hasText: "stored" }).waitFor();
        assertEquals(server.uploads.get("long.bin"), data);
      },
      {},
      /the server responded with a status of 409/,
    );
  },
};

browserTest("what happens, as it happens", async (test) => {
  await withBrowser(async (browser) => {
    for (const [name, step] of Object.entries(steps)) await test.step(name, () => step(browser));
  });
});

/** Colours on the map, that of its gaps among them. */
async function coloursOf(page: Page): Promise<ReadonlySet<string>> {
  return new Set(
    await page.locator("canvas").evaluate((canvas) => {
      if (!(canvas instanceof HTMLCanvasElement)) return [];
      const { width, height } = canvas;
      const pixels = canvas.getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
      const colours = [];
      for (let at = 0; at < pixels.length; at += 4) colours.push(pixels.slice(at, at + 4).join());
      return colours;
    }),
  );
}

/** Lets a file fall onto the list, as from another window. */
async function drop(page: Page, name: string, data: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(({ name, base64 }) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { lastModified: 1.7e12 }));
    return transfer;
  }, { name, base64: data.toBase64() });
  await page.dispatchEvent(".files", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent(".files", "drop", { dataTransfer: transfer });
}
