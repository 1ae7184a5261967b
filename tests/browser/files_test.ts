/** The page of a real server, as somebody uses it who has nothing but a browser. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import type { Browser, Page } from "playwright-core";
import { freePort, ShoalProcess } from "../support/shoal_process.ts";
import {
  assertAccessible,
  assertFits,
  browserTest,
  dropFile,
  withBrowser,
  withPage,
} from "./browser.ts";
import { sha256Of } from "./scripted_server.ts";

/** What a name can be at its worst: tags, quotes, marks that turn the line, two hundred characters. */
const EVIL_NAME = `<img src=x onerror=alert(1)>"'&\u202egpj.exe\u2066${"x".repeat(150)}.html`;
const SCRIPT = "<script>document.title = 'owned'; alert('owned'); parent.owned = true;</script>";
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64" onload="alert('owned')">
<script>document.title = 'owned'; alert('owned')</script><rect width="64" height="64"/></svg>`;
const PICTURE = Uint8Array.fromBase64(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
);
const DATA = new Uint8Array(500_000).map((_, at) => (at * 7 + (at >> 8)) % 251);
/** Long ago, so that nobody takes them for files that are still being written. */
const TIME = new Date("2024-02-29T12:34:56Z");

const FILES: Readonly<Record<string, string | Uint8Array>> = {
  "data 10.bin": DATA,
  "data 9.bin": "nine",
  "folder/one.txt": "one",
  "folder/deep/two.txt": "two",
  "picture.png": PICTURE,
  "evil.svg": SVG,
  "evil.html": SCRIPT,
  [EVIL_NAME]: SCRIPT,
};

interface Scene {
  readonly browser: Browser;
  /** Of the page. */
  readonly url: string;
  /** UDP port of the server. */
  readonly port: string;
  /** The folder that is served. */
  readonly served: string;
  /** A folder for whatever comes of it. */
  readonly out: string;
  readonly env: Readonly<Record<string, string>>;
}

const steps: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
  async "the list is ordered as people count, and a folder opens and closes"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      await rowOf(page, "data 9.bin").waitFor();
      const names = await page.locator(".canvas .label").allTextContents();
      assertEquals(names[0], "folder");
      await assertGapless(page);
      assert(names.indexOf("data 9.bin") < names.indexOf("data 10.bin"), names.join());
      await linkOf(page, "folder").click();
      await rowOf(page, "one.txt").waitFor();
      assertEquals(new URL(page.url()).pathname, "/files/folder/");
      await page.reload();
      await rowOf(page, "deep").waitFor();
      await page.goBack();
      await rowOf(page, "evil.svg").waitFor();
      await page.getByRole("button", { name: "Size" }).click();
      await page.locator('[aria-sort="descending"].size').waitFor();
      await page.locator(".canvas .row:nth-child(2)", { hasText: "data 10.bin" }).waitFor();
    });
  },

  async "what is found by typing is saved as it was"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      await page.getByRole("searchbox").fill("10 bin");
      await page.locator(".counts", { hasText: "1 file found" }).waitFor();
      const [saved] = await Promise.all([
        page.waitForEvent("download"),
        rowOf(page, "data 10.bin").locator(".save a").click(),
      ]);
      assertEquals(saved.suggestedFilename(), "data 10.bin");
      assertEquals(await Deno.readFile(await saved.path()), DATA);
    }, { acceptDownloads: true });
  },

  async "a selection is saved as a zip with a folder and all that is in it"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      for (const name of ["folder", "data 9.bin"]) {
        await rowOf(page, name).locator(".select").click();
      }
      await page.locator(".selected", { hasText: "2 selected" }).waitFor();
      const [saved] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("button", { name: "Save as a zip" }).click(),
      ]);
      const { stdout, success } = await new Deno.Command("python3", {
        args: ["-m", "zipfile", "-l", await saved.path()],
      }).output();
      const listed = new TextDecoder().decode(stdout);
      assertEquals(success, true);
      for (const name of ["folder/one.txt", "folder/deep/two.txt", "data 9.bin"]) {
        assert(listed.includes(name), listed);
      }
      assert(!listed.includes("evil"), listed);
    }, { acceptDownloads: true });
  },

  async "everything is reached by keyboard"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      await rowOf(page, "picture.png").waitFor();
      await page.keyboard.press("/");
      await page.keyboard.type("txt");
      await page.locator(".counts", { hasText: "2 files found" }).waitFor();
      await page.keyboard.press("ArrowDown");
      await page.keyboard.press("End");
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "one.txt" });
      await dialog.locator("pre", { hasText: "one" }).waitFor();
      await page.keyboard.press("ArrowLeft");
      await page.getByRole("dialog", { name: "two.txt" }).locator("pre", { hasText: "two" })
        .waitFor();
      await page.keyboard.press("Escape");
      await page.keyboard.press("Control+a");
      await page.locator(".selected", { hasText: "2 selected" }).waitFor();
      await page.keyboard.press("Home");
      await page.keyboard.press("Space");
      await page.locator(".selected", { hasText: "1 selected" }).waitFor();
      await page.keyboard.press("/");
      await page.keyboard.press("Escape");
      await rowOf(page, "picture.png").waitFor();
    });
  },

  async "nothing that a file or a name brings is run"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      await linkOf(page, "picture.png").click();
      await shownPicture(page);
      await page.keyboard.press("Escape");
      await linkOf(page, "evil.svg").click();
      await shownPicture(page);
      await page.keyboard.press("Escape");
      await linkOf(page, "evil.html").click();
      assertEquals(await textWhenShown(page), SCRIPT);
      await page.keyboard.press("Escape");
      await page.locator(".label", { hasText: "onerror=alert(1)" }).click();
      const title = await page.locator("#preview-name").textContent();
      assert(title?.includes("\\u{202e}gpj.exe\\u{2066}"), title ?? "no title");
      assertEquals(await textWhenShown(page), SCRIPT);
      assertEquals(await page.locator("img[src=x]").count(), 0);
      await assertFits(page);
      assert(!(await page.title()).includes("owned"));
      assertEquals(await page.evaluate(() => "owned" in globalThis), false);
    });
    // Opened by themselves, too: they have no origin there, and text is text.
    for (const [name, type] of [["evil.svg", "image/svg+xml"], ["evil.html", "text/plain"]]) {
      await withOpened(browser, `${url}files/${name}?view`, async (page) => {
        assertEquals(await page.evaluate(() => [document.contentType, origin]), [type, "null"]);
        assert(!(await page.title()).includes("owned"));
      });
    }
  },

  async "who fetches what from here is seen"(
    { browser, url, port, out, env },
  ) {
    await withPage(browser, `${url}#activity`, async (page) => {
      await page.getByText("Who fetches what from here").waitFor();
      const args = ["get", "data 10.bin", "--port", port, "--out", out];
      await using get = new ShoalProcess(args, { env });
      assertEquals(await get.exit(), 0, get.description());
      await page.locator("tr", { hasText: "data 10.bin" }).filter({ hasText: "500 kB" }).waitFor();
    });
  },

  async "it can be read on a narrow screen and by who cannot see it"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      await rowOf(page, "picture.png").waitFor();
      await assertGapless(page);
      await assertFits(page);
      await assertAccessible(page);
      await rowOf(page, "folder").locator(".select").click();
      await page.locator(".selected").waitFor();
      await assertFits(page);
      await linkOf(page, "picture.png").click();
      await shownPicture(page);
      await assertFits(page);
      await assertAccessible(page);
    }, { viewport: { width: 320, height: 568 } });
    await withPage(browser, url, async (page) => {
      await rowOf(page, "picture.png").waitFor();
      await assertGapless(page);
      await assertAccessible(page);
    }, { viewport: { width: 3840, height: 2160 } });
  },

  async "what is dropped is stored as it is, and is there at once"({ browser, url, served }) {
    await withPage(browser, `${url}files/folder/`, async (page) => {
      await rowOf(page, "one.txt").waitFor();
      await dropFile(page, "dropped ü.bin", DATA);
      const item = page.locator(".uploads li", { hasText: "folder/dropped ü.bin" });
      await item.filter({ hasText: "stored" }).waitFor();
      assertEquals(await Deno.readFile(join(served, "folder/dropped ü.bin")), DATA);
      const sha256 = await sha256Of(DATA);
      assert((await item.textContent())?.includes(`${sha256} = there ${sha256}`));
      await rowOf(page, "dropped ü.bin").waitFor();
      // Never over another file.
      await dropFile(page, "one.txt", new TextEncoder().encode("another"));
      await page.getByText("stored, as folder/one (2).txt").waitFor();
      assertEquals(await Deno.readTextFile(join(served, "folder/one.txt")), "one");
      await assertAccessible(page);
    });
  },

  async "without scripts there is a list, and what it leads to"({ browser, url }) {
    await withPage(browser, url, async (page) => {
      await page.getByRole("link", { name: "folder" }).click();
      const [saved] = await Promise.all([
        page.waitForEvent("download"),
        page.getByRole("link", { name: "one.txt" }).click(),
      ]);
      assertEquals(await Deno.readTextFile(await saved.path()), "one");
      await assertFits(page);
    }, { javaScriptEnabled: false, acceptDownloads: true, viewport: { width: 320, height: 568 } });
  },
};

browserTest("the files of a server", async (test) => {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, content] of Object.entries(FILES)) {
      const path = join(folder, "served", name);
      await Deno.mkdir(join(path, ".."), { recursive: true });
      await (typeof content === "string"
        ? Deno.writeTextFile(path, content)
        : Deno.writeFile(path, content));
      await Deno.utime(path, TIME, TIME);
    }
    const env = { XDG_CACHE_HOME: join(folder, "cache"), XDG_CONFIG_HOME: join(folder, "config") };
    const [udpPort, webPort] = [String(freePort()), String(freePort())];
    const web = ["--web", "--web-port", webPort, "--web-host", "127.0.0.1", "--allow-upload"];
    const served = join(folder, "served");
    const args = ["--port", udpPort, ...web];
    await using server = new ShoalProcess(["server", served, ...args], { env });
    await server.event(({ event }) => event === "web");
    await server.event(({ event, filesLeft }) => event === "indexing" && filesLeft === 0);
    await withBrowser(async (browser) => {
      for (const [name, step] of Object.entries(steps)) {
        const [url, out] = [`http://127.0.0.1:${webPort}/`, join(folder, "out")];
        await test.step(name, () => step({ browser, url, port: udpPort, served, out, env }));
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** The row of a name. */
function rowOf(page: Page, name: string) {
  return page.locator(".canvas .row").filter({ has: page.getByText(name, { exact: true }) });
}

function linkOf(page: Page, name: string) {
  return rowOf(page, name).locator(".name a");
}

/** Until the picture in the dialog has been drawn. */
async function shownPicture(page: Page): Promise<void> {
  await page.waitForFunction(() => {
    const picture = document.querySelector("dialog img");
    return picture instanceof HTMLImageElement && picture.complete && picture.naturalWidth > 0;
  });
}

/** Fails where a row does not begin where the one before it ends, or is not wholly in the list. */
async function assertGapless(page: Page): Promise<void> {
  const rows = await page.locator(".files .row").evaluateAll((rows) =>
    rows.map((row) => row.getBoundingClientRect()).map(({ top, bottom }) => [top, bottom])
  );
  assertEquals(rows.length, Object.keys(FILES).length);
  rows.slice(1).forEach(([top], at) => {
    const gap = (top ?? NaN) - (rows[at]?.[1] ?? NaN);
    // The border of the head is between the two.
    assert(Math.abs(gap) <= 2, `${gap} pixels between rows ${at} and ${at + 1}`);
  });
}

async function textWhenShown(page: Page): Promise<string | null> {
  await page.locator("dialog pre:not(:empty)").waitFor();
  return await page.locator("dialog pre").textContent();
}

/** A document by itself, whose complaints about what it may not do are as they should be. */
async function withOpened(
  browser: Browser,
  url: string,
  body: (page: Page) => Promise<void>,
): Promise<void> {
  const page = await browser.newPage();
  const dialogs: string[] = [];
  page.on("dialog", (dialog) => {
    dialogs.push(dialog.message());
    dialog.dismiss().catch(() => {});
  });
  try {
    await page.goto(url);
    await body(page);
    assertEquals(dialogs, []);
  } finally {
    await page.close();
  }
}
