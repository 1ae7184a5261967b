/** `hash FILE…`: what a local file is, in every way that somebody might ask for it. */
import { EXIT } from "../errors.ts";
import { NAMES_PER_GET_MAX } from "../app/limits.ts";
import { displayName } from "../names.ts";
import { defineCommand } from "./command.ts";
import { OUTPUT_OPTIONS } from "./option_table.ts";

export const hashCommand = defineCommand({
  command: "hash",
  summary: "show sha256, Merkle root, chunk size and MD5 of files",
  otherNames: ["sum", "sha256", "sha256sum", "checksum"],
  positionals: {
    label: "FILE…",
    summary: "local files",
    countMin: 1,
    countMax: NAMES_PER_GET_MAX,
    completes: "file",
  },
  options: OUTPUT_OPTIONS,
  notes: ["The root is the BEP 52 pieces root: SHA-256 over 16 KiB blocks."],
  examples: [
    { line: "hash data/example.txt", says: "how a server would offer it" },
    { line: "hash --json *.iso", says: "one object per line" },
  ],
  async perform(_, paths, { app, reporter, signal }) {
    for (const path of paths) {
      const { sizeBytes: size, ...hashes } = await app.hashFile(path, { signal });
      reporter.report({ event: "hash", path, size, ...hashes });
      reporter.answer(displayName(path));
      reporter.answer(`  size    ${size}`);
      reporter.answer(`  sha256  ${hashes.sha256}`);
      reporter.answer(`  root    ${hashes.root}`);
      reporter.answer(`  chunks  ${hashes.chunks} of ${hashes.chunkBytes} bytes`);
      reporter.answer(`  md5     ${hashes.md5}`);
    }
    return EXIT.done;
  },
});
