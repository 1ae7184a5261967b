/**
 * Tokens prove an address (docs/PROTOCOL.md, "Tokens"): its holder has received a datagram
 * there lately. A token is a MAC, so a server stores nothing for it and every thread that knows the
 * secret can judge it. It does not say who is at that address.
 */
import { withoutScope } from "../../address.ts";
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import { type Bytes, toHex, type Token } from "../../ids.ts";
import { KNOWN_MARK_BYTES, TOKEN_BYTES } from "../../wire/limits.ts";
import { TOKEN_CACHE_MAX, TOKEN_EPOCH_MS } from "./limits.ts";
import { hmacSha256, sha256 } from "./sha256.ts";

/**
 * `expired`: issued to this address by this process, too long ago. `none`: all zeros, as somebody sends who has
 * no token yet. `invalid`: anything else.
 */
export type TokenVerdict = "valid" | "expired" | "invalid" | "none";

/** What stands in a frame in place of a token. */
export const NO_TOKEN: Token = new Uint8Array(TOKEN_BYTES);

/** The same, of somebody who asks for one: no server has issued it, so it is answered by a RETRY and nothing else. */
export const TOKEN_PLEASE: Token = new Uint8Array(TOKEN_BYTES).fill(0xff);

const utf8 = new TextEncoder();

export class Tokens {
  readonly #secret: Bytes;
  /** Recently computed ones, oldest first: a busy client's is needed for every request. */
  readonly #cache = new Map<string, Token>();

  /** @param secret random, never told to anybody, a new one each process */
  constructor(secret: Bytes) {
    this.#secret = secret;
  }

  /** The token of this epoch for `address`. Leave its bytes as they are. */
  issue(nowMs: number, address: string): Token {
    return this.#tokenOf(epochAt(nowMs), address);
  }

  /** Accepts the tokens of this epoch and of the one before. */
  judge(nowMs: number, address: string, token: Token): TokenVerdict {
    if (timingSafeEqual(token, NO_TOKEN)) return "none";
    const epoch = epochAt(nowMs);
    const age = (epoch % 256 - (token[0] ?? 0) + 256) % 256;
    const isOurs = epoch > age && timingSafeEqual(token, this.#tokenOf(epoch - age, address));
    if (!isOurs) return "invalid";
    return age <= 1 ? "valid" : "expired";
  }

  /** Whether one of `marks` is of a token that `address` holds from here, of this epoch or the one before. */
  isKnown(nowMs: number, address: string, queryId: bigint, marks: readonly string[]): boolean {
    if (marks.length === 0) return false;
    const epoch = epochAt(nowMs);
    return [epoch, epoch - 1].some((each) =>
      marks.includes(knownMark(this.#tokenOf(each, address), queryId))
    );
  }

  /** What `address` holds from here in this epoch, if anything, marked for who is seen at `seen`. */
  aliasMark(nowMs: number, address: string, queryId: bigint, seen: string): string {
    return aliasMark(this.issue(nowMs, address), queryId, seen);
  }

  #tokenOf(epoch: number, address: string): Token {
    const key = `${epoch} ${withoutScope(address)}`;
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const token = hmacSha256(this.#secret, utf8.encode(key)).slice(0, TOKEN_BYTES);
    token[0] = epoch % 256;
    if (this.#cache.size >= TOKEN_CACHE_MAX) {
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    }
    this.#cache.set(key, token);
    return token;
  }
}

/**
 * By what the server that issued `token` recognises itself in the FIND of this id, and nobody else does: a
 * token is shown to nobody but its issuer.
 */
export function knownMark(token: Token, queryId: bigint): string {
  const marked = new Uint8Array(TOKEN_BYTES + 8);
  marked.set(token);
  new DataView(marked.buffer).setBigUint64(TOKEN_BYTES, queryId);
  return toHex(sha256(marked).subarray(0, KNOWN_MARK_BYTES));
}

/**
 * What shows the holder of `token` that whoever it asks has issued that as well. It is of use only to who is seen at
 * `seen`, so that nobody can pass on what he was given.
 */
export function aliasMark(token: Token, queryId: bigint, seen: string): string {
  const address = utf8.encode(withoutScope(seen));
  const marked = new Uint8Array(TOKEN_BYTES + 8 + address.length);
  marked.set(token);
  new DataView(marked.buffer).setBigUint64(TOKEN_BYTES, queryId);
  marked.set(address, TOKEN_BYTES + 8);
  return toHex(sha256(marked).subarray(0, KNOWN_MARK_BYTES));
}

/** Epochs start at 1, so that there is always one before. */
function epochAt(nowMs: number): number {
  return 1 + Math.floor(nowMs / TOKEN_EPOCH_MS);
}
