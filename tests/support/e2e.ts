/** What tests of the real command line have in common. */
import { assertEquals, assertMatch } from "@std/assert";
import { toHex } from "../../lib/ids.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { canRunProcesses, type JsonEvent, type runShoal } from "./shoal_process.ts";

/** A test that is skipped where processes cannot be run, or when `ignore` is. */
export function e2e(name: string, fn: () => Promise<void>, ignore = false): void {
  Deno.test({ name, ignore: ignore || !canRunProcesses, fn });
}

/** Cheap bytes that do not repeat within a chunk. */
export function randomFile(sizeBytes: number, seed: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed);
  const words = new Uint32Array(Math.ceil(sizeBytes / 4));
  for (let i = 0; i < words.length; i++) words[i] = random.u32();
  return new Uint8Array(words.buffer, 0, sizeBytes);
}

export async function sha256Hex(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return toHex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}

/** Everything below `folder`, by path, with what is in it: to see that nothing came, went or changed. */
export function contentsOf(folder: string, prefix = ""): Record<string, string> {
  const contents: Record<string, string> = {};
  for (const entry of Deno.readDirSync(folder)) {
    const [path, name] = [`${folder}/${entry.name}`, prefix + entry.name];
    if (entry.isDirectory) Object.assign(contents, contentsOf(path, `${name}/`));
    else contents[name] = entry.isFile ? Deno.readTextFileSync(path) : "special";
  }
  return contents;
}

/** It ended with `code` and said why: one line on what happened, one on what to do, nothing else. */
export function assertRefused(
  run: Awaited<ReturnType<typeof runShoal>>,
  code: number,
  says: RegExp,
): void {
  assertEquals(run.code, code, run.process.description());
  assertMatch(run.stderr, /^error: [^\n]+\nhint: [^\n]+\n$/, run.process.description());
  assertMatch(run.stderr, says, run.process.description());
}

export function failures(events: readonly JsonEvent[]): readonly JsonEvent[] {
  return events.filter((event) => event.event === "failed");
}
