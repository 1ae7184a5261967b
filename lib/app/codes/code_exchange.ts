/** A receiver's exchange with a sender: looks for it, proves the code to it, and says how it goes until that is over. */
import { type Endpoint, UNSPECIFIED_ADDRESS } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { Wakeup } from "../../io/system/clock.ts";
import type { Runtime } from "../../io/runtime.ts";
import { sealSuite } from "../../io/seal/seal_suite.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import type { CodeServing, ReceiverState } from "../../protocol/codes/code_messages.ts";
import {
  type CodeFailure,
  CodeReceiver,
  type CodeReceiverAction,
  type CodeReceiverEvent,
} from "../../protocol/codes/code_receiver.ts";
import type { Code } from "../../protocol/codes/code_words.ts";
import type { FindTargets } from "../../protocol/discovery/find_targets.ts";
import type { Targets } from "../discovery/targets.ts";
import { MasterSearch } from "../master/master_search.ts";
import { type ResolvedCodeGetOptions, searchWaitMs } from "../option_defaults.ts";
import { codeName } from "./code_catalogue.ts";
import { CodeSocket } from "./code_socket.ts";

/** What a code has led to. */
export interface Found extends CodeServing {
  readonly by: Endpoint;
}

export class CodeExchange {
  /** Rejects with a ShoalError if the code leads to nothing. */
  readonly found: Promise<Found>;
  /** Aborted, with a ShoalError as its reason, when the sender is gone although not all has come. */
  readonly lost: AbortSignal;
  readonly #runtime: Runtime;
  readonly #code: Code;
  readonly #targets: Targets;
  readonly #socket: CodeSocket;
  readonly #machine: CodeReceiver;
  readonly #timer: Wakeup;
  readonly #masters: MasterSearch;
  readonly #found = Promise.withResolvers<Found>();
  readonly #losing = new AbortController();
  readonly #closed = Promise.withResolvers<void>();
  #isFound = false;
  /** Who waits for a sign of the sender. */
  #heard: PromiseWithResolvers<void> | undefined;

  constructor(
    runtime: Runtime,
    options: ResolvedCodeGetOptions,
    { code, targets }: { readonly code: Code; readonly targets: Targets },
  ) {
    this.#runtime = runtime;
    this.#code = code;
    this.#targets = targets;
    this.found = this.#found.promise;
    this.found.catch(() => {});
    this.lost = this.#losing.signal;
    const { clock, net, random } = runtime;
    this.#timer = clock.timer(() => this.#handle({ kind: "wakeup" }));
    this.#machine = new CodeReceiver({
      ...{ code, suite: sealSuite, waitMs: searchWaitMs(options) },
      random: (bytes) => random.bytes(bytes),
      echo: () => random.u64(),
    });
    const warn = (message: string): void =>
      options.onEvent?.({ event: "notice", level: "warning", message });
    const { tune, masters, layers, timeoutMs } = options;
    const transport = transportConfig({ host: UNSPECIFIED_ADDRESS, tune, layers: [] });
    this.#socket = new CodeSocket(net.openDatagrams(transport), {
      isHeard: () => true,
      onArrived: (arrived) => this.#handle(arrived),
      onRefused: warn,
      onFailure: (error) => this.#fail(error),
    });
    this.#masters = new MasterSearch({
      ...{ runtime, layers, timeoutMs, masters },
      wanted: () => this.#isFound ? [] : [{ by: "name", name: codeName(code.number) }],
      onServers: (endpoints) => this.#handle({ kind: "invite", endpoints }),
      onWord: () => {},
      onProblem: warn,
    });
    this.#handle({ kind: "wakeup" });
  }

  /** Resolves when the sender is heard of again; rejects with what `lost` is aborted for. */
  async answered(): Promise<void> {
    const heard = this.#heard = Promise.withResolvers<void>();
    const onLost = (): void => heard.reject(this.lost.reason);
    this.lost.addEventListener("abort", onLost, { once: true });
    if (this.lost.aborted) onLost();
    await heard.promise;
    this.lost.removeEventListener("abort", onLost);
  }

  say(state: ReceiverState): void {
    this.#handle({ kind: "state", state });
  }

  /** Says how it ended, and closes; resolves when the sender has heard it, or does not say so. */
  async end(state: "done" | "declined" | "stopped"): Promise<void> {
    this.say(state);
    await this.#closed.promise;
    this.#timer.clear();
    await this.#masters.close();
    await this.#socket.close();
  }

  #handle(event: CodeReceiverEvent): void {
    for (const action of this.#machine.handle(this.#runtime.clock.nowMs(), event)) {
      this.#perform(action);
    }
    this.#timer.set(this.#machine.nextWakeupMs());
  }

  #perform(action: CodeReceiverAction): void {
    switch (action.kind) {
      case "broadcast":
        for (const to of askedIn(action.round, this.#targets.find())) {
          this.#socket.send(action.datagram, to);
        }
        return;
      case "send":
        return this.#socket.send(action.datagram, action.to);
      case "proved": {
        this.#isFound = true;
        const { by, serving } = action;
        return this.#found.resolve({ by, ...serving });
      }
      case "heard":
        return this.#heard?.resolve();
      case "closed":
        return this.#closed.resolve();
      case "failed":
        this.#fail(errorOf(action.why, this.#code.number));
        return this.#closed.resolve();
      default:
        action satisfies never;
    }
  }

  #fail(error: ShoalError): void {
    if (this.#isFound) this.#losing.abort(error);
    else this.#found.reject(error);
  }
}

/** Ports that are only guessed are asked every other time. */
function askedIn(round: number, { likely, possible }: FindTargets): readonly Endpoint[] {
  return round % 2 === 0 ? [...likely, ...possible] : likely;
}

/** What people are told. The number is no secret. */
function errorOf(why: CodeFailure, number: number): ShoalError {
  const again = "Ask for a new code: `send` makes one.";
  switch (why) {
    case "unknown":
      return new ShoalError("no_server", `nobody sends under the number ${number}`, {
        hint:
          `Compare the number, and see that \`send\` still runs there; from another network, add --server HOST. A file of that name is ./NAME.`,
      });
    case "several":
      return new ShoalError("refused", `several send under the number ${number}`, {
        hint: "Say which of them with --server HOST; the code is still good.",
      });
    case "taken":
      return new ShoalError("refused", "somebody else has proved this code, and is fetching", {
        hint:
          "If that was you, a moment ago: try again in ten seconds. If it was nobody you know: the sender should stop it.",
      });
    case "spent":
      return new ShoalError("refused", "this code was used already", { hint: again });
    case "wrong":
      return new ShoalError("refused", "that is not the code, and each is good for one try", {
        hint: again,
      });
    case "impostor":
      return new ShoalError(
        "refused",
        `whoever answers to the number ${number} does not know the code`,
        { hint: `Nothing was fetched. ${again} If it happens again, somebody is in between.` },
      );
    case "unproved":
      return new ShoalError("refused", `whoever answers to the number ${number} proves nothing`, {
        hint: `${again} With this one, each further try would let a stranger guess once more.`,
      });
    case "gone":
      return new ShoalError("stalled", "the sender does not answer any more", { hint: RESUME });
    case "ended":
      return new ShoalError("stalled", "the sender has stopped", {
        hint: "What arrived is kept: sent again, and fetched to the same place, it resumes.",
      });
  }
}

const RESUME =
  "What arrived is kept. If `send` still runs there, the same command with the same code resumes.";
