/**
 * The round trip of the existing JSON dialect, as its server does it: a file comes up whole and goes
 * back in chunks, in any order, so that the client can prove the way. Nothing is stored. Chunks can be
 * lost or damaged on purpose.
 */
import { type Bytes, fromHex, toHex } from "../../ids.ts";
import { ECHO_BATCH_BYTES, ECHO_FLIPPED_BYTES_MAX } from "./limits.ts";
import { refusalOf, type WireCode } from "../../wire/session_codes.ts";
import { encodeMessage, type JsonObject } from "../../wire/session_json.ts";
import { Random } from "../base/random.ts";
import { ask, type Dialogue, type LogLevel, type SessionPolicy } from "./dialogue.ts";
import { sha256 } from "../base/sha256.ts";
import { uploadRefusal } from "./upload_rules.ts";

/**
 * Answers one `upload`.
 *
 * @param round how many came before in this session: each draws other chances
 */
export function* echoUpload(policy: SessionPolicy, request: JsonObject, round: number): Dialogue {
  const path = request["file_path"];
  const data = dataIn(request);
  const refusal = uploadRefusal(policy, data?.length ?? 0);
  if (refusal !== undefined) {
    yield* ask("refuse", { name: typeof path === "string" ? path : "", message: refusal });
    return yield* fail("refused", refusal);
  }
  if (typeof path !== "string" || data === undefined) {
    return yield* fail("bad_request", "Missing file path or file data");
  }
  const { chunkBytes } = policy;
  const count = Math.ceil(data.length / chunkBytes);
  const checksum = toHex(sha256(data));
  yield* log("DEBUG", `Calculated checksum: ${checksum}`);
  yield* log("INFO", `File split into ${count} chunks`);
  const wanted = sequencesIn(request["sequences"], count);
  const sequences = wanted ?? Array.from({ length: count }, (_, i) => i);
  yield* send([{
    status: "ready",
    checksum,
    total_chunks: count,
    file_path: path,
    ...(wanted !== undefined && { sequences: wanted.length }),
  }]);
  const random = new Random(policy.seed + round);
  shuffle(sequences, random);
  let batch: JsonObject[] = [];
  let batchBytes = 0;
  let batched: number[] = [];
  for (const sequence of sequences) {
    const chunk = data.subarray(sequence * chunkBytes, (sequence + 1) * chunkBytes);
    const spoilt = yield* spoil(chunk, sequence, policy.errorRate, random);
    if (spoilt === undefined) continue;
    batch.push({ type: "chunk", sequence, data: toHex(spoilt) });
    batchBytes += 2 * spoilt.length;
    batched.push(sequence);
    if (batchBytes < ECHO_BATCH_BYTES) continue;
    yield* send(batch);
    yield* logSent(batched);
    batch = [];
    batched = [];
    batchBytes = 0;
  }
  yield* send([...batch, { type: "end", message: "File transmission complete" }]);
  yield* logSent(batched);
}

function* fail(code: WireCode, message: string): Dialogue {
  yield* send([refusalOf(code, message)]);
}

function* send(messages: readonly JsonObject[]): Dialogue {
  const encoded = messages.map(encodeMessage);
  const bytes = new Uint8Array(encoded.reduce((sum, each) => sum + each.length, 0));
  let at = 0;
  for (const each of encoded) {
    bytes.set(each, at);
    at += each.length;
  }
  yield* ask("send", { bytes });
}

function* logSent(sequences: readonly number[]): Dialogue {
  const messages = sequences.map((sequence) => `Sent chunk ${sequence}`);
  if (messages.length > 0) yield* ask("log", { level: "DEBUG", messages });
}

function* log(level: LogLevel, message: string): Dialogue {
  yield* ask("log", { level, messages: [message] });
}

/** The chunk as it leaves; `undefined` if it is lost on purpose. */
function* spoil(
  chunk: Bytes,
  sequence: number,
  errorRate: number,
  random: Random,
): Dialogue<Bytes | undefined> {
  if (!random.chance(errorRate)) return chunk;
  if (random.chance(0.5)) {
    yield* log("INFO", `Simulating packet loss for chunk ${sequence}`);
    return undefined;
  }
  yield* log("INFO", `Simulating data corruption for chunk ${sequence}`);
  const spoilt = chunk.slice();
  const flips = 1 + random.below(Math.min(ECHO_FLIPPED_BYTES_MAX, chunk.length));
  for (let i = 0; i < flips; i++) spoilt[random.below(chunk.length)]! ^= 1 + random.below(255);
  return spoilt;
}

/** Fisher and Yates. */
function shuffle(items: number[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}

/** The file's bytes: one a character, or in hexadecimal. */
function dataIn(request: JsonObject): Bytes | undefined {
  const hex = request["file_data_hex"];
  if (typeof hex === "string") return fromHex(hex.toLowerCase());
  const text = request["file_data"];
  if (typeof text !== "string") return undefined;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0xff) return undefined;
    bytes[i] = code;
  }
  return bytes;
}

/** The chunks that the client still lacks, each once; `undefined` if it wants all. */
function sequencesIn(value: unknown, count: number): number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const isChunk = (each: unknown): each is number =>
    Number.isInteger(each) && (each as number) >= 0 && (each as number) < count;
  return [...new Set(value.filter(isChunk))];
}
