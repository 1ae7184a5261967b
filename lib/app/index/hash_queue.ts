/**
 * The files waiting to be hashed: requested ones first, then the rest, in order. Those who ask take turns, however much
 * each of them asks for.
 */
import type { SafeFileName } from "../../ids.ts";
import { HASH_PARTIES_MAX } from "./limits.ts";

/** Whose turn it is to have something hashed that this server needs itself, or that nobody has proved to ask for. */
export const NOBODY = "";

export class HashQueue {
  /** By party, the one whose turn is next first. Several may ask for one file. */
  readonly #urgent = new Map<string, Set<SafeFileName>>();
  readonly #others = new Set<SafeFileName>();

  get hasUrgent(): boolean {
    return this.#urgent.size > 0;
  }

  add(name: SafeFileName): void {
    for (const names of this.#urgent.values()) if (names.has(name)) return;
    this.#others.add(name);
  }

  /** @param party who waits for it: an address that proved itself, or {@linkcode NOBODY} */
  addUrgent(name: SafeFileName, party: string): void {
    this.#others.delete(name);
    const isRoom = this.#urgent.has(party) || this.#urgent.size < HASH_PARTIES_MAX;
    const key = isRoom ? party : NOBODY;
    const names = this.#urgent.get(key) ?? new Set();
    this.#urgent.set(key, names.add(name));
  }

  delete(name: SafeFileName): void {
    this.#others.delete(name);
    for (const [party, names] of this.#urgent) {
      if (names.delete(name) && names.size === 0) this.#urgent.delete(party);
    }
  }

  /** Takes the next one off the queue. */
  take(): { readonly name: SafeFileName; readonly isUrgent: boolean } | undefined {
    for (const [party, names] of this.#urgent) {
      const [name] = names;
      this.#urgent.delete(party);
      this.#urgent.set(party, names);
      this.delete(name!);
      return { name: name!, isUrgent: true };
    }
    for (const name of this.#others) {
      this.#others.delete(name);
      return { name, isUrgent: false };
    }
    return undefined;
  }
}
