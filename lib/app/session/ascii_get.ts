/** `get --tcp --dialect ascii`: files of a server that knows MD5 ids and nothing else. */
import { ShoalError } from "../../errors.ts";
import type { Bytes, HashHex, SafeFileName } from "../../ids.ts";
import { hashHex } from "../../ids.ts";
import { ClassicTarget } from "../../io/files/classic_target.ts";
import { WrittenFiles } from "../../io/files/written_files.ts";
import type { Runtime } from "../../io/runtime.ts";
import { isMarked, unmarked } from "../../marked_name.ts";
import { parseFileName } from "../../names.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { AsciiManners, AsciiSession } from "../../protocol/session/ascii_session.ts";
import type { ClientDialogue } from "../../protocol/session/client_dialogue.ts";
import type { ListedFile } from "../../wire/session_ascii.ts";
import type { DoneEvent, FailedEvent } from "../events.ts";
import type { ResolvedTcpGetOptions } from "../option_defaults.ts";
import type { GetResult } from "../options.ts";
import { type GetTarget, getTargetOf } from "../get_target.ts";
import { usualPath } from "../usual_path.ts";
import { SessionProgress } from "./session_progress.ts";
import { converse } from "./session_retries.ts";

/** One per name, in the order of the names. */
export async function getByAscii(
  runtime: Runtime,
  options: ResolvedTcpGetOptions,
): Promise<GetResult> {
  const results: (DoneEvent | FailedEvent)[] = [];
  const manners = new AsciiManners();
  const written = new WrittenFiles(runtime.disk);
  for (const typed of options.names) {
    const name = unmarked(typed);
    const getting = new AsciiGet(runtime, { ...options, written }, typed, manners);
    const event = await getting.run().catch((thrown): FailedEvent => {
      const { code, message, hint } = ShoalError.from(thrown);
      return { event: "failed", name, code, message, hint };
    });
    options.onEvent?.(event);
    results.push(event);
  }
  return results;
}

interface AsciiGetOptions extends ResolvedTcpGetOptions {
  readonly written: WrittenFiles;
}

class AsciiGet {
  readonly #runtime: Runtime;
  readonly #options: AsciiGetOptions;
  readonly #wanted: string;
  readonly #manners: AsciiManners;
  readonly #place: GetTarget;
  readonly #startedMs: number;
  /** What is fetched, once it was listed; begun anew on each connection. */
  #file: ListedFile | undefined;
  #target: ClassicTarget | undefined;
  #progress: SessionProgress | undefined;
  #sha256 = new StreamingHash();
  #peer: string;

  constructor(
    runtime: Runtime,
    options: AsciiGetOptions,
    wanted: string,
    manners: AsciiManners,
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#wanted = wanted;
    this.#manners = manners;
    this.#place = getTargetOf(options);
    this.#startedMs = runtime.clock.nowMs();
    this.#peer = options.server;
  }

  async run(): Promise<DoneEvent> {
    const { server, port, layers, timeoutMs, retries, rateBytesPerS, signal, onEvent } =
      this.#options;
    const name = unmarked(this.#wanted);
    const target = {
      server,
      port,
      layers,
      timeoutMs,
      retries,
      rateBytesPerS,
      signal,
      onWaiting: (attempt: number, attempts: number, message: string) =>
        onEvent?.({ event: "waiting", name, attempt, attempts, message }),
    };
    try {
      const md5 = await converse(this.#runtime, target, (peer) => this.#fetch(peer), {
        write: (bytes, offset) => this.#write(bytes, offset),
        tell: (news) => {
          if (news.kind === "progress") this.#progress?.at(news.bytes);
        },
      });
      return await this.#finish(this.#file!, md5);
    } finally {
      this.#target?.discard();
    }
  }

  *#fetch(peer: string): ClientDialogue<string> {
    this.#peer = peer;
    const session = new AsciiSession(peer, this.#manners);
    const file = chosen(yield* session.list(), this.#wanted);
    this.#begin(file);
    return yield* session.download(file);
  }

  #begin(file: ListedFile): void {
    const { clock } = this.#runtime;
    const { onEvent } = this.#options;
    this.#target?.discard();
    this.#target = new ClassicTarget(this.#runtime, safeName(file.name), file.id, {
      ...this.#options,
      ...this.#place,
    });
    this.#file = file;
    this.#sha256 = new StreamingHash();
    this.#progress = new SessionProgress({
      clock,
      name: unmarked(this.#wanted),
      server: this.#peer,
      sizeBytes: file.sizeBytes,
      emit: (event) => onEvent?.(event),
    });
  }

  #write(bytes: Bytes, offset: number): void {
    this.#target!.write(bytes, offset, this.#file!.sizeBytes);
    this.#sha256.update(bytes);
  }

  async #finish({ id, sizeBytes }: ListedFile, md5: string): Promise<DoneEvent> {
    const wanted = unmarked(this.#wanted);
    if (md5 !== id) {
      throw new ShoalError("unverified", `what arrived is not '${wanted}': its MD5 differs`);
    }
    const digest = hashHex(this.#sha256.digestHex());
    if (!isPinned(this.#options, digest)) {
      throw new ShoalError("not_found", `the server has a different '${wanted}'`);
    }
    const published = await this.#target!.publish(sizeBytes, digest);
    if (published === undefined) {
      throw new ShoalError("unverified", "the disk returned different bytes than were written");
    }
    return {
      event: "done",
      name: wanted,
      path: published.path,
      ...usualPath(
        this.#place.outDir,
        this.#place.savedAs ?? safeName(this.#file!.name),
        published.path,
      ),
      size: sizeBytes,
      sha256: digest,
      seconds: (this.#runtime.clock.nowMs() - this.#startedMs) / 1000,
      resumedBytes: 0,
      savedBytes: 0,
      present: published.isPresent,
      servers: [{
        server: this.#peer,
        id: "",
        bytes: sizeBytes,
        chunks: 1,
        badChunks: 0,
        retransmits: 0,
        savedBytes: 0,
      }],
    };
  }
}

function isPinned({ sha256 }: ResolvedTcpGetOptions, digest: HashHex): boolean {
  return sha256 === undefined || sha256.toLowerCase() === digest;
}

/** By id or by name. */
function chosen(files: readonly ListedFile[], wanted: string): ListedFile {
  const id = isMarked(wanted) ? undefined : wanted.replace(/^md5:/, "").toLowerCase();
  const name = unmarked(wanted);
  const file = files.find((each) => each.id === id) ?? files.find((each) => each.name === name);
  if (file !== undefined) return file;
  throw new ShoalError("not_found", `the server does not list '${name}'`);
}

function safeName(text: string): SafeFileName {
  const parsed = parseFileName(text);
  if (parsed.ok) return parsed.name;
  throw new ShoalError("bad_name", `the server lists an invalid name: ${parsed.problem}`);
}
