/** A file as a server describes it in a JSON session (docs/PROTOCOL.md, "JSON sessions"). */
import { fromHex, type HashHex, hashHex, type SafeFileName } from "../../ids.ts";
import { parseFileName } from "../../names.ts";
import type { JsonObject } from "../../wire/session_json.ts";

export interface DescribedFile {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly sha256?: HashHex;
  readonly root?: HashHex;
  readonly md5?: string;
  /** Whether it is the beginning of a file that is being appended to. */
  readonly isGrowing?: true;
}

/** A file from a message; `undefined` for one that makes no sense. */
export function describedFile(value: unknown): DescribedFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name: text, size, mtime, sha256, root, md5, growing } = value as JsonObject;
  const parsed = typeof text === "string" ? parseFileName(text) : undefined;
  if (!parsed?.ok || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    return undefined;
  }
  return {
    name: parsed.name,
    sizeBytes: size,
    mtimeMs: typeof mtime === "number" ? mtime : 0,
    ...(isDigest(sha256, 32) && { sha256: hashHex(sha256) }),
    ...(isDigest(root, 32) && { root: hashHex(root) }),
    ...(isDigest(md5, 16) && { md5 }),
    ...(growing === true && { isGrowing: true }),
  };
}

function isDigest(value: unknown, bytes: number): value is string {
  return typeof value === "string" && fromHex(value)?.length === bytes;
}
