/**
 * What is seen of the network while nobody answers a search: what becomes of connections to hosts that were named, and
 * whether what is broadcast comes back to this machine, as answers would. It looks at nothing as soon as somebody answers.
 */
import { type Endpoint, endpointKey, isIpv4, isLoopback } from "../../address.ts";
import { connectProblem } from "../../io/net/connect_outcome.ts";
import { discoveryAddresses } from "../../io/net/network.ts";
import type { Net } from "../../io/net/net.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { SendRefusal } from "../../protocol/base/send_refusals.ts";
import { type ResolvedFindOptions, searchWaitMs } from "../option_defaults.ts";
import { broadcastEchoes } from "./broadcast_echoes.ts";
import { ECHO_LOOK_AFTER_MS, NO_SERVER_YET_MS } from "./limits.ts";
import { type HostOutcome, isVain, type Seen, type Silence, silenceOf } from "./silence.ts";

interface SilenceHandlers {
  /** Nobody can be where the user said that servers are. */
  onVain(): void;
  /** One line for people. */
  onNotice(message: string): void;
}

export class SilenceWatch {
  readonly #runtime: Pick<Runtime, "clock" | "net" | "random">;
  readonly #options: ResolvedFindOptions;
  readonly #hosts: readonly Endpoint[];
  readonly #handlers: SilenceHandlers;
  readonly #outcomes = new Map<string, HostOutcome>();
  readonly #refused: { readonly refusal: SendRefusal; readonly address: string }[] = [];
  readonly #ending = new AbortController();
  readonly #looks: Promise<unknown>[] = [];
  #echoes: Seen["echoes"];
  #hasBegun = false;
  #isHeard = false;

  /** @param hosts those that the user named; none where everybody is asked */
  constructor(
    runtime: Pick<Runtime, "clock" | "net" | "random">,
    options: ResolvedFindOptions,
    hosts: readonly Endpoint[],
    handlers: SilenceHandlers,
  ) {
    this.#runtime = runtime;
    this.#options = options;
    this.#hosts = hosts;
    this.#handlers = handlers;
  }

  /** A search has begun; only the first one of a run counts. */
  begin(): void {
    if (this.#hasBegun) return;
    this.#hasBegun = true;
    const waitMs = searchWaitMs(this.#options);
    if (this.#hosts.length === 0) {
      const afterMs = Math.min(ECHO_LOOK_AFTER_MS, waitMs / 2);
      this.#looks.push(this.#after(afterMs, () => this.#listen()));
    }
    if (waitMs > NO_SERVER_YET_MS) this.#looks.push(this.#tellAfter(waitMs));
  }

  /** Somebody has answered: there is nothing to explain. */
  heard(): void {
    this.#isHeard = true;
    this.#ending.abort();
  }

  /** The same platform; what becomes of its connections to hosts that were named is seen. */
  watched(runtime: Runtime): Runtime {
    const connect: Net["connect"] = async (to, layers, signal) => {
      try {
        const stream = await runtime.net.connect(to, layers, signal);
        this.#onConnection(to, "open");
        return stream;
      } catch (cause) {
        // Whoever waited has given up.
        this.#onConnection(to, signal.aborted ? "silent" : connectProblem(cause));
        throw cause;
      }
    };
    return { ...runtime, net: { ...runtime.net, connect } };
  }

  onRefused(refusal: SendRefusal, { address }: Endpoint): void {
    this.#refused.push({ refusal, address });
  }

  /**
   * The most likely cause, by what has been seen so far; `undefined` where somebody has answered.
   *
   * @param lostMasters those that cannot be had
   */
  silence(lostMasters: readonly string[]): Silence | undefined {
    return this.#isHeard ? undefined : silenceOf(this.#seen(lostMasters));
  }

  /** Settles when no look is under way any more. */
  async close(): Promise<void> {
    this.#ending.abort();
    await Promise.all(this.#looks);
  }

  #seen(lostMasters: readonly string[]): Seen {
    const { port, broadcast, interfaces, exceptInterfaces } = this.#options;
    const subnets = this.#runtime.net.subnets();
    return {
      ...{ port, lostMasters },
      subnets,
      hosts: this.#hosts.map((endpoint) => ({
        endpoint,
        outcome: this.#outcomes.get(endpointKey(endpoint)) ?? "unknown",
      })),
      broadcasts: this.#broadcasts,
      isLimited: broadcast !== undefined || interfaces.length + exceptInterfaces.length > 0,
      refused: this.#refused,
      ...(this.#echoes !== undefined && { echoes: this.#echoes }),
    };
  }

  /** Broadcast addresses of other networks than loopback. */
  get #broadcasts(): readonly string[] {
    const { broadcast, interfaces, exceptInterfaces } = this.#options;
    const choice = { only: interfaces, except: exceptInterfaces };
    const all = broadcast ?? discoveryAddresses(this.#runtime.net.subnets(), choice);
    return all.filter((address) => !isLoopback(address));
  }

  async #after(ms: number, look: () => Promise<void>): Promise<void> {
    await this.#runtime.clock.sleep(ms, this.#ending.signal);
    if (!this.#ending.signal.aborted) await look();
  }

  #tellAfter(waitMs: number): Promise<void> {
    return this.#after(NO_SERVER_YET_MS, () => {
      const seconds = Math.round(waitMs / 100) / 10;
      this.#handlers.onNotice(`no server yet; waiting up to ${seconds} s, Ctrl-C stops`);
      return Promise.resolve();
    });
  }

  #onConnection(to: Endpoint, outcome: HostOutcome): void {
    this.#outcomes.set(endpointKey(to), outcome);
    // Who says how long to wait wants to wait for what is not there yet.
    if (this.#ending.signal.aborted || this.#options.waitMs !== undefined) return;
    if (isVain(this.#seen([]))) this.#handlers.onVain();
  }

  async #listen(): Promise<void> {
    const addresses = this.#broadcasts.filter(isIpv4);
    this.#echoes = await broadcastEchoes(this.#runtime, addresses, this.#ending.signal);
  }
}
