/** A bounded memory of unvalidated peers: entries expire, and the oldest makes room for a new one. */
export class RecentMap<Value> {
  readonly #entriesMax: number;
  readonly #memoryMs: number;
  /** In the order in which they were set. */
  readonly #entries = new Map<string, { readonly atMs: number; readonly value: Value }>();

  constructor(entriesMax: number, memoryMs: number) {
    this.#entriesMax = entriesMax;
    this.#memoryMs = memoryMs;
  }

  get(nowMs: number, key: string): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined || nowMs - entry.atMs > this.#memoryMs) return undefined;
    return entry.value;
  }

  set(nowMs: number, key: string, value: Value): void {
    this.#entries.delete(key);
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined && this.#entries.size >= this.#entriesMax) {
      this.#entries.delete(oldest);
    }
    this.#entries.set(key, { atMs: nowMs, value });
  }
}
