/** The least that an index of whole-file and block hashes costs: SHA-256 over every byte, twice. `FILE` */
import { createHash } from "node:crypto";

const PIECE_BYTES = 256 * 1024;

const startMs = performance.now();
const [whole, blocks] = [createHash("sha256"), createHash("sha256")];
using file = Deno.openSync(Deno.args[0]!);
const piece = new Uint8Array(PIECE_BYTES);
for (let length = file.readSync(piece); length !== null; length = file.readSync(piece)) {
  whole.update(piece.subarray(0, length));
  blocks.update(piece.subarray(0, length));
}
whole.digest();
blocks.digest();
console.log((performance.now() - startMs) / 1000);
