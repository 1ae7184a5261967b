/**
 * Spoilt byte streams against the dialogues of sessions, in both dialects, and of a master: in process,
 * with a library that is the least that they can talk about. A stream must bring its dialogue to an
 * end, in no more steps and with no more said than its length allows.
 */
import { assert } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName } from "../../lib/ids.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../lib/wire/limits.ts";
import { parseFileName } from "../../lib/names.ts";
import { LOCATE_EXCEPT_MAX } from "../../lib/protocol/master/limits.ts";
import { type MasterStep, serveMaster } from "../../lib/protocol/master/master_session.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import { serveSession } from "../../lib/protocol/session/serve_session.ts";
import type {
  SessionFile,
  SessionPolicy,
  SessionStep,
} from "../../lib/protocol/session/dialogue.ts";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";
import { takeLine } from "../../lib/wire/session_ascii.ts";
import {
  BodyFrames,
  encodeMessage,
  parseMessage,
  takeMessage,
} from "../../lib/wire/session_json.ts";
import { pick } from "./mutator.ts";
import { MASTER_SESSIONS, ODD_VALUES, SESSIONS } from "./opening_corpus.ts";

const POLICY: SessionPolicy = {
  allowsUpload: true,
  uploadBytesMax: 1_000,
  refusal: undefined,
  chunkBytes: 4,
  errorRate: 0.1,
  seed: 1,
};
const SHA = hashHex("ab".repeat(32));
const FILE: SessionFile = {
  name: "a.txt" as SafeFileName,
  place: { kind: "file", dir: "/served", name: "a.txt" },
  sizeBytes: 5,
  mtimeMs: 7,
  ctimeMs: 1,
  inode: 1,
  sha256: SHA,
  root: SHA,
  md5: "c".repeat(32),
};
const CLOSED = { kind: "ended", why: "closed" } as const;
const STREAM_BYTES_MAX = 8_192;
/** A step takes at least a byte, or follows one that did. */
const STEPS_PER_BYTE_MAX = 8;
/** The largest answer to the shortest question: a chunk of hex in JSON for every byte that came. */
const SAID_PER_BYTE_MAX = 1_000;

export interface OpeningRun {
  readonly openings: number;
  readonly seed: number;
}

export interface OpeningCounts {
  readonly steps: number;
  readonly saidBytes: number;
  readonly stored: number;
  readonly leases: number;
}

/** Throws with the number of the opening that something went wrong at. */
export function fuzzOpenings({ openings, seed }: OpeningRun): OpeningCounts {
  const random = new Random(seed);
  const counts = { steps: 0, saidBytes: 0, stored: 0, leases: 0 };
  for (let opened = 0; opened < openings; opened++) {
    const isMaster = random.chance(0.3);
    const corpus = isMaster ? MASTER_SESSIONS : SESSIONS;
    const stream = spoilt(random, pick(random, corpus), pick(random, corpus));
    try {
      const peer = new Peer(random, stream);
      if (isMaster) playMaster(peer, counts);
      else playSession(random, peer, counts);
      counts.steps += peer.steps;
      counts.saidBytes += peer.saidBytes;
    } catch (cause) {
      const message = `opening ${opened + 1} of seed ${seed}: ${stream.toHex()}`;
      throw new Error(message, { cause });
    }
  }
  return counts;
}

/** The stream, and what was made of it. */
class Peer {
  readonly queue = new ByteQueue();
  readonly #streamBytes: number;
  steps = 0;
  saidBytes = 0;

  constructor(random: Random, stream: Bytes) {
    this.#streamBytes = stream.length;
    for (let at = 0; at < stream.length;) {
      const end = Math.min(stream.length, at + 1 + random.below(200));
      this.queue.push(stream.slice(at, end));
      at = end;
    }
  }

  step(): void {
    this.steps += 1;
    const stepsMax = STEPS_PER_BYTE_MAX * (this.#streamBytes + 4);
    assert(this.steps <= stepsMax, "the dialogue goes on without being told anything");
  }

  hear(bytes: number): void {
    this.saidBytes += bytes;
    assert(this.saidBytes <= SAID_PER_BYTE_MAX * (this.#streamBytes + 4), "it says too much");
  }
}

function playSession(random: Random, peer: Peer, counts: { stored: number }): void {
  const policy = {
    ...POLICY,
    allowsUpload: random.chance(0.8),
    refusal: random.chance(0.05) ? "no" : undefined,
  };
  const dialogue = serveSession(policy);
  let sizeBytes = 0;
  const perform = (step: SessionStep): unknown => {
    const { queue } = peer;
    switch (step.kind) {
      case "peek":
        return queue.peek(1)[0];
      case "line":
        return takeLine(queue, step.form, true) ?? CLOSED;
      case "message":
        assert(step.bytesMax >= SESSION_COMMAND_BYTES_MAX);
        return takeMessage(queue, step.bytesMax) ?? CLOSED;
      case "skip":
        return queue.skip(step.lengthBytes) === step.lengthBytes;
      case "send":
        return peer.hear(step.bytes.length);
      case "files":
        return step.after === undefined ? [FILE] : [];
      case "find":
        if (step.query.by === "name") assertSafe(step.query.name);
        return step.query.by === "name" && step.query.name !== FILE.name ? undefined : FILE;
      case "layer":
        return random.chance(0.5) ? new Uint8Array(32) : undefined;
      case "sendFile":
        assert(step.offset >= 0 && step.offset + step.lengthBytes <= FILE.sizeBytes);
        return random.chance(0.9);
      case "beginUpload":
        assertSafe(step.name);
        assert(step.sizeBytes <= policy.uploadBytesMax && policy.allowsUpload);
        sizeBytes = step.sizeBytes;
        return { kind: "ready", offset: 0 };
      case "receiveUpload":
        return receiveBody(queue, step.framing, sizeBytes) ? { kind: "received" } : CLOSED;
      case "endUpload":
        counts.stored += 1;
        return { kind: "stored", name: FILE.name, sha256: SHA, md5: FILE.md5, isPresent: false };
      case "strike":
      case "sendBody":
      case "refuse":
      case "log":
        return;
    }
  };
  for (let next = dialogue.next(); !next.done; next = dialogue.next(perform(next.value))) {
    peer.step();
  }
}

function receiveBody(queue: ByteQueue, framing: "raw" | "frames", sizeBytes: number): boolean {
  if (framing === "raw") return queue.skip(sizeBytes) === sizeBytes;
  const body = new BodyFrames();
  for (let bytes = 0; !body.isAtEnd;) {
    const before = queue.lengthBytes;
    const part = body.take(queue, 64);
    if (part === undefined || queue.lengthBytes === before) return false;
    bytes += part.length;
    if (bytes > sizeBytes) return false;
  }
  return true;
}

function playMaster(peer: Peer, counts: { leases: number }): void {
  const dialogue = serveMaster("10.0.0.7", "10.0.0.1");
  let held = 0;
  const perform = (step: MasterStep): unknown => {
    switch (step.kind) {
      case "request": {
        const taken = takeMessage(peer.queue, SESSION_COMMAND_BYTES_MAX);
        if (taken === undefined) return { kind: "ended" };
        if (taken.kind === "tooLarge") {
          const isPassed = peer.queue.skip(taken.lengthBytes) === taken.lengthBytes;
          return { kind: isPassed ? "nonsense" : "ended" };
        }
        const request = parseMessage(taken.bytes);
        return request === undefined ? { kind: "nonsense" } : { kind: "request", request };
      }
      case "send":
        return peer.hear(encodeMessage(step.message).length);
      case "open":
        assert(step.provider.endpoint.address === "10.0.0.7", "somebody spoke for another host");
        held += 1;
        counts.leases += 1;
        return "e".repeat(32);
      case "resume":
        return undefined;
      case "close":
        held -= 1;
        return;
      case "renew":
        return true;
      case "update":
        for (const { name } of step.update.put) assertSafe(name);
        return step.update.put.length;
      case "locate":
        assert(step.except.size <= LOCATE_EXCEPT_MAX + 1);
        for (const query of step.queries) if (query.by === "name") assertSafe(query.name);
        return step.queries.map(() => []);
      case "page":
        return [];
      case "changes":
        return { cursor: 1, isStale: false, hasMore: false, names: [] };
      case "stats":
        return { servers: 1, files: 1 };
    }
  };
  for (let next = dialogue.next(); !next.done; next = dialogue.next(perform(next.value))) {
    peer.step();
  }
  assert(held === 0, "a lease outlived its connection");
}

function assertSafe(name: string): void {
  assert(parseFileName(name).ok, `${name} got past the door`);
}

/** Cut, flipped, spliced and stretched; and, since that seldom leaves JSON, values changed in place. */
function spoilt(random: Random, stream: Bytes, other: Bytes): Bytes {
  let bytes: Bytes = stream.slice();
  for (let rounds = random.below(4); rounds > 0; rounds--) {
    const at = random.below(bytes.length + 1);
    switch (random.below(7)) {
      case 0:
        for (let flips = 1 + random.below(4); flips > 0 && bytes.length > 0; flips--) {
          bytes[random.below(bytes.length)]! ^= 1 << random.below(8);
        }
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2:
        bytes = concat(bytes.subarray(0, at), other);
        break;
      case 3:
        bytes = concat(bytes, random.bytes(1 + random.below(40)));
        break;
      case 4:
        bytes = concat(bytes.subarray(0, at), random.bytes(random.below(5)), bytes.subarray(at));
        break;
      default:
        bytes = withOddValue(random, bytes);
    }
  }
  return bytes.slice(0, STREAM_BYTES_MAX);
}

/** The first messages of a stream with one value replaced, lengths and all. */
function withOddValue(random: Random, stream: Bytes): Bytes {
  const queue = new ByteQueue();
  queue.push(stream);
  const texts: string[] = [];
  for (;;) {
    const taken = (stream[0] ?? 0xff) < 0x20 ? takeMessage(queue, STREAM_BYTES_MAX) : undefined;
    if (taken?.kind !== "message") break;
    texts.push(new TextDecoder().decode(taken.bytes));
  }
  if (texts.length === 0) return stream;
  const which = random.below(texts.length);
  const values = [...texts[which]!.matchAll(/(?<=:)("[^"]*"|\d+|true|\[[^\]]*\])/g)];
  const value = values[random.below(values.length)];
  if (value !== undefined) {
    const { index, 0: { length } } = value;
    const text = texts[which]!;
    texts[which] = text.slice(0, index) + pick(random, ODD_VALUES) + text.slice(index + length);
  }
  const parts = texts.map((text) => {
    const body = new TextEncoder().encode(text);
    const message = new Uint8Array(4 + body.length);
    new DataView(message.buffer).setUint32(0, body.length);
    message.set(body, 4);
    return message;
  });
  return concat(...parts, queue.peek(queue.lengthBytes));
}

function concat(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
