/**
 * A real browser for tests, Debian's Chromium without a screen. Where it isn't installed the tests say so and skip. What a
 * page complains of, and any dialog that a script opens, fails the test.
 */
import { assertEquals } from "@std/assert";
import axe from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const PROGRAM = "/usr/bin/chromium-headless-shell";
/** What a browser does on a busy machine it does in the end. */
const PATIENCE_MS = 60_000;

export const hasBrowser = await Deno.stat(PROGRAM).then(() => true, () => false);

/** A test that needs the browser; it is skipped by its name where there is none. */
export function browserTest(name: string, fn: (test: Deno.TestContext) => Promise<void>): void {
  Deno.test({ name: `in a browser: ${name}`, ignore: !hasBrowser, fn });
}

export async function withBrowser(body: (browser: Browser) => Promise<void>): Promise<void> {
  const browser = await chromium.launch({ executablePath: PROGRAM, args: ["--no-sandbox"] });
  try {
    await body(browser);
  } finally {
    await browser.close();
  }
}

/** Opens `url` in a profile of its own and judges, after `body`, that nothing ran or failed there but what is `expected`. */
export async function withPage(
  browser: Browser,
  url: string,
  body: (page: Page) => Promise<void>,
  options: BrowserContextOptions = {},
  expected: RegExp | undefined = undefined,
): Promise<void> {
  const context = await browser.newContext(options);
  try {
    const page = await context.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    const problems: string[] = [];
    page.on("pageerror", ({ message }) => problems.push(message));
    page.on("console", (message) => {
      const text = message.text();
      if (message.type() === "error" && !expected?.test(text)) problems.push(text);
    });
    page.on("dialog", (dialog) => {
      problems.push(`a dialog: ${dialog.message()}`);
      // Left open, it would stop the page.
      dialog.dismiss().catch(() => {});
    });
    await page.goto(url);
    await body(page);
    assertEquals(problems, []);
  } finally {
    await context.close();
  }
}

/** Fails on whatever axe-core finds that it calls serious or critical, in the light and in the dark. */
export async function assertAccessible(page: Page): Promise<void> {
  // Its own way in is no matter of the page's policy.
  await page.evaluate(axe.source);
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate(async () => {
      const { axe } = globalThis as unknown as { axe: typeof import("axe-core") };
      const { violations } = await axe.run();
      return violations.map(({ id, impact, nodes }) => ({
        id,
        impact,
        where: nodes.map(({ html }) => html.slice(0, 200)),
      }));
    });
    const grave = found.filter(({ impact }) => impact === "serious" || impact === "critical");
    assertEquals(grave, [], colorScheme);
  }
}

/** Fails where the page is wider than its window, so that one would have to scroll sideways to read. */
export async function assertFits(page: Page): Promise<void> {
  const widths = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assertEquals((widths[0] ?? 0) <= (widths[1] ?? 0), true, `${widths[0]} wide in ${widths[1]}`);
}

/** Lets a file fall onto the list, as from another window. */
export async function dropFile(page: Page, name: string, data: Uint8Array): Promise<void> {
  const transfer = await page.evaluateHandle(({ name, base64 }) => {
    const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name, { lastModified: 1.7e12 }));
    return transfer;
  }, { name, base64: data.toBase64() });
  await page.dispatchEvent(".files", "dragover", { dataTransfer: transfer });
  await page.dispatchEvent(".files", "drop", { dataTransfer: transfer });
}
