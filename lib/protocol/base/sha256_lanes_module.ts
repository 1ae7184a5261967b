/**
 * WebAssembly that computes four SHA-256 side by side, a lane of each vector to one of them
 * (FIPS 180-4; the lanes go through the same steps because the messages are equally long). Written out
 * here, instruction by instruction and with all rounds unrolled, because that is shorter than what a
 * compiler and its output would add to the project.
 */
import type { Bytes } from "../../ids.ts";

export const LANES = 4;
/** A lane's place in memory starts so many bytes after that of the lane before, beginning at `firstAt`. */
interface LaneMemory {
  readonly firstAt: number;
  readonly strideBytes: number;
  /** Bytes of a lane with its padding: whole blocks of 64. */
  readonly messageBytes: number;
}

const ROUNDS = 64;
const BLOCK_BYTES = 64;
const PAGE_BYTES = 65_536;

type Code = readonly number[];

// — Encoding ————————————————————————————————————————————————————————————————————————————————————

/** LEB128. */
function unsigned(value: number): number[] {
  const low = value & 0x7f;
  return value < 0x80 ? [low] : [low | 0x80, ...unsigned(value >>> 7)];
}

function signed(value: number): number[] {
  const low = value & 0x7f;
  const rest = value >> 7;
  const isLast = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
  return isLast ? [low] : [low | 0x80, ...signed(rest)];
}

const section = (id: number, content: Code): number[] => [id, ...vector(content)];
const vector = (bytes: Code): number[] => [...unsigned(bytes.length), ...bytes];
const name = (text: string): number[] => vector([...text].map((letter) => letter.charCodeAt(0)));

const get = (local: number): Code => [0x20, ...unsigned(local)];
const set = (local: number, value: Code): Code => [...value, 0x21, ...unsigned(local)];
const tee = (local: number, value: Code): Code => [...value, 0x22, ...unsigned(local)];
const i32 = (value: number): Code => [0x41, ...signed(value | 0)];
const simd = (opcode: number, ...operands: readonly Code[]): Code => [
  ...operands.flat(),
  0xfd,
  ...unsigned(opcode),
];
/** Alignment is a hint, and blocks are aligned. */
const load = (at: Code, offset: number): Code => [...simd(0x00, at), 4, ...unsigned(offset)];
const store = (at: Code, offset: number, value: Code): Code => [
  ...simd(0x0b, at, value),
  4,
  ...unsigned(offset),
];
const shuffle = (a: Code, b: Code, order: Code): Code => [...simd(0x0d, a, b), ...order];
const splat = (value: number): Code => simd(0x11, i32(value));
const and = (a: Code, b: Code): Code => simd(0x4e, a, b);
const or = (a: Code, b: Code): Code => simd(0x50, a, b);
const xor = (...of: readonly Code[]): Code => of.reduce((a, b) => simd(0x51, a, b));
const shiftLeft = (a: Code, bits: number): Code => simd(0xab, a, i32(bits));
const shiftRight = (a: Code, bits: number): Code => simd(0xad, a, i32(bits));
const add = (...of: readonly Code[]): Code => of.reduce((a, b) => simd(0xae, a, b));
const rotate = (a: Code, bits: number): Code => or(shiftRight(a, bits), shiftLeft(a, 32 - bits));

// — Constants ———————————————————————————————————————————————————————————————————————————————————

/** The first 32 bits behind the point of the `root`-th root of `prime`. */
function fraction(prime: number, root: bigint): number {
  let low = 0n;
  let high = 1n << 40n;
  const scaled = BigInt(prime) << (32n * root);
  while (low < high) {
    const middle = (low + high + 1n) >> 1n;
    if (middle ** root <= scaled) low = middle;
    else high = middle - 1n;
  }
  return Number(low & 0xffff_ffffn);
}

function firstPrimes(count: number): number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  return primes;
}

const PRIMES = firstPrimes(ROUNDS);
const ROUND_CONSTANTS = PRIMES.map((prime) => fraction(prime, 3n));
const INITIAL_STATE = PRIMES.slice(0, 8).map((prime) => fraction(prime, 2n));

// — The function ————————————————————————————————————————————————————————————————————————————————

/** Locals: where the next blocks are, how many are left, then vectors. */
const POINTER = 0;
const LEFT = 1;
const STATE = 2;
const WORKING = 10;
const ROWS = 18;
const WORDS = 22;
const VECTORS = 36;

const words = (from: number, to: number, bytes: number): number[] =>
  Array.from({ length: (to - from) * bytes }, (_, i) => from * bytes + i);
/** The halves of two rows, woven together by words or by pairs of words. */
const LOW_WORDS = [0, 4, 1, 5].flatMap((word) => words(word, word + 1, 4));
const HIGH_WORDS = [2, 6, 3, 7].flatMap((word) => words(word, word + 1, 4));
const LOW_PAIRS = [...words(0, 1, 8), ...words(2, 3, 8)];
const HIGH_PAIRS = [...words(1, 2, 8), ...words(3, 4, 8)];
const BIG_ENDIAN = words(0, 16, 1).map((byte) => byte ^ 3);

/** Four words of each lane, turned into four vectors of one word of every lane. */
function loadWords(first: number, memory: LaneMemory): Code[] {
  const row = (i: number): Code => get(ROWS + i);
  const rows = Array.from({ length: LANES }, (_, lane) => {
    const offset = memory.firstAt + lane * memory.strideBytes + 4 * first;
    const loaded = tee(ROWS + lane, load(get(POINTER), offset));
    return set(ROWS + lane, shuffle(loaded, row(lane), BIG_ENDIAN));
  });
  const to = WORDS + first;
  return [
    ...rows,
    set(to, shuffle(row(0), row(1), LOW_WORDS)),
    set(to + 1, shuffle(row(2), row(3), LOW_WORDS)),
    set(to + 2, shuffle(row(0), row(1), HIGH_WORDS)),
    set(to + 3, shuffle(row(2), row(3), HIGH_WORDS)),
    set(ROWS, get(to)),
    set(to, shuffle(row(0), get(to + 1), LOW_PAIRS)),
    set(to + 1, shuffle(row(0), get(to + 1), HIGH_PAIRS)),
    set(ROWS, get(to + 2)),
    set(to + 2, shuffle(row(0), get(to + 3), LOW_PAIRS)),
    set(to + 3, shuffle(row(0), get(to + 3), HIGH_PAIRS)),
  ];
}

/** The word of this round, which replaces that of sixteen rounds before. */
function schedule(round: number): Code {
  const word = (back: number): number => WORDS + ((round - back) & 15);
  const w2 = get(word(2));
  const w15 = get(word(15));
  const s0 = xor(rotate(w15, 7), rotate(w15, 18), shiftRight(w15, 3));
  const s1 = xor(rotate(w2, 17), rotate(w2, 19), shiftRight(w2, 10));
  return set(word(16), add(get(word(16)), s0, get(word(7)), s1));
}

function round(number: number): Code[] {
  // The eight working variables move by one place per round: their names move, not their values.
  const variable = (i: number): number => WORKING + ((i - number) & 7);
  const [a, b, c, , e, f, g, h] = Array.from({ length: 8 }, (_, i) => get(variable(i))) as Code[];
  const sum1 = xor(rotate(e!, 6), rotate(e!, 11), rotate(e!, 25));
  const choice = xor(g!, and(e!, xor(f!, g!)));
  const word = get(WORDS + (number & 15));
  const constant = splat(ROUND_CONSTANTS[number]!);
  const sum0 = xor(rotate(a!, 2), rotate(a!, 13), rotate(a!, 22));
  const majority = or(and(a!, b!), and(c!, or(a!, b!)));
  return [
    ...(number < 16 ? [] : [schedule(number)]),
    set(ROWS, add(h!, constant, word, sum1, choice)),
    set(variable(3), add(get(variable(3)), get(ROWS))),
    set(variable(7), add(get(ROWS), sum0, majority)),
  ];
}

function body(memory: LaneMemory): Code {
  const eight = [0, 1, 2, 3, 4, 5, 6, 7];
  return [
    ...set(LEFT, i32(memory.messageBytes / BLOCK_BYTES)),
    ...eight.flatMap((i) => set(STATE + i, splat(INITIAL_STATE[i]!))),
    ...[0x03, 0x40], // loop
    ...[0, 4, 8, 12].flatMap((first) => loadWords(first, memory).flat()),
    ...eight.flatMap((i) => set(WORKING + i, get(STATE + i))),
    ...ROUND_CONSTANTS.flatMap((_, number) => round(number).flat()),
    // After 64 rounds the names are where they began.
    ...eight.flatMap((i) => set(STATE + i, add(get(STATE + i), get(WORKING + i)))),
    ...set(POINTER, [...get(POINTER), ...i32(BLOCK_BYTES), 0x6a]),
    ...tee(LEFT, [...get(LEFT), ...i32(1), 0x6b]),
    ...[0x0d, 0x00, 0x0b], // again while blocks are left; end of loop
    ...eight.flatMap((i) => store(i32(0), 16 * i, get(STATE + i))),
    0x0b,
  ];
}

/**
 * A module that exports `memory` and `hash()`. The latter hashes the lanes as they stand in memory,
 * padding included, and leaves word `i` of lane `l`'s digest at `16 × i + 4 × l`, little-endian.
 */
export function lanesModule(memory: LaneMemory): Bytes {
  const [I32, V128] = [0x7f, 0x7b];
  const bytes = memory.firstAt + LANES * memory.strideBytes;
  const code = [2, 2, I32, ...unsigned(VECTORS), V128, ...body(memory)];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, ...unsigned(Math.ceil(bytes / PAGE_BYTES))]),
    ...section(7, [2, ...name("memory"), 2, 0, ...name("hash"), 0, 0]),
    ...section(10, [1, ...vector(code)]),
  ]);
}
