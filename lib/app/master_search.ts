/** Asks masters, again and again, who has what is looked for, and tells of servers once each. */
import { type Endpoint, endpointText } from "../ids.ts";
import { ShoalError } from "../errors.ts";
import { sleep } from "../io/clock.ts";
import { MASTER_POLL_MS } from "../limits.ts";
import type { LocateQuery } from "../protocol/registry_store.ts";
import { locateAt } from "./master_client.ts";

export interface MasterSearchOptions {
  /** `HOST` or `HOST:PORT`. */
  readonly masters: readonly string[];
  /** What is still looked for; the search pauses while that is nothing. */
  readonly wanted: () => readonly LocateQuery[];
  readonly onServers: (endpoints: readonly Endpoint[]) => void;
  /** A master cannot be asked; once each until it can. */
  readonly onProblem: (message: string) => void;
}

export class MasterSearch {
  readonly #options: MasterSearchOptions;
  readonly #ending = new AbortController();
  readonly #loops: Promise<void>;
  /** By endpoint, which master has told of it. */
  readonly #tellers = new Map<string, string>();

  constructor(options: MasterSearchOptions) {
    this.#options = options;
    this.#loops = Promise.all(options.masters.map((master) => this.#follow(master))).then(() => {});
  }

  /** The master that has told of this endpoint; `undefined` if none has. */
  tellerOf(endpoint: string): string | undefined {
    return this.#tellers.get(endpoint);
  }

  async close(): Promise<void> {
    this.#ending.abort();
    await this.#loops;
  }

  async #follow(master: string): Promise<void> {
    const { signal } = this.#ending;
    const { wanted, onServers, onProblem } = this.#options;
    for (let isLost = false; !signal.aborted; await sleep(MASTER_POLL_MS, signal)) {
      const queries = wanted();
      if (queries.length === 0) continue;
      try {
        const found = await locateAt(master, queries, signal);
        isLost = false;
        const endpoints = found.flat().flatMap(({ servers }) =>
          servers.map(({ endpoint }) => endpoint)
        );
        for (const each of endpoints) {
          const text = endpointText(each);
          if (!this.#tellers.has(text)) this.#tellers.set(text, master);
        }
        if (!signal.aborted) onServers(endpoints);
      } catch (error) {
        if (signal.aborted) return;
        if (!isLost) onProblem(`master: ${ShoalError.from(error).message}`);
        isLost = true;
      }
    }
  }
}
