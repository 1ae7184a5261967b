/** Packing on the way, as people and programs see it. A server that sends slowly stands for a slow line. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Bytes } from "../../lib/ids.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const MIB = 1024 * 1024;
const SLOW = ["--rate", "16mbit"];

/** Lines that differ, and pack. */
function textFile(sizeBytes: number): Bytes {
  const noise = randomFile(sizeBytes / 16 | 0, 5);
  const lines: string[] = [];
  for (let at = 0, length = 0; length < sizeBytes; at = (at + 3) % (noise.length - 3)) {
    const [a, b, c] = noise.subarray(at, at + 3);
    const line =
      `export function part${a}(value${b}: number): number { return value${b} + ${c}; }\n`;
    lines.push(line);
    length += line.length;
  }
  return new TextEncoder().encode(lines.join("")).slice(0, sizeBytes);
}

async function served(scratch: Scratch, port: number, ...more: string[]): Promise<ShoalProcess> {
  await scratch.serve("text.ts", textFile(6 * MIB));
  await scratch.serve("noise.bin", randomFile(4 * MIB, 6));
  return await startServer(scratch, port, [...SLOW, ...more]);
}

e2e("text comes packed over a slow line, and what that saved is told", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using _server = await served(scratch, port);
  const args = ["get", "text.ts", "--port", String(port), "--out", scratch.out];
  const { code, events, process } = await runShoal(args);
  assertEquals(code, 0, process.description());
  assertSameBytes(await scratch.read("text.ts"), textFile(6 * MIB));
  const done = events.find(({ event }) => event === "done");
  const saved = done?.["savedBytes"] as number;
  assert(saved > 2 * MIB && saved < 6 * MIB, `${saved}`);
  const [share] = done?.["servers"] as { readonly bytes: number; readonly savedBytes: number }[];
  assertEquals([share?.bytes, share?.savedBytes], [6 * MIB, saved]);
});

e2e("people read how much packing has saved", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using _server = await served(scratch, port);
  await using get = new ShoalProcess(
    ["get", "text.ts", "--port", String(port), "--out", scratch.out],
    { json: false },
  );
  assertEquals(await get.exit(), 0, get.description());
  assertMatch(get.stdout + get.stderr, /text\.ts: 6\.3 MB in .*, \d\.\d MB saved by packing/);
});

e2e("what does not pack, and what is not to be packed, comes as it is", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using _server = await served(scratch, port);
  for (const [name, ...flags] of [["noise.bin"], ["text.ts", "--no-pack"]]) {
    const args = ["get", name!, ...flags, "--port", String(port), "--out", scratch.out];
    const { code, events, process } = await runShoal(args);
    assertEquals(code, 0, process.description());
    assertEquals(events.find(({ event }) => event === "done")?.["savedBytes"], 0, name);
  }
  assertSameBytes(await scratch.read("noise.bin"), randomFile(4 * MIB, 6));
  assertSameBytes(await scratch.read("text.ts"), textFile(6 * MIB));
});

e2e("a folder of small files comes packed, too", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  const text = textFile(4 * MIB);
  const fileBytes = 8_192;
  for (let i = 0; i * fileBytes < text.length; i++) {
    await scratch.serve(`src/${i}.ts`, text.subarray(i * fileBytes, (i + 1) * fileBytes));
  }
  await using _server = await startServer(scratch, port, SLOW);
  const args = ["get", "src/", "--port", String(port), "--out", scratch.out];
  const { code, events, process } = await runShoal(args);
  assertEquals(code, 0, process.description());
  const folder = events.find(({ event }) => event === "folder");
  const saved = folder?.["savedBytes"] as number;
  assert(saved > MIB && saved < 4 * MIB, `${saved}`);
  for (const i of [0, 100, 511]) {
    const own = text.subarray(i * fileBytes, (i + 1) * fileBytes);
    assertSameBytes(await scratch.read(`src/${i}.ts`), own);
  }
});

e2e("servers that damage what they send give packs that are whole in the end", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await using _server = await served(
    ...[scratch, port, "--simulate-errors", "--error-rate", "0.05", "--seed", "3"] as const,
  );
  const args = ["get", "text.ts", "--port", String(port), "--out", scratch.out];
  const { code, events, process } = await runShoal(args);
  assertEquals(code, 0, process.description());
  assertSameBytes(await scratch.read("text.ts"), textFile(6 * MIB));
  assert(events.find(({ event }) => event === "done")?.["savedBytes"] as number > MIB);
});
