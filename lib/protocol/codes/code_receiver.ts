/**
 * The receiver's side of a code (docs/PROTOCOL.md, "Codes"). Pure. It makes one guess: whoever answers first and is alone
 * is told one proof, and nobody is told another.
 */
import { type Endpoint, endpointKey } from "../../address.ts";
import type { Bytes, ServerId, Token } from "../../ids.ts";
import { encodeFrame, type Frame, type FrameOf } from "../../wire/frames.ts";
import { CODE_KEY_BYTES, CODE_NONCE_BYTES, FIND_ROUNDS_MAX } from "../../wire/limits.ts";
import type { SealSuite } from "../seal/suite.ts";
import { type CodeKeys, codeKeys, codePart, type CodeRun, isProof } from "./code_keys.ts";
import type { CodeArrival, CodeSend, CodeServing, ReceiverState } from "./code_messages.ts";
import { CodeSession } from "./code_session.ts";
import type { Code } from "./code_words.ts";
import type { CpacePart } from "./cpace.ts";
import {
  CODE_ANSWER_MS,
  CODE_GATHER_MS,
  CODE_HEARTBEAT_MS,
  CODE_PATHS_MAX,
  CODE_REPEAT_MS,
  CODE_SILENCE_MS,
} from "./limits.ts";

interface CodeReceiverOptions {
  readonly code: Code;
  readonly suite: SealSuite;
  readonly random: (bytes: number) => Bytes;
  readonly echo: () => bigint;
  /** How long a sender is looked for, in milliseconds. */
  readonly waitMs: number;
}

export type CodeReceiverEvent =
  | CodeArrival
  /** Somebody says that a sender may be there. */
  | { readonly kind: "invite"; readonly endpoints: readonly Endpoint[] }
  /** How it goes, from now on: `done`, `declined` and `stopped` end it. */
  | { readonly kind: "state"; readonly state: ReceiverState };

export type CodeFailure =
  /** Nobody answers to the number. */
  | "unknown"
  /** Several do, and there is one guess. */
  | "several"
  | "taken"
  | "spent"
  /** The sender says that the code is another one. */
  | "wrong"
  /** Who answers does not know the code. */
  | "impostor"
  /** Who answers is silent once it has our proof: it may have tried a guess by it. */
  | "unproved"
  /** The sender was there, and is no more. */
  | "gone"
  /** It says that it ends. */
  | "ended";

export type CodeReceiverAction =
  | CodeSend
  /** To wherever a search goes. */
  | { readonly kind: "broadcast"; readonly round: number; readonly datagram: Bytes }
  /** Both have proved the code: what is sent is served there. */
  | { readonly kind: "proved"; readonly by: Endpoint; readonly serving: CodeServing }
  /** The sender was there, just now. */
  | { readonly kind: "heard" }
  /** The sender has heard how it ended, or does not say so. */
  | { readonly kind: "closed"; readonly isHeard: boolean }
  | { readonly kind: "failed"; readonly why: CodeFailure };

interface Sender {
  readonly server: ServerId;
  readonly state: FrameOf<"code_here">["state"];
  /** With the token that was given there. */
  readonly paths: { readonly endpoint: Endpoint; readonly token: Token }[];
}

interface Asking {
  readonly sender: Sender;
  readonly exchange: CodeRun;
  readonly part: CpacePart;
  readonly echo: bigint;
  readonly sinceMs: number;
  keys: CodeKeys | undefined;
  repeats: number;
  nextMs: number;
}

interface Talking {
  readonly session: CodeSession;
  readonly keys: CodeKeys;
  by: Endpoint;
  heardMs: number;
  state: ReceiverState;
  number: number;
  /** The highest number that was answered. */
  answered: number;
  /** Since when what ends it is said. */
  endingMs: number | undefined;
  isProved: boolean;
  nextMs: number;
}

export class CodeReceiver {
  readonly #options: CodeReceiverOptions;
  readonly #findEcho: bigint;
  readonly #senders = new Map<ServerId, Sender>();
  #startedMs: number | undefined;
  #round = 0;
  #nextFindMs = 0;
  /** When the first has answered who can be asked, and a while has passed. */
  #chooseMs: number | undefined;
  #asking: Asking | undefined;
  #talking: Talking | undefined;
  #isClosed = false;

  constructor(options: CodeReceiverOptions) {
    this.#options = options;
    this.#findEcho = options.echo();
  }

  handle(nowMs: number, event: CodeReceiverEvent): readonly CodeReceiverAction[] {
    if (this.#isClosed) return [];
    switch (event.kind) {
      case "frame":
        return this.#onFrame(nowMs, event.from, event.frame);
      case "sealed":
        return this.#onSealed(nowMs, event.from, event.datagram);
      case "invite":
        return this.#isSeeking ? this.#invite(event.endpoints) : [];
      case "state":
        return this.#setState(nowMs, event.state);
      case "wakeup":
        return this.#onWakeup(nowMs);
    }
  }

  nextWakeupMs(): number {
    if (this.#isClosed) return Infinity;
    if (this.#talking !== undefined) return this.#talking.nextMs;
    if (this.#asking !== undefined) return this.#asking.nextMs;
    return Math.min(this.#nextFindMs, this.#chooseMs ?? Infinity);
  }

  get #isSeeking(): boolean {
    return this.#asking === undefined && this.#talking === undefined;
  }

  // — Who sends under this number? ——————————————————————————————————————————————————————————————

  #seek(nowMs: number): readonly CodeReceiverAction[] {
    this.#startedMs ??= nowMs;
    if (this.#chooseMs !== undefined && nowMs >= this.#chooseMs) return this.#choose(nowMs);
    if (nowMs < this.#nextFindMs) return [];
    if (nowMs - this.#startedMs >= this.#options.waitMs) return this.#fail(this.#whyNone());
    const round = this.#round++;
    // Quickly at first, and then as often as anybody can bear.
    this.#nextFindMs = nowMs + (round < 4 ? CODE_REPEAT_MS : CODE_HEARTBEAT_MS);
    return [{ kind: "broadcast", round, datagram: this.#find(round) }];
  }

  #find(round: number): Bytes {
    return encodeFrame({
      kind: "code_find",
      ...{ echo: this.#findEcho, round: round % FIND_ROUNDS_MAX },
      number: this.#options.code.number,
    });
  }

  #invite(endpoints: readonly Endpoint[]): readonly CodeReceiverAction[] {
    // What is not shared is asked directly, whatever the round.
    return endpoints.map((to) => ({ kind: "send", to, datagram: this.#find(0) }));
  }

  #onHere(nowMs: number, from: Endpoint, frame: FrameOf<"code_here">): void {
    const { server, token, port, state } = frame;
    const known = this.#senders.get(server);
    if (known === undefined && this.#senders.size >= CODE_PATHS_MAX) return;
    const sender = known ?? { server, state, paths: [] };
    this.#senders.set(server, sender);
    const endpoint = port === 0 ? from : { address: from.address, port };
    const isKnown = sender.paths.some((path) =>
      endpointKey(path.endpoint) === endpointKey(endpoint)
    );
    if (!isKnown && sender.paths.length < CODE_PATHS_MAX) sender.paths.push({ endpoint, token });
    this.#chooseMs ??= nowMs + CODE_GATHER_MS;
  }

  #choose(nowMs: number): readonly CodeReceiverAction[] {
    const free = [...this.#senders.values()].filter(({ state }) => state === "free");
    const [sender, other] = free;
    if (sender === undefined) return this.#fail(this.#whyNone());
    return other === undefined ? this.#ask(nowMs, sender) : this.#fail("several");
  }

  #whyNone(): CodeFailure {
    const states = [...this.#senders.values()].map(({ state }) => state);
    if (states.includes("taken")) return "taken";
    return states.includes("spent") ? "spent" : "unknown";
  }

  // — The one guess —————————————————————————————————————————————————————————————————————————————

  #ask(nowMs: number, sender: Sender): readonly CodeReceiverAction[] {
    const { code, random, echo } = this.#options;
    const exchange = { code, nonce: random(CODE_NONCE_BYTES), server: sender.server };
    this.#asking = {
      ...{ sender, exchange, part: codePart(exchange, random(CODE_KEY_BYTES)) },
      ...{ echo: echo(), sinceMs: nowMs, keys: undefined, repeats: 0, nextMs: nowMs },
    };
    return this.#repeatQuestion(nowMs, this.#asking);
  }

  #repeatQuestion(nowMs: number, asking: Asking): readonly CodeReceiverAction[] {
    if (nowMs < asking.nextMs) return [];
    if (nowMs - asking.sinceMs >= CODE_ANSWER_MS) {
      return this.#fail(asking.keys === undefined ? "gone" : "unproved");
    }
    asking.nextMs = nowMs + CODE_REPEAT_MS;
    const { paths } = asking.sender;
    const { endpoint, token } = paths[asking.repeats++ % paths.length]!;
    return [{ kind: "send", to: endpoint, datagram: encodeFrame(this.#question(asking, token)) }];
  }

  #question({ echo, keys, exchange, part }: Asking, token: Token): Frame {
    if (keys !== undefined) return { kind: "code_prove", echo, token, proof: keys.receiverProof };
    const { nonce, code: { number } } = exchange;
    return { kind: "code_open", ...{ echo, token, number, nonce }, share: part.share };
  }

  #onFrame(nowMs: number, from: Endpoint, frame: Frame): readonly CodeReceiverAction[] {
    if (frame.kind === "code_here") {
      if (this.#isSeeking && frame.echo === this.#findEcho) this.#onHere(nowMs, from, frame);
      return [];
    }
    const asking = this.#asking;
    if (asking === undefined || !("echo" in frame) || frame.echo !== asking.echo) return [];
    switch (frame.kind) {
      case "code_share":
        return this.#onShare(nowMs, asking, frame);
      case "code_proved":
        return asking.keys === undefined ? [] : this.#onProved(nowMs, from, asking.keys, frame);
      case "code_refused":
        return this.#onRefused(asking, frame);
      default:
        return [];
    }
  }

  #onShare(
    nowMs: number,
    asking: Asking,
    { share }: FrameOf<"code_share">,
  ): readonly CodeReceiverAction[] {
    // One is answered by a proof; whatever else comes would be another guess.
    if (asking.keys !== undefined) return [];
    asking.keys = codeKeys(asking.exchange, "receiver", asking.part, share);
    if (asking.keys === undefined) return this.#fail("impostor");
    asking.nextMs = nowMs;
    return this.#repeatQuestion(nowMs, asking);
  }

  #onRefused({ keys }: Asking, { state }: FrameOf<"code_refused">): readonly CodeReceiverAction[] {
    if (state === "taken") return this.#fail("taken");
    // Before a proof there was none that could be wrong.
    return this.#fail(keys === undefined ? "spent" : "wrong");
  }

  #onProved(
    nowMs: number,
    by: Endpoint,
    keys: CodeKeys,
    { proof }: FrameOf<"code_proved">,
  ): readonly CodeReceiverAction[] {
    if (!isProof(keys.senderProof, proof)) return this.#fail("impostor");
    this.#asking = undefined;
    this.#talking = {
      ...{ keys, by, heardMs: nowMs, state: "asking", number: 1, answered: 0 },
      ...{ endingMs: undefined, isProved: false, nextMs: nowMs },
      session: new CodeSession(this.#options.suite, keys.session, "receiver"),
    };
    return this.#talk(nowMs, this.#talking);
  }

  // — Both know the code ————————————————————————————————————————————————————————————————————————

  #talk(nowMs: number, talking: Talking): readonly CodeReceiverAction[] {
    if (nowMs < talking.nextMs) return [];
    const { endingMs, heardMs } = talking;
    // What has come has come, whether or not that is heard.
    if (endingMs !== undefined && nowMs - endingMs >= patienceMs(talking.state)) {
      return this.#close(false);
    }
    if (endingMs === undefined && nowMs - heardMs >= CODE_SILENCE_MS) return this.#fail("gone");
    if (talking.answered === talking.number) talking.number += 1;
    talking.nextMs = nowMs + CODE_REPEAT_MS;
    const { session, by: to, state, number } = talking;
    return [{ kind: "send", to, datagram: session.seal({ kind: "code_state", number, state }) }];
  }

  #onSealed(nowMs: number, from: Endpoint, datagram: Bytes): readonly CodeReceiverAction[] {
    const talking = this.#talking;
    const frame = talking?.session.open(datagram);
    if (talking === undefined || frame?.kind !== "code_serving") return [];
    talking.heardMs = nowMs;
    talking.by = from;
    const { number, isOver, dataPort, group } = frame;
    talking.answered = Math.max(talking.answered, Math.min(number, talking.number));
    if (talking.endingMs !== undefined) {
      return isOver === 1 && number === talking.number ? this.#close(true) : [];
    }
    if (isOver === 1) return this.#fail("ended");
    if (talking.answered === talking.number) talking.nextMs = nowMs + CODE_HEARTBEAT_MS;
    if (talking.isProved) return [{ kind: "heard" }];
    talking.isProved = true;
    return [{ kind: "proved", by: from, serving: { dataPort, group } }];
  }

  #setState(nowMs: number, state: ReceiverState): readonly CodeReceiverAction[] {
    const talking = this.#talking;
    const isLast = state === "done" || state === "declined" || state === "stopped";
    if (talking === undefined) return isLast ? this.#close(false) : [];
    if (talking.state === state || talking.endingMs !== undefined) return [];
    Object.assign(talking, { state, number: talking.number + 1, nextMs: nowMs });
    if (isLast) talking.endingMs = nowMs;
    return this.#talk(nowMs, talking);
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  #fail(why: CodeFailure): readonly CodeReceiverAction[] {
    this.#forget();
    return [{ kind: "failed", why }];
  }

  #close(isHeard: boolean): readonly CodeReceiverAction[] {
    this.#forget();
    return [{ kind: "closed", isHeard }];
  }

  #forget(): void {
    this.#isClosed = true;
    this.#asking = undefined;
    this.#talking?.session.close();
    this.#talking = undefined;
  }

  #onWakeup(nowMs: number): readonly CodeReceiverAction[] {
    if (this.#talking !== undefined) return this.#talk(nowMs, this.#talking);
    if (this.#asking !== undefined) return this.#repeatQuestion(nowMs, this.#asking);
    return this.#seek(nowMs);
  }
}

/** How long what ends it is repeated: somebody waits for the prompt to come back. */
function patienceMs(state: ReceiverState): number {
  return state === "stopped" ? CODE_HEARTBEAT_MS : CODE_ANSWER_MS;
}
