/** A map with several values per key, as cheap as a plain map for keys with a single value. */
export class MultiMap<K, V extends object | number> {
  readonly #values = new Map<K, V | Set<V>>();

  add(key: K, value: V): void {
    const present = this.#values.get(key);
    if (present === undefined) this.#values.set(key, value);
    else if (present instanceof Set) present.add(value);
    else if (present !== value) this.#values.set(key, new Set([present, value]));
  }

  delete(key: K, value: V): void {
    const present = this.#values.get(key);
    if (present === value) this.#values.delete(key);
    if (!(present instanceof Set)) return;
    present.delete(value);
    if (present.size === 0) this.#values.delete(key);
  }

  /** How many keys have values. */
  get size(): number {
    return this.#values.size;
  }

  keys(): Iterable<K> {
    return this.#values.keys();
  }

  /** The values of `key`, in the order in which they came. */
  *get(key: K): Generator<V> {
    const present = this.#values.get(key);
    if (present instanceof Set) yield* present;
    else if (present !== undefined) yield present;
  }
}
