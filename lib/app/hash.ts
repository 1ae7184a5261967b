/** All digests of a local file. */
import { ShoalError } from "../errors.ts";
import { denoRuntime, type Runtime } from "../io/runtime.ts";
import { type RegularFile, sameIdentity } from "../io/files/regular_file.ts";
import { HASH_READ_BYTES } from "../io/workers/limits.ts";
import { displayName } from "../names.ts";
import { chunkBytesFor, chunkCountFor, TreeHasher } from "../protocol/merkle/merkle.ts";
import { StreamingHash } from "../protocol/base/sha256.ts";
import { openLocalFile } from "./session/local_file.ts";
import type { FileHashes } from "./options.ts";

/**
 * Hashes the file at `path`, in one pass and in bounded memory.
 *
 * @param path a regular file
 * @param options a signal that ends the work
 * @returns its size, SHA-256, Merkle root, MD5 and chunks
 * @throws {ShoalError} `usage` if there is no readable regular file, `changed` if it was written to meanwhile,
 * `disk` if it cannot be read to the end, `interrupted` through the signal
 *
 * @example Hash a file
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hashFile } from "@shoal/shoal";
 *
 * const path = await Deno.makeTempFile();
 * await Deno.writeTextFile(path, "hello");
 * const { sizeBytes, md5 } = await hashFile(path);
 * assertEquals([sizeBytes, md5], [5, "5d41402abc4b2a76b9719d911017c592"]);
 * ```
 */
export async function hashFile(
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<FileHashes> {
  return await hashFileIn(denoRuntime(), path, options);
}

/** The same on a platform that is handed in. */
export async function hashFileIn(
  runtime: Pick<Runtime, "clock" | "disk">,
  path: string,
  options: { readonly signal?: AbortSignal } = {},
): Promise<FileHashes> {
  const file = openLocalFile(runtime.disk, path);
  try {
    return await hashOpened(runtime, path, file, options.signal);
  } finally {
    file.close();
  }
}

async function hashOpened(
  { clock }: Pick<Runtime, "clock">,
  path: string,
  file: RegularFile,
  signal: AbortSignal | undefined,
): Promise<FileHashes> {
  const before = file.identity();
  const sizeBytes = before?.signature.sizeBytes ?? 0;
  const [tree, sha256, md5] = [
    new TreeHasher(sizeBytes),
    new StreamingHash("sha256"),
    new StreamingHash("md5"),
  ];
  const buffer = new Uint8Array(HASH_READ_BYTES);
  for (let position = 0; position < sizeBytes;) {
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted while hashing");
    const lengthBytes = Math.min(buffer.length, sizeBytes - position);
    if (file.readAt(buffer, 0, lengthBytes, position) < lengthBytes) {
      if (!sameIdentity(before, file.identity())) throw changedError(path);
      throw new ShoalError("disk", `${displayName(path)} cannot be read to the end`);
    }
    const piece = buffer.subarray(0, lengthBytes);
    for (const hasher of [tree, sha256, md5]) hasher.update(piece);
    position += lengthBytes;
    await clock.yieldToEvents();
  }
  if (!sameIdentity(before, file.identity())) throw changedError(path);
  return {
    sizeBytes,
    sha256: sha256.digestHex(),
    root: tree.finish().root,
    md5: md5.digestHex(),
    chunkBytes: chunkBytesFor(sizeBytes),
    chunks: chunkCountFor(sizeBytes),
  };
}

function changedError(path: string): ShoalError {
  return new ShoalError("changed", `${displayName(path)} changed while it was being hashed`, {
    hint: "Wait until nothing is writing to it, and run the same command again.",
  });
}
