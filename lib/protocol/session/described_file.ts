/** A file as a server describes it in a JSON session (docs/PROTOCOL.md, "JSON sessions"). */
import {
  fromHex,
  type HashHex,
  hashHex,
  type ModificationTime,
  type SafeFileName,
} from "../../ids.ts";
import { MTIME_MS_MAX } from "../../limits.ts";
import { parseFileName } from "../../names.ts";
import type { JsonObject } from "../../wire/session_json.ts";

export interface DescribedFile extends ModificationTime {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly sha256?: HashHex;
  readonly root?: HashHex;
  readonly md5?: string;
  /** Whether it is the beginning of a file that is being appended to. */
  readonly isGrowing?: true;
}

/** A file from a message; `undefined` for one that makes no sense. */
export function describedFile(value: unknown): DescribedFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name: text, size, sha256, root, md5, growing } = value as JsonObject;
  const parsed = typeof text === "string" ? parseFileName(text) : undefined;
  if (!parsed?.ok || typeof size !== "number" || !Number.isSafeInteger(size) || size < 0) {
    return undefined;
  }
  return {
    name: parsed.name,
    sizeBytes: size,
    ...timeIn(value as JsonObject),
    ...(isDigest(sha256, 32) && { sha256: hashHex(sha256) }),
    ...(isDigest(root, 32) && { root: hashHex(root) }),
    ...(isDigest(md5, 16) && { md5 }),
    ...(growing === true && { isGrowing: true }),
  };
}

/** When a file was modified, as `mtime` and `mtimeRestNs` say; 1970 where they make no sense. */
export function timeIn({ mtime, mtimeRestNs }: JsonObject): ModificationTime {
  if (typeof mtime !== "number" || !Number.isFinite(mtime)) return { mtimeMs: 0 };
  const mtimeMs = Math.floor(Math.min(Math.max(-MTIME_MS_MAX, mtime), MTIME_MS_MAX));
  const isRest = typeof mtimeRestNs === "number" && Number.isInteger(mtimeRestNs) &&
    mtimeRestNs > 0 && mtimeRestNs < 1_000_000;
  return { mtimeMs, ...(isRest && { mtimeRestNs }) };
}

/** {@linkcode timeIn}, the other way. */
export function timeFields({ mtimeMs, mtimeRestNs }: ModificationTime): JsonObject {
  return { mtime: mtimeMs, ...(mtimeRestNs && { mtimeRestNs }) };
}

function isDigest(value: unknown, bytes: number): value is string {
  return typeof value === "string" && fromHex(value)?.length === bytes;
}
