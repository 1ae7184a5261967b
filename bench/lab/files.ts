/** Files to move, in memory: random, so that nothing can be compressed or told apart by luck, or text, where packing is measured. */
import { join } from "@std/path/join";
import { run } from "./command.ts";

const BLOCK_BYTES = 4 * 1024 * 1024;
/** What one call fills. */
const RANDOM_BYTES_MAX = 65_536;
const PAST_MS = 60_000;
const TREE_FOLDER_FILES = 100;
const SOURCE_ROOT = new URL("../../", import.meta.url).pathname;
const MEMORY_FOLDER = "/dev/shm";

/** A scratch folder where files live in memory, if there is such a place: no disk is measured. */
export async function makeScratch(): Promise<string> {
  const hasMemory = (await Deno.stat(MEMORY_FOLDER).catch(() => undefined))?.isDirectory ?? false;
  return await Deno.makeTempDir({ prefix: "sb-", ...(hasMemory ? { dir: MEMORY_FOLDER } : {}) });
}

/** It counts as settled: its mtime is well in the past. */
export async function makeFile(path: string, sizeBytes: number): Promise<void> {
  {
    using file = await Deno.create(path);
    const block = new Uint8Array(BLOCK_BYTES);
    for (let left = Math.floor(sizeBytes); left > 0; left -= BLOCK_BYTES) {
      for (let at = 0; at < block.length; at += RANDOM_BYTES_MAX) {
        crypto.getRandomValues(block.subarray(at, at + RANDOM_BYTES_MAX));
      }
      await writeAll(file, block.subarray(0, Math.min(left, BLOCK_BYTES)));
    }
  }
  const past = new Date(Date.now() - PAST_MS);
  await Deno.utime(path, past, past);
}

/**
 * Source text: that of the project itself, over and over. It is far longer than what any packing here looks back at, so
 * that the repetition helps nobody.
 */
export async function makeText(path: string, sizeBytes: number): Promise<void> {
  const source = new TextEncoder().encode((await sourceTexts(SOURCE_ROOT)).join(""));
  {
    using file = await Deno.create(path);
    for (let left = Math.floor(sizeBytes); left > 0; left -= source.length) {
      await writeAll(file, source.subarray(0, Math.min(left, source.length)));
    }
  }
  const past = new Date(Date.now() - PAST_MS);
  await Deno.utime(path, past, past);
}

async function sourceTexts(dir: string): Promise<string[]> {
  const entries = (await Array.fromAsync(Deno.readDir(dir)))
    .toSorted((a, b) => a.name < b.name ? -1 : 1);
  const texts: string[] = [];
  for (const { name, isDirectory } of entries) {
    if (name.startsWith(".")) continue;
    const path = join(dir, name);
    if (isDirectory) texts.push(...await sourceTexts(path));
    else if (name.endsWith(".ts")) texts.push(await Deno.readTextFile(path));
  }
  return texts;
}

/** As many files of one size, a hundred to a folder. */
export async function makeTree(path: string, fileCount: number, fileBytes: number): Promise<void> {
  const block = new Uint8Array(fileBytes);
  const past = new Date(Date.now() - PAST_MS);
  for (let i = 0; i < fileCount; i++) {
    const folder = join(path, `folder-${Math.floor(i / TREE_FOLDER_FILES)}`);
    if (i % TREE_FOLDER_FILES === 0) await Deno.mkdir(folder, { recursive: true });
    crypto.getRandomValues(block);
    const file = join(folder, `file-${i}.bin`);
    Deno.writeFileSync(file, block);
    Deno.utimeSync(file, past, past);
  }
}

/** Throws unless both folders have the same bytes under each name; of a folder (`photos/`), under all names in it. */
export async function compare(
  expectedDir: string,
  actualDir: string,
  names: readonly string[],
): Promise<void> {
  for (const name of names) {
    const program = name.endsWith("/") ? ["diff", "-rq"] : ["cmp"];
    const { ok, text } = await run(...program, join(expectedDir, name), join(actualDir, name));
    if (!ok) throw new Error(`the copy differs: ${text.trim()}`);
  }
}

async function writeAll(file: Deno.FsFile, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    written += await file.write(bytes.subarray(written));
  }
}
