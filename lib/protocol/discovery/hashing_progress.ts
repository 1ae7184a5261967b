/**
 * How much patience servers that are still hashing have earned. PENDING is a claim that anybody can make for
 * ever, so it is the hashed bytes that count: each buys time once, at a speed below which nobody hashes, and only
 * while a file's bytes grow at the rate that the server claims for it. A server with many files hashes some of them
 * before others: growth of one earns patience for all.
 *
 * So a server that hashes slowly but truly is waited for, and one that only says so is as good as silent: all of
 * its PENDINGs together delay a search by what its files would take at that speed, once in each attempt.
 */
import type { HashingClaim } from "../base/hashing_claim.ts";
import { HASHING_BYTES_PER_S_MIN, HASHING_RATE_SHARE_MIN, HASHING_TIME_MS_MIN } from "./limits.ts";

interface HashedFile {
  readonly sizeBytes: number;
  /** The most that was claimed. */
  hashedBytes: number;
  /** As of when patience was last earned for it. */
  markMs: number;
  markBytes: number;
  markEarnedMs: number;
}

interface HashingServer {
  /** By query. */
  readonly files: Map<number, HashedFile>;
  /** What all growth of its files was worth. */
  earnedMs: number;
}

export class HashingProgress {
  readonly #servers = new Map<string, HashingServer>();
  /** Queries whose file became another one while it was waited for. */
  readonly #changing = new Set<number>();

  /** A PENDING has come; returns how much longer it is worth waiting for that file. */
  onPending(nowMs: number, serverKey: string, queryIndex: number, claim: HashingClaim): number {
    const server = this.#servers.get(serverKey) ?? { files: new Map(), earnedMs: 0 };
    this.#servers.set(serverKey, server);
    const { sizeBytes } = claim;
    const hashedBytes = Math.min(claim.hashedBytes, sizeBytes);
    const file = server.files.get(queryIndex);
    if (file === undefined) {
      const mark = { markMs: nowMs, markBytes: hashedBytes, markEarnedMs: server.earnedMs };
      server.files.set(queryIndex, { sizeBytes, hashedBytes, ...mark });
      return 0;
    }
    // Another file has taken its place: it is a new start, which is for the next attempt.
    if (file.sizeBytes !== sizeBytes) {
      this.#changing.add(queryIndex);
      return 0;
    }
    grow(server, file, hashedBytes);
    const promisedBytes = claim.rateBytesPerS * (nowMs - file.markMs) / 1_000;
    const isTrue = file.hashedBytes - file.markBytes >= promisedBytes * HASHING_RATE_SHARE_MIN;
    const earnedMs = server.earnedMs - file.markEarnedMs;
    if (!isTrue || earnedMs === 0) return 0;
    file.markMs = nowMs;
    file.markBytes = file.hashedBytes;
    file.markEarnedMs = server.earnedMs;
    return earnedMs;
  }

  /** Whether somebody seems to write to the file all the time. */
  isChanging(queryIndex: number): boolean {
    return this.#changing.has(queryIndex);
  }

  /** An OFFER has come: if the file was being hashed, all of it is. */
  onReady(serverKey: string, queryIndex: number): void {
    const server = this.#servers.get(serverKey);
    const file = server?.files.get(queryIndex);
    if (server === undefined || file === undefined) return;
    grow(server, file, file.sizeBytes);
    server.files.delete(queryIndex);
  }

  /** A new attempt for this query: its files are measured afresh. */
  restart(queryIndex: number): void {
    for (const { files } of this.#servers.values()) files.delete(queryIndex);
  }

  forget(serverKey: string): void {
    this.#servers.delete(serverKey);
  }
}

/** What a PENDING says of the file. */
export function claimIn({ sizeBytes, hashedBytes, rateBytesPerS }: HashingClaim): HashingClaim {
  return { sizeBytes, hashedBytes, rateBytesPerS };
}

function grow(server: HashingServer, file: HashedFile, hashedBytes: number): void {
  const grownBytes = Math.max(0, hashedBytes - file.hashedBytes);
  if (grownBytes === 0) return;
  file.hashedBytes += grownBytes;
  const slowestMs = Math.max(
    grownBytes / HASHING_BYTES_PER_S_MIN * 1_000,
    grownBytes / file.sizeBytes * HASHING_TIME_MS_MIN,
  );
  server.earnedMs += slowestMs;
}
