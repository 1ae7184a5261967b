/**
 * The classic protocol from the client's side (docs/PROTOCOL.md, "Classic"): request, take the first
 * answer as the file's identity, listen for others that differ, place verified chunks, and request again only after
 * silence, because each request costs a whole new copy. The driver checks the SHA-256 of the whole file: it
 * reports a difference as `rejected`, and the transfer starts over.
 *
 * Classic datagrams name neither file nor transfer: each machine needs a port of its own.
 */
import { type Endpoint, endpointText } from "../../address.ts";
import type { HashHex, SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import {
  CLASSIC_ASK_SPACING_MS,
  CLASSIC_FILE_BYTES_MAX,
  CLASSIC_LISTEN_MS,
  CLASSIC_SILENCE_MS,
} from "./limits.ts";
import { displayName } from "../../names.ts";
import {
  type ClassicAnswer,
  type ClassicChunk,
  decodeClassicAnswer,
  decodeClassicChunk,
} from "../../wire/classic.ts";
import { ClassicAssembly } from "./classic_assembly.ts";
import { ClassicDissent } from "./classic_dissent.ts";
import { type ClassicShare, ClassicShares } from "./classic_shares.ts";

export interface ClassicClientOptions {
  readonly name: SafeFileName;
  /** Broadcast addresses that can be asked. */
  readonly addressCount: number;
  /** Only this content is wanted. */
  readonly sha256?: HashHex;
  /** An attempt waits at most this long. */
  readonly timeoutMs: number;
  readonly retries: number;
}

export type ClassicClientEvent =
  /** Its user has given Shoal servers their time: ask. */
  | { readonly kind: "started" }
  /** Anything that came to our port; the bytes are lent until `handle` returns. */
  | { readonly kind: "datagram"; readonly from: Endpoint; readonly bytes: Uint8Array }
  /** What was complete is not what its SHA-256 says. */
  | { readonly kind: "rejected" }
  | { readonly kind: "wakeup" };

export type ClassicClientAction =
  /** Send the request to one of the broadcast addresses. */
  | { readonly kind: "ask"; readonly addressIndex: number }
  | { readonly kind: "ask_server"; readonly server: Endpoint }
  /** The first answer, which decides what is fetched, or another server that agrees with it. */
  | { readonly kind: "found"; readonly server: Endpoint; readonly answer: ClassicAnswer }
  /** To be written before the event's bytes are given back. */
  | { readonly kind: "write"; readonly offset: number; readonly bytes: Uint8Array }
  /** What was written so far is of no use. */
  | { readonly kind: "clear" }
  | { readonly kind: "complete"; readonly sizeBytes: number; readonly sha256: HashHex }
  | { readonly kind: "notice"; readonly message: string }
  | { readonly kind: "failed"; readonly error: ShoalError };

export class ClassicClient {
  readonly #options: ClassicClientOptions;
  /** Servers that agree with the first answer. */
  readonly #shares = new ClassicShares();
  readonly #dissent = new ClassicDissent();
  #assembly: ClassicAssembly | undefined;
  #actions: ClassicClientAction[] = [];
  #state: "idle" | "asking" | "fetching" | "complete" | "failed" = "idle";
  /** What `wakeup` is for: the next request, or the end of a silence. */
  #dueMs = Infinity;
  #patienceEndsMs = Infinity;
  /** Until when other answers are listened for before a file is complete. */
  #listenEndsMs = -Infinity;
  #asked = 0;
  /** Requests to servers since a new chunk came. */
  #fruitless = 0;
  #restarts = 0;

  constructor(options: ClassicClientOptions) {
    this.#options = options;
  }

  handle(nowMs: number, event: ClassicClientEvent): readonly ClassicClientAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "started":
        this.#state = "asking";
        this.#dueMs = nowMs;
        this.#patienceEndsMs = nowMs + this.#options.timeoutMs * this.#attempts;
        break;
      case "datagram":
        this.#onDatagram(nowMs, event.from, event.bytes);
        break;
      case "rejected":
        this.#onRejected(nowMs);
        break;
      case "wakeup":
        this.#onWakeup(nowMs);
        break;
    }
    return this.#actions;
  }

  /** When `wakeup` is due; Infinity for never. */
  nextWakeupMs(): number {
    if (this.#state === "asking") return Math.min(this.#dueMs, this.#patienceEndsMs);
    if (this.#state !== "fetching") return Infinity;
    return this.#isListening ? Math.min(this.#dueMs, this.#listenEndsMs) : this.#dueMs;
  }

  get receivedBytes(): number {
    return this.#assembly?.receivedBytes ?? 0;
  }

  /** Exact when complete, an estimate while fetching, 0 while nothing is known. */
  get sizeBytes(): number {
    return this.#assembly?.sizeBytes ?? 0;
  }

  get shares(): readonly ClassicShare[] {
    return this.#shares.all;
  }

  get #isListening(): boolean {
    return this.#listenEndsMs !== -Infinity;
  }

  get #attempts(): number {
    return Math.max(1, this.#options.retries);
  }

  #onDatagram(nowMs: number, from: Endpoint, bytes: Uint8Array): void {
    if (this.#state !== "asking" && this.#state !== "fetching") return;
    const answer = decodeClassicAnswer(bytes);
    if (answer !== undefined) return this.#onAnswer(nowMs, from, answer);
    const chunk = decodeClassicChunk(bytes);
    if (chunk !== undefined) this.#onChunk(nowMs, from, chunk);
  }

  #onAnswer(nowMs: number, from: Endpoint, answer: ClassicAnswer): void {
    const current = this.#assembly;
    const isWanted = answer.sha256 === (this.#options.sha256 ?? answer.sha256);
    const agrees = current === undefined ||
      (answer.sha256 === current.sha256 && answer.chunkCount === current.chunkCount);
    if (!isWanted || (!agrees && !this.#shares.isOnly(from))) return this.#onOther(from, answer);
    if (!agrees) this.#startOver(answer, "its server says that it is another file now");
    if (this.#shares.add(from)) this.#actions.push({ kind: "found", server: from, answer });
    if (this.#assembly === undefined) this.#begin(nowMs, answer);
    if (this.#state === "failed" || !this.#shares.has(from)) return;
    this.#state = "fetching";
    this.#dueMs = nowMs + CLASSIC_SILENCE_MS;
    this.#completeIfWhole();
  }

  #begin(nowMs: number, answer: ClassicAnswer): void {
    this.#assembly = new ClassicAssembly(answer);
    // Nobody's answer can change what is pinned.
    if (this.#options.sha256 === undefined) this.#listenEndsMs = nowMs + CLASSIC_LISTEN_MS;
  }

  /** An answer that does not fit what is fetched or wanted. */
  #onOther(from: Endpoint, answer: ClassicAnswer): void {
    this.#shares.remove(from);
    const isNew = this.#dissent.add(from, answer.sha256);
    // What is heard while listening is told at its end, in one line.
    if (isNew && !this.#isListening) this.#tellDissent();
  }

  #onListened(): void {
    this.#listenEndsMs = -Infinity;
    if (this.#dissent.isAny) this.#tellDissent();
    this.#completeIfWhole();
  }

  #tellDissent(): void {
    const { name } = this.#options;
    const holders = this.#shares.all.map(({ server }) => server);
    const message = this.#dissent.text(name, this.#assembly?.sha256, holders);
    this.#actions.push({ kind: "notice", message });
  }

  #onChunk(nowMs: number, from: Endpoint, chunk: ClassicChunk): void {
    if (this.#assembly === undefined || !this.#shares.has(from)) return;
    this.#dueMs = nowMs + CLASSIC_SILENCE_MS;
    const verdict = this.#assembly.take(chunk, (offset, bytes) => {
      this.#actions.push({ kind: "write", offset, bytes });
    });
    this.#shares.count(from, verdict, chunk.payload.length);
    if (verdict === "too large") return this.#fail(tooLarge(this.#options.name, from));
    if (verdict === "new") this.#fruitless = 0;
    this.#completeIfWhole();
  }

  #completeIfWhole(): void {
    if (this.#isListening || !this.#assembly?.isComplete) return;
    this.#state = "complete";
    const { sizeBytes, sha256 } = this.#assembly;
    this.#actions.push({ kind: "complete", sizeBytes, sha256 });
  }

  /** A chunk's own digest does not cover its number: one flipped bit there can misplace it unseen. */
  #onRejected(nowMs: number): void {
    if (this.#state !== "complete" || this.#assembly === undefined) return;
    this.#state = "fetching";
    this.#startOver(this.#assembly, "it failed its SHA-256");
    if (this.#state === "fetching") this.#askServer(nowMs);
  }

  #startOver({ chunkCount, sha256 }: ClassicAnswer, why: string): void {
    const name = displayName(this.#options.name);
    this.#restarts += 1;
    if (this.#restarts >= this.#attempts) {
      return this.#fail(new ShoalError("unverified", `${name} failed: ${why}`));
    }
    const message = `${name}: ${why}; starting over`;
    this.#actions.push({ kind: "notice", message }, { kind: "clear" });
    this.#assembly = new ClassicAssembly({ chunkCount, sha256 });
    this.#fruitless = 0;
  }

  #onWakeup(nowMs: number): void {
    if (nowMs < this.nextWakeupMs()) return;
    if (this.#state === "fetching") {
      if (nowMs >= this.#listenEndsMs && this.#isListening) return this.#onListened();
      if (this.#fruitless >= this.#attempts) return this.#failStalled();
      return this.#askServer(nowMs);
    }
    if (nowMs >= this.#patienceEndsMs) {
      const name = displayName(this.#options.name);
      return this.#fail(new ShoalError("no_server", `no server answered for ${name}`));
    }
    this.#ask(nowMs);
  }

  /** One address at a time; after each round through them a pause that doubles. */
  #ask(nowMs: number): void {
    const { addressCount } = this.#options;
    this.#actions.push({ kind: "ask", addressIndex: this.#asked % addressCount });
    this.#asked += 1;
    const isRoundOver = this.#asked % addressCount === 0;
    const pauseMs = isRoundOver ? this.#backoffMs(this.#asked / addressCount - 1) : 0;
    this.#dueMs = nowMs + Math.max(CLASSIC_ASK_SPACING_MS, pauseMs);
  }

  #askServer(nowMs: number): void {
    const server = this.#shares.nextToAsk();
    if (server === undefined) return this.#failStalled();
    this.#dueMs = nowMs + this.#backoffMs(this.#fruitless);
    this.#fruitless += 1;
    this.#actions.push({ kind: "ask_server", server });
  }

  /** Existing servers serve one client at a time and hash before they answer: requests would pile up. */
  #backoffMs(step: number): number {
    return Math.max(
      CLASSIC_SILENCE_MS,
      Math.min(this.#options.timeoutMs, CLASSIC_SILENCE_MS * 2 ** step),
    );
  }

  #failStalled(): void {
    const { haveChunks = 0, chunkCount = 0 } = this.#assembly ?? {};
    const name = displayName(this.#options.name);
    this.#fail(
      new ShoalError("stalled", `${name}: silence after ${haveChunks} of ${chunkCount} chunks`, {
        hint: "Run the same command again: a classic transfer always starts over.",
      }),
    );
  }

  #fail(error: ShoalError): void {
    this.#state = "failed";
    this.#actions.push({ kind: "failed", error });
  }
}

function tooLarge(name: SafeFileName, server: Endpoint): ShoalError {
  return new ShoalError(
    "unverified",
    `${displayName(name)} on ${endpointText(server)} is over ${CLASSIC_FILE_BYTES_MAX} bytes`,
    { hint: "The classic protocol is not used for files this large: run a Shoal server there." },
  );
}
