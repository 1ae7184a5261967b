/**
 * A stream that is sealed (docs/PROTOCOL.md, "Seal"): two messages first, then records. Whoever connected says nothing before the
 * other side has shown that it has the secret, so that nothing which was said can be played to it again.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { GroupKey } from "../../protocol/seal/key_schedule.ts";
import type { SealSession } from "../../protocol/seal/session.ts";
import {
  acceptStream,
  askForStream,
  firstsAreOver,
  STREAM_HANDSHAKE_BYTES,
} from "../../protocol/seal/stream_handshake.ts";
import { Secret } from "../../protocol/seal/secrets.ts";
import type { SealSuite } from "../../protocol/seal/suite.ts";
import { SEAL_RECORD_BYTES_MAX, SEAL_TAG_BYTES } from "../../wire/limits.ts";
import { sealSlot } from "../../wire/seal.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { StreamRole } from "./transport_factory.ts";

const NOTHING: Bytes = new Uint8Array(0);
/** In front of a record: its length with the tag. */
const LENGTH_BYTES = 2;
const RECORD_BYTES_MAX = LENGTH_BYTES + SEAL_RECORD_BYTES_MAX + SEAL_TAG_BYTES;

interface SealedStreamOptions {
  /** What the valid secrets come to. */
  readonly groups: readonly GroupKey[];
  readonly suite: SealSuite;
  readonly role: StreamRole;
}

export class SealedStream implements ByteStream {
  readonly #inner: ByteStream;
  readonly #options: SealedStreamOptions;
  #opening: Promise<SealSession | undefined> | undefined;
  #session: SealSession | undefined;
  #isClosed = false;
  /** Made at the first record: many connections never bring one. */
  #arrived: Bytes | undefined;
  #sealed: Bytes | undefined;
  /** What is left of the last record that was opened. */
  #text: Bytes = NOTHING;
  /** Of what has come, messages of the handshake included. */
  #counter: number;

  constructor(inner: ByteStream, options: SealedStreamOptions) {
    this.#inner = inner;
    this.#options = options;
    this.#counter = options.role === "client" ? 1 : 0;
  }

  get peer(): Endpoint {
    return this.#inner.peer;
  }

  get localAddress(): string {
    return this.#inner.localAddress;
  }

  /** 0 also when what comes is not what a holder of the secret has said. */
  async read(target: Bytes): Promise<number> {
    const session = await this.#opened();
    if (session === undefined) return 0;
    if (this.#text.length === 0) this.#text = await this.#nextText(session);
    const count = Math.min(target.length, this.#text.length);
    target.set(this.#text.subarray(0, count));
    this.#text = this.#text.subarray(count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const session = await this.#opened();
    if (session === undefined || this.#isClosed) return 0;
    const text = bytes.subarray(0, SEAL_RECORD_BYTES_MAX) as Bytes;
    const record = this.#recordOf(session, text);
    return await this.#writeAll(record) ? text.length : 0;
  }

  async closeWrite(): Promise<void> {
    await this.#inner.closeWrite();
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#inner.close();
    this.#session?.close();
  }

  #recordOf(session: SealSession, text: Bytes): Bytes {
    this.#sealed ??= new Uint8Array(RECORD_BYTES_MAX);
    const record = this.#sealed.subarray(0, LENGTH_BYTES + text.length + SEAL_TAG_BYTES);
    new DataView(record.buffer).setUint16(0, record.length - LENGTH_BYTES);
    const counter = session.sending.nextCounter();
    session.sending.seal(counter, sealSlot(record, 0, record.length, LENGTH_BYTES), text, NOTHING);
    return record;
  }

  /** None when nothing more comes, or what comes is not the other side's. */
  async #nextText(session: SealSession): Promise<Bytes> {
    const arrived = this.#arrived ??= new Uint8Array(RECORD_BYTES_MAX);
    const length = arrived.subarray(0, LENGTH_BYTES);
    if (!await this.#fill(length)) return NOTHING;
    const bodyBytes = new DataView(arrived.buffer).getUint16(0);
    const record = arrived.subarray(0, LENGTH_BYTES + bodyBytes);
    if (bodyBytes <= SEAL_TAG_BYTES || !await this.#fill(record.subarray(LENGTH_BYTES))) {
      return NOTHING;
    }
    const slot = sealSlot(record, 0, record.length, LENGTH_BYTES);
    // In place: what is decrypted is as long.
    const isTheirs = !this.#isClosed && session.receiving.open(this.#counter, slot, slot.text);
    this.#counter += 1;
    if (isTheirs) return slot.text;
    this.close();
    return NOTHING;
  }

  // — Before the first record ———————————————————————————————————————————————————————————————————

  async #opened(): Promise<SealSession | undefined> {
    if (this.#isClosed) return undefined;
    return await (this.#opening ??= this.#open());
  }

  async #open(): Promise<SealSession | undefined> {
    const { suite, groups, role } = this.#options;
    const secrets = groups.map((group) => new Secret(suite, group));
    try {
      const session = await (role === "client" ? this.#ask(secrets) : this.#answer(secrets));
      if (session === undefined) this.close();
      else if (this.#isClosed) session.close();
      else return this.#session = session;
      return undefined;
    } finally {
      for (const secret of secrets) secret.close();
    }
  }

  async #ask(secrets: readonly Secret[]): Promise<SealSession | undefined> {
    const { firsts, session } = askForStream(this.#options.suite, secrets);
    const second: Bytes = new Uint8Array(STREAM_HANDSHAKE_BYTES);
    if (!await this.#writeAll(firsts) || !await this.#fill(second)) return undefined;
    return session(second);
  }

  async #answer(secrets: readonly Secret[]): Promise<SealSession | undefined> {
    const first: Bytes = new Uint8Array(STREAM_HANDSHAKE_BYTES);
    for (let read = 1; await this.#fill(first); read++) {
      const accepted = acceptStream(this.#options.suite, secrets, first);
      if (accepted === undefined) {
        if (firstsAreOver(first, read)) return undefined;
        continue;
      }
      const rest = new Uint8Array(accepted.firstsLeft * STREAM_HANDSHAKE_BYTES);
      if (await this.#fill(rest) && await this.#writeAll(accepted.second)) return accepted.session;
      accepted.session.close();
      return undefined;
    }
    return undefined;
  }

  async #fill(target: Bytes): Promise<boolean> {
    for (let at = 0; at < target.length;) {
      const count = await this.#inner.read(target.subarray(at));
      if (count === 0) return false;
      at += count;
    }
    return true;
  }

  async #writeAll(bytes: Bytes): Promise<boolean> {
    for (let at = 0; at < bytes.length;) {
      const count = await this.#inner.write(bytes.subarray(at));
      if (count === 0) return false;
      at += count;
    }
    return true;
  }
}
