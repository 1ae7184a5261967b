/** What a person has thought up, made as hard to guess as can be without a salt that all members would have to share. */
import type { Bytes } from "../../ids.ts";
import { KIB } from "../../limits.ts";

/** scrypt's N, r and p (RFC 7914): half a second and 128 MiB for each guess. A change is a new version of the seal. */
const COST = { N: 128 * KIB, r: 8, p: 1 } as const;
/** Whoever shares the secret shares nothing else: the salt only keeps these guesses apart from those of other programs. */
const SALT = "shoal seal 1 typed";
const STRETCHED_BYTES = 32;

export function stretched(text: string): Promise<Bytes> {
  // Loaded where it is needed: most runs have no such secret.
  const { scrypt } = process.getBuiltinModule("node:crypto");
  // What it takes, and some to spare.
  const maxmem = 2 * 128 * COST.N * COST.r;
  return new Promise((resolve, reject) => {
    scrypt(text, SALT, STRETCHED_BYTES, { ...COST, maxmem }, (error, key) => {
      if (error) reject(error);
      else resolve(new Uint8Array(key));
    });
  });
}
