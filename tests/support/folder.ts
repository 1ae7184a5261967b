/** Folders for tests: made, filled, handed over, removed. */
import "./libraries.ts";
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";

/**
 * Runs `body` with a fresh folder that holds `files`, and removes it whatever happens. The path that
 * it gets is free of links.
 */
export async function withFolder(
  files: Readonly<Record<string, string | Uint8Array>>,
  body: (dir: string) => void | Promise<void>,
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir({ prefix: "shoal-" }));
  try {
    for (const [name, content] of Object.entries(files)) await writeFile(dir, name, content);
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Writes `name` below `dir`, folders included. */
export async function writeFile(
  dir: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  const path = join(dir, name);
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeFile(
    path,
    typeof content === "string" ? new TextEncoder().encode(content) : content,
  );
}
