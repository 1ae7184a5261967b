/**
 * Why what servers list of a folder may not be all that there is of it. As long as there is a reason, a name that is
 * not listed may exist all the same. Pure.
 */
import type { ServerId } from "../../ids.ts";

export class ListingDoubts {
  /** Whoever has said to have the folder, proved or not. */
  readonly #offering = new Set<ServerId>();
  #read: ReadonlySet<ServerId> = new Set();
  #isComplete = false;

  /** A server says that it has the folder, or that it is still hashing what is in it. */
  onOffered(server: ServerId): void {
    this.#offering.add(server);
  }

  /**
   * The listings of these servers were read, in the place of any before.
   *
   * @param isComplete whether all of them name the same, and each of them everything
   */
  onRead(servers: ReadonlySet<ServerId>, isComplete: boolean): void {
    this.#read = servers;
    this.#isComplete = isComplete;
  }

  /** One line for people; `undefined` where there is no doubt. */
  get reason(): string | undefined {
    if (this.#read.size === 0) return "no listing was read";
    const unread = [...this.#offering].filter((server) => !this.#read.has(server));
    if (unread.length > 0) return "a server offers it whose listing was not read";
    return this.#isComplete ? undefined : "servers list different things, or not everything";
  }
}
