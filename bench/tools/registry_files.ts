/** Files that nobody has: what the load on a master is made of. */
import type { SafeFileName } from "../../lib/ids.ts";

const FOLDERS = 97;

/** Names of a server are in order: the last six digits are the number of the file. */
export function nameOfLoad(server: number, file: number): SafeFileName {
  const folder = String(server % FOLDERS).padStart(2, "0");
  const number = String(file).padStart(6, "0");
  return `folder-${folder}/server-${String(server).padStart(5, "0")}/${number}` as SafeFileName;
}

export function fileOfLoad(
  server: number,
  file: number,
): { readonly sizeBytes: number; readonly sha256: string; readonly root: string } {
  const number = server * 1_000_000 + file + 1;
  return { sizeBytes: number, sha256: digest(number), root: digest(-number) };
}

/** Spread like a digest, without the price of one. */
function digest(number: number): string {
  let text = "";
  let state = number >>> 0;
  for (let i = 0; i < 8; i++) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 + i;
    text += (state >>> 0).toString(16).padStart(8, "0");
  }
  return text;
}
