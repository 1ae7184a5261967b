/**
 * Makes the README's pictures of the page, `docs/page_files.png` and `docs/page_activity.png`, from a real server and a real
 * transfer on loopback: `deno task picture:page`, where a browser for tests is installed.
 */
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { freePort, ShoalProcess } from "../support/shoal_process.ts";
import { withBrowser } from "./browser.ts";

const DOCS = fileURLToPath(new URL("../../docs/", import.meta.url));
const SIZE = { width: 760, height: 420 };
const TIME_MS = Date.UTC(2026, 5, 20, 17, 30);
const FILES: readonly (readonly [name: string, bytes: number])[] = [
  ["Concert/01 Overture.flac", 31_000_000],
  ["Concert/02 Andante.flac", 44_000_000],
  ["Holiday film.mp4", 210_000_000],
  ["Map of the coast.pdf", 4_200_000],
  ["Notes.txt", 1_200],
  ["Photos/beach.jpg", 3_100_000],
  ["Photos/harbour.jpg", 2_700_000],
  ["Photos/lighthouse.jpg", 4_800_000],
  ["Recipes for the boat.md", 5_300],
];

const folder = await Deno.makeTempDir();
try {
  const served = join(folder, "served");
  for (const [index, [name, bytes]] of FILES.entries()) {
    const path = join(served, name);
    await Deno.mkdir(join(path, ".."), { recursive: true });
    const file = await Deno.create(path);
    // Not all alike: each is a file of its own.
    await file.write(new TextEncoder().encode(name));
    await file.truncate(bytes);
    file.close();
    const time = new Date(TIME_MS - index * 3_700_000);
    await Deno.utime(path, time, time);
  }
  const env = { XDG_CACHE_HOME: join(folder, "cache"), XDG_CONFIG_HOME: join(folder, "config") };
  const [port, webPort] = [String(freePort()), String(freePort())];
  const web = ["--web", "--web-host", "127.0.0.1", "--web-port", webPort];
  await using server = new ShoalProcess(["server", served, "--port", port, ...web], { env });
  await server.event(({ event }) => event === "web");
  await server.event(({ event, filesLeft }) => event === "indexing" && filesLeft === 0);
  await withBrowser(async (browser) => {
    const page = await browser.newPage({ viewport: SIZE, colorScheme: "light" });
    await page.goto(`http://127.0.0.1:${webPort}/`);
    await page.locator(".canvas .row", { hasText: "Recipes for the boat.md" }).waitFor();
    await page.screenshot({ path: join(DOCS, "page_files.png") });
    await page.emulateMedia({ colorScheme: "dark" });
    await page.locator(".tabs a", { hasText: "Activity" }).click();
    const out = ["--port", port, "--rate", "20MB/s", "--out", join(folder, "out")];
    await using film = new ShoalProcess(["get", "Holiday film.mp4", ...out], { env });
    await film.event(({ event }) => event === "progress");
    // A third of the film is through.
    await page.waitForFunction(() =>
      (document.querySelector("td progress") as HTMLProgressElement)?.value > 1 / 3
    );
    await page.screenshot({ path: join(DOCS, "page_activity.png") });
  });
} finally {
  await Deno.remove(folder, { recursive: true });
}
