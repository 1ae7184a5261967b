/** Which origin offers a name, where there are several: never two. */
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { displayName } from "../../names.ts";
import type { Origin } from "./origin.ts";

export class NameOwners {
  /** Of the names that are known beforehand: folders may have a million. */
  readonly #named = new Map<string, Origin>();
  /** The origin of all other names. */
  readonly #rest: Origin;
  #clash: ShoalError | undefined;

  /** @param origins of which one at most, such as a folder, does not know its names beforehand */
  constructor(origins: readonly Origin[]) {
    this.#rest = origins.find(({ names }) => names === undefined) ?? origins[0]!;
    for (const origin of origins) {
      for (const name of origin.names ?? []) {
        if (this.#named.has(keyOf(name))) this.#clash ??= clashOf(name);
        this.#named.set(keyOf(name), origin);
      }
    }
  }

  of(name: SafeFileName): Origin {
    return (this.#named.size === 0 ? undefined : this.#named.get(keyOf(name))) ?? this.#rest;
  }

  /** `origin` has found a name of its own: whether it may be offered. */
  claim(origin: Origin, name: SafeFileName): boolean {
    if (this.of(name) === origin) return true;
    this.#clash ??= clashOf(name);
    return false;
  }

  /** A name that two origins offer. */
  get clash(): ShoalError | undefined {
    return this.#clash;
  }
}

/** Clients take both normal forms of a name for the same. */
function keyOf(name: string): string {
  return name.normalize("NFC");
}

function clashOf(name: SafeFileName): ShoalError {
  return new ShoalError("usage", `two files would be offered as ${displayName(name)}`, {
    hint: "Rename one of them, offer it under another --name, or leave it out.",
  });
}
