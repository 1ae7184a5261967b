/**
 * Which files of a registry have a content, grouped by the generation that each belongs to: so that any of those who
 * have it can be looked up, without passing over all the names that one of them has it under.
 */
import { MultiMap } from "../../protocol/base/multi_map.ts";
import type { Random } from "../../protocol/base/random.ts";

export class ContentIndex {
  readonly #generationOf: (id: number) => number;
  /** By content key, the id of the only file, or ids by generation. */
  readonly #files = new Map<number, number | MultiMap<number, number>>();

  /** @param generationOf what a file belongs to, by its id */
  constructor(generationOf: (id: number) => number) {
    this.#generationOf = generationOf;
  }

  add(contentKey: number, id: number): void {
    const present = this.#files.get(contentKey);
    if (present === undefined) return void this.#files.set(contentKey, id);
    if (present === id) return;
    const byGeneration = typeof present === "number" ? new MultiMap<number, number>() : present;
    if (typeof present === "number") byGeneration.add(this.#generationOf(present), present);
    byGeneration.add(this.#generationOf(id), id);
    this.#files.set(contentKey, byGeneration);
  }

  delete(contentKey: number, id: number): void {
    const present = this.#files.get(contentKey);
    if (typeof present === "number") {
      if (present === id) this.#files.delete(contentKey);
      return;
    }
    present?.delete(this.#generationOf(id), id);
    if (present?.size === 0) this.#files.delete(contentKey);
  }

  /** Of every generation that has it a few files, generations in a random order. */
  *sample(contentKey: number, perGenerationMax: number, random: Random): Generator<number> {
    const present = this.#files.get(contentKey);
    if (present === undefined) return;
    if (typeof present === "number") return yield present;
    for (const generation of random.shuffle([...present.keys()])) {
      let count = 0;
      for (const id of present.get(generation)) {
        yield id;
        if (++count === perGenerationMax) break;
      }
    }
  }
}
