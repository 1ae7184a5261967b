/** The files waiting to be hashed: requested ones first, then the rest, in order. */
import type { SafeFileName } from "../../ids.ts";

export class HashQueue {
  readonly #urgent = new Set<SafeFileName>();
  readonly #others = new Set<SafeFileName>();

  get hasUrgent(): boolean {
    return this.#urgent.size > 0;
  }

  add(name: SafeFileName): void {
    if (!this.#urgent.has(name)) this.#others.add(name);
  }

  addUrgent(name: SafeFileName): void {
    this.#others.delete(name);
    this.#urgent.add(name);
  }

  delete(name: SafeFileName): void {
    this.#urgent.delete(name);
    this.#others.delete(name);
  }

  /** Takes the next one off the queue. */
  take(): { readonly name: SafeFileName; readonly isUrgent: boolean } | undefined {
    for (const name of this.#urgent) {
      this.#urgent.delete(name);
      return { name, isUrgent: true };
    }
    for (const name of this.#others) {
      this.#others.delete(name);
      return { name, isUrgent: false };
    }
    return undefined;
  }
}
