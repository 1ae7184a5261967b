/** What the page shows of what happens, uploads, and lists too long for any server of a test. */
import { assert, assertEquals } from "@std/assert";
import type { Browser } from "playwright-core";
import {
  assertAccessible,
  assertFits,
  browserTest,
  dropFile,
  withBrowser,
  withPage,
} from "./browser.ts";
import { type ScriptedFile, ScriptedServer, sha256Of } from "./scripted_server.ts";

const ABOUT = { host: "10.0.0.5:10580" };
const STATE = { revision: "1", files: 1, transfers: [], uploaded: [], indexing: null };

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
      const [list, last] = await Promise.all(
        [".files", "#row-9999"].map((place) => page.locator(place).boundingBox()),
      );
      const below = (last?.y ?? NaN) + (last?.height ?? NaN) - (list?.y ?? 0) - (list?.height ?? 0);
      assert(Math.abs(below) < 3, `the last row ends ${below} pixels below the list`);
      assertEquals(await page.locator(".files").getAttribute("aria-rowcount"), "10001");
      assert(await page.locator(".canvas .row").count() < 100);
      await page.keyboard.press("Home");
      await page.getByText("f000000 ten.bin").waitFor();
    });
  },

  async "who fetches what is shown as it changes, also after a lost connection"(browser) {
    await using server = new ScriptedServer({ about: ABOUT });
    const transfer = {
      ...{ id: 1, state: "moving", client: "10.0.0.9:41222", what: "file" },
      ...{ name: "<b>\u202e.iso", size: 1_000, bytes: 250, files: 1, rate: 1e6, seconds: 1 },
    };
    server.state({ ...STATE, transfers: [transfer] });
    await withPage(
      browser,
      `${server.url}#activity`,
      async (page) => {
        const row = page.locator("tr", { hasText: "10.0.0.9:41222" });
        await row.filter({ hasText: "<b>\\u{202e}.iso" }).filter({ hasText: "1.0 MB/s" }).waitFor();
        assertEquals(
          await row.locator("progress").evaluate((bar) => "value" in bar && bar.value),
          0.25,
        );
        server.update({ transfers: [{ ...transfer, bytes: 500 }] });
        await row.filter({ hasText: "500 B" }).waitFor();
        await assertAccessible(page);
        await page.setViewportSize({ width: 320, height: 568 });
        await assertFits(page);
        // It ends while nobody is told.
        const before = server.connections;
        server.hangUp();
        server.state({ ...STATE, transfers: [{ ...transfer, bytes: 1_000, state: "ended" }] });
        await row.filter({ hasText: "ended" }).waitFor();
        assert(server.connections > before);
        server.update({ transfers: [] });
        await page.getByText("Nobody, at the moment.").waitFor();
        assertEquals(await row.count(), 0);
      },
      {},
      /Failed to load resource: net::/,
    );
  },

  async "what is dropped arrives in the folder that is shown, and both sides have the same hash"(
    browser,
  ) {
    await using server = new ScriptedServer({
      about: { ...ABOUT, uploads: { sliceBytesMax: 1 }, token: "secret" },
      files: [{ name: "into/here.txt", size: 1, mtimeMs: 1.7e12 }],
    });
    server.state(STATE);
    const data = new Uint8Array(200_000).map((_, at) => at % 251);
    let broken = 0;
    server.breaks = (_, offset) => offset === 64 * 1024 && broken++ === 0;
    await withPage(
      browser,
      `${server.url}files/into/`,
      async (page) => {
        await page.getByText("here.txt").waitFor();
        await dropFile(page, "a b.bin", data);
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

  async "where nothing is taken, a drop says so and leads nowhere"(browser) {
    const files = [{ name: "here.txt", size: 1, mtimeMs: 1.7e12 }];
    await using server = new ScriptedServer({ about: ABOUT, files });
    await withPage(browser, server.url, async (page) => {
      await page.getByText("here.txt").waitFor();
      await dropFile(page, "a.txt", new Uint8Array(1));
      await page.getByRole("alert").filter({ hasText: "takes no files" }).waitFor();
      assertEquals(page.url(), server.url);
    });
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
        await dropFile(page, "long.bin", data);
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
