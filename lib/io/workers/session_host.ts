/** Performs the steps of a dialogue, over one connection of a server. */
import type { Bytes, SafeFileName } from "../../ids.ts";
import { type Endpoint, partyOf } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { BODY_FRAME_BYTES_MAX } from "../../wire/limits.ts";
import { LISTED_FILES_PER_STEP } from "../../protocol/session/limits.ts";
import type { ContentRef } from "../../protocol/base/served_file.ts";
import type { SentChunks } from "../../protocol/serve/sent_chunks.ts";
import type { AnswerTurns } from "../../protocol/session/answer_turns.ts";
import { layerWork } from "../../protocol/session/layer_work.ts";
import {
  LISTED_FILE_WORK,
  SESSION_QUESTION_WORK,
  UPLOAD_BYTES_PER_WORK,
} from "../../protocol/session/limits.ts";
import { SESSION_SEND_BYTES } from "../net/limits.ts";
import { AnswerTurn } from "./answer_turn.ts";
import { MD5_PATIENCE_MS } from "./limits.ts";
import type { Answers, Question, UploadedFile } from "../../messages/session_worker.ts";
import type {
  BodyRead,
  Dialogue,
  LogLevel,
  SessionFile,
  SessionStep,
  StepOf,
  UploadBegun,
  UploadEnded,
} from "../../protocol/session/dialogue.ts";
import type { ByteRange } from "../../wire/frames.ts";
import { LENGTH_PREFIX_BYTES, lengthPrefix } from "../../wire/session_json.ts";
import type { Clock } from "../system/clock.ts";
import type { Disk } from "../files/disk.ts";
import { openContent } from "../files/content_reader.ts";
import type { RequestPace } from "../net/request_pace.ts";
import type { SessionConnection } from "../net/session_connection.ts";
import type { Throttle } from "../net/throttle.ts";
import { peerMessage } from "../uploads/peer_message.ts";
import type { Upload } from "../uploads/upload.ts";
import type { Uploads } from "../uploads/uploads.ts";

/** A connection is one flow, known by its port. */
const CONNECTION_NONCE = 0n;

/** What a session needs of its server. */
export interface SessionLibrary {
  readonly clock: Clock;
  readonly disk: Disk;
  /** Absent where nothing is taken. */
  readonly uploads: Uploads | undefined;
  ask<Kind extends Question["kind"]>(
    question: Extract<Question, { kind: Kind }>,
  ): Promise<Answers[Kind]>;
  /** The MD5 of a file; `undefined` if it is not what it was. */
  md5Of(file: SessionFile): Promise<string | undefined>;
  onUploaded(file: UploadedFile, from: string): void;
  onSending(file: SessionFile, to: Endpoint): void;
  /** What it is made of is not what was indexed, or cannot be read. */
  onChanged(content: ContentRef): void;
  /** An upload was refused; what the peer called it is unchecked. */
  onRefused(name: string, from: Endpoint, message: string): void;
  /** What each connection was sent. */
  readonly sent: SentChunks;
  /** The same, for people. */
  onSent(to: Endpoint, content: ContentRef, range: ByteRange): void;
  onStruck(party: string, strike: StepOf<"strike">): void;
  log(level: LogLevel, ...messages: readonly string[]): void;
  /** What is kept for peers until they have taken it. */
  readonly turns: AnswerTurns;
  /** What is sent to all peers together passes here. */
  readonly throttle: Throttle;
}

/** Drives `dialogue` to its end. Throws ConnectionLost when the peer goes in the middle. */
export async function runDialogue(
  dialogue: Dialogue,
  connection: SessionConnection,
  library: SessionLibrary,
  pace: RequestPace,
): Promise<void> {
  const host = new SessionHost(connection, library, pace);
  try {
    for (let next = dialogue.next(); !next.done;) {
      next = dialogue.next(await host.perform(next.value));
    }
  } finally {
    host.close();
  }
}

class SessionHost {
  readonly #connection: SessionConnection;
  readonly #library: SessionLibrary;
  readonly #pace: RequestPace;
  #upload: Upload | undefined;
  readonly #turn: AnswerTurn;

  constructor(
    connection: SessionConnection,
    library: SessionLibrary,
    pace: RequestPace,
  ) {
    this.#connection = connection;
    this.#library = library;
    this.#pace = pace;
    this.#turn = new AnswerTurn(library.turns, connection, library.clock);
  }

  async perform(step: SessionStep): Promise<unknown> {
    const connection = this.#connection;
    switch (step.kind) {
      case "peek":
        return await connection.peek();
      case "line":
        // What was answered has been taken.
        this.#turn.leave();
        await this.#pace.request();
        return await connection.line(step.form);
      case "message":
        this.#turn.leave();
        await this.#pace.request();
        return await connection.message(step.bytesMax);
      case "skip":
        return await connection.skip(step.lengthBytes);
      case "send":
        await this.#library.throttle.pass(step.bytes.length);
        return await this.#turn.during(() => connection.send(step.bytes));
      case "files":
        await this.#turn.take();
        return await this.#files(step);
      case "find":
        return await this.#find(step);
      case "layer": {
        const { root, sizeBytes } = step;
        await this.#turn.take();
        await this.#pace.work(layerWork(sizeBytes));
        return await this.#library.ask({ kind: "layer", root, sizeBytes });
      }
      case "sendFile":
        return await this.#sendFile(step);
      case "strike":
        return await this.#onStrike(step);
      case "sendBody":
        return await this.#turn.during(() => this.#sendBody(step.bytes));
      case "beginUpload":
        return await this.#beginUpload(step);
      case "receiveUpload":
        return await this.#receiveUpload(step);
      case "endUpload":
        return await this.#endUpload(step);
      case "refuse":
        return this.#library.onRefused(step.name, connection.peerEndpoint, step.message);
      case "log":
        return this.#library.log(step.level, ...step.messages);
      default:
        return step satisfies never;
    }
  }

  /** Releases what the dialogue did not end. */
  close(): void {
    this.#turn.leave();
    this.#abandonUpload();
  }

  #abandonUpload(): void {
    this.#upload?.abandon();
    this.#upload = undefined;
  }

  // — What is offered ———————————————————————————————————————————————————————————————————————————

  async #files({ after, countMax, withMd5 }: StepOf<"files">): Promise<readonly SessionFile[]> {
    await this.#pace.work(SESSION_QUESTION_WORK + countMax * LISTED_FILE_WORK);
    const files = await this.#library.ask({ kind: "files", after, countMax });
    return withMd5 ? await this.#digested(files) : files;
  }

  async #find({ query, withMd5 }: StepOf<"find">): Promise<SessionFile | undefined> {
    // A manifest is made, or its files are gone through to see what it waits for.
    const perTree = query.by === "tree" ? LISTED_FILES_PER_STEP * LISTED_FILE_WORK : 0;
    await this.#pace.work(SESSION_QUESTION_WORK + perTree);
    const file = await this.#library.ask({
      kind: "find",
      query,
      party: partyOf(this.#connection.peerAddress),
    });
    if (file === undefined) return query.by === "md5" ? await this.#findByMd5(query.md5) : file;
    return withMd5 ? (await this.#digested([file]))[0] : file;
  }

  /** Not asked for before: computes MD5s, for a while, until one matches. */
  async #findByMd5(md5: string): Promise<SessionFile | undefined> {
    const { clock } = this.#library;
    const endMs = clock.nowMs() + MD5_PATIENCE_MS;
    let after: SafeFileName | undefined;
    while (clock.nowMs() < endMs) {
      const countMax = LISTED_FILES_PER_STEP;
      const files = await this.#files({ kind: "files", after, countMax, withMd5: true });
      const found = files.find((file) => file.md5 === md5);
      if (found !== undefined || files.length < countMax) return found;
      after = files.at(-1)!.name;
    }
    return undefined;
  }

  /** The files with their MD5s, as far as those are known within a while. */
  async #digested(files: readonly SessionFile[]): Promise<readonly SessionFile[]> {
    const digests = new Map<SessionFile, string>();
    const all = Promise.all(files.map(async (file) => {
      const md5 = file.md5 ?? await this.#library.md5Of(file);
      if (md5 !== undefined) digests.set(file, md5);
    }));
    await this.#library.clock.within(all, MD5_PATIENCE_MS);
    return files.map((file) => {
      const md5 = digests.get(file);
      return md5 === undefined ? file : { ...file, md5 };
    });
  }

  async #sendFile(step: StepOf<"sendFile">): Promise<boolean> {
    const { place, root, sizeBytes } = step.file;
    // All of it is read, whatever is asked for.
    if (place.kind === "bundle") await this.#pace.work(place.files.count * LISTED_FILE_WORK);
    const isSent = await this.#sendBytes(step);
    if (!isSent && place.kind === "bundle" && root !== undefined) {
      this.#library.onChanged({ root, sizeBytes });
    }
    return isSent;
  }

  async #sendBytes({ file, offset, lengthBytes, framing }: StepOf<"sendFile">): Promise<boolean> {
    const opened = openContent(this.#library.disk, file.place, file);
    if (!opened.ok) {
      if (framing === "frames") await this.#connection.send(lengthPrefix(0));
      return false;
    }
    const { reader } = opened;
    if (lengthBytes > 0) this.#library.onSending(file, this.#connection.peerEndpoint);
    try {
      // The prefix of a frame lies before its bytes, so that both leave in one write.
      const prefixBytes = framing === "frames" ? LENGTH_PREFIX_BYTES : 0;
      const buffer: Bytes = new Uint8Array(prefixBytes + SESSION_SEND_BYTES);
      for (let at = offset; at < offset + lengthBytes;) {
        const wanted = Math.min(SESSION_SEND_BYTES, offset + lengthBytes - at);
        const count = reader.readAt(buffer, prefixBytes, wanted, at);
        if (count < wanted || !reader.isUnchanged()) {
          if (framing === "frames") await this.#connection.send(lengthPrefix(0));
          return false;
        }
        if (framing === "frames") buffer.set(lengthPrefix(count));
        await this.#library.throttle.pass(count);
        await this.#connection.send(buffer.subarray(0, prefixBytes + count));
        this.#noteSent(file, at, count);
        at += count;
      }
      if (framing === "frames") await this.#connection.send(lengthPrefix(0));
      return true;
    } finally {
      reader.close();
    }
  }

  #noteSent({ root, sizeBytes }: SessionFile, offset: number, lengthBytes: number): void {
    if (root === undefined) return;
    const range = { offset, lengthBytes };
    const to = this.#connection.peerEndpoint;
    this.#library.sent.onSent(to, { nonce: CONNECTION_NONCE, root, sizeBytes, ranges: [range] });
    this.#library.onSent(to, { root, sizeBytes }, range);
  }

  async #onStrike(strike: StepOf<"strike">): Promise<void> {
    await this.#pace.work(SESSION_QUESTION_WORK);
    const from = this.#connection.peerEndpoint;
    const isCounted = this.#library.sent.takeStrike(from, { ...strike, nonce: CONNECTION_NONCE });
    if (isCounted) this.#library.onStruck(partyOf(from.address), strike);
  }

  async #sendBody(bytes: Bytes): Promise<void> {
    for (let at = 0; at < bytes.length; at += BODY_FRAME_BYTES_MAX) {
      const frame = bytes.subarray(at, at + BODY_FRAME_BYTES_MAX);
      await this.#library.throttle.pass(frame.length);
      await this.#connection.send(lengthPrefix(frame.length));
      await this.#connection.send(frame);
    }
    await this.#connection.send(lengthPrefix(0));
  }

  // — Uploads ———————————————————————————————————————————————————————————————————————————————————

  async #beginUpload(step: StepOf<"beginUpload">): Promise<UploadBegun> {
    this.#abandonUpload();
    const { peerAddress } = this.#connection;
    const { uploads } = this.#library;
    if (uploads === undefined) return { kind: "refused", message: "uploads are not accepted" };
    try {
      const keptBytes = uploads.keptBytesOf(step, peerAddress);
      await this.#pace.work(SESSION_QUESTION_WORK + Math.ceil(keptBytes / UPLOAD_BYTES_PER_WORK));
      const upload = this.#upload = await uploads.begin(step, peerAddress);
      const { offset } = upload;
      if (offset === 0) return { kind: "ready", offset };
      return { kind: "ready", offset, prefixSha256: upload.prefixSha256 };
    } catch (error) {
      this.#onRefused(step.name, error);
      return { kind: "refused", message: peerMessage(error) };
    }
  }

  async #receiveUpload({ offset, framing }: StepOf<"receiveUpload">): Promise<BodyRead> {
    const upload = this.#upload!;
    const read = await upload.receive(this.#connection, offset, framing);
    const { peerEndpoint } = this.#connection;
    if (read.kind === "failed") this.#library.onRefused(upload.name, peerEndpoint, read.message);
    return read;
  }

  async #endUpload({ sha256 }: StepOf<"endUpload">): Promise<UploadEnded> {
    const upload = this.#upload!;
    this.#upload = undefined;
    try {
      const stored = await upload.store(sha256);
      const { name, md5, isPresent } = stored;
      if (!isPresent) {
        const { sha256, root, tree } = stored;
        const file = { name, sizeBytes: upload.sizeBytes, sha256, root, tree, md5 };
        this.#library.onUploaded(file, this.#connection.peer);
      }
      return { kind: "stored", name, sha256: stored.sha256, md5, isPresent };
    } catch (error) {
      this.#onRefused(upload.name, error);
      const { code } = ShoalError.from(error);
      const message = peerMessage(error);
      return { kind: "failed", code: code === "unverified" ? code : "refused", message };
    }
  }

  /** Whoever runs this server is told what a peer is not. */
  #onRefused(name: string, error: unknown): void {
    const { message } = ShoalError.from(error);
    this.#library.onRefused(name, this.#connection.peerEndpoint, message);
  }
}
