/**
 * Which bytes of a span are there: disjoint half-open intervals, sorted. Bytes arrive nearly in
 * order, so the list stays short and an addition is nearly always at its end.
 */
export class IntervalSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  clear(): void {
    this.#starts.length = 0;
    this.#ends.length = 0;
  }

  /** Whether all of `[start, end)` is there. */
  covers(start: number, end: number): boolean {
    const i = this.#indexAt(start);
    return i >= 0 && this.#starts[i]! <= start && this.#ends[i]! >= end;
  }

  /**
   * Calls `visit` for each part of `[start, end)` that is missing, in order. Returns how many bytes
   * are missing in all. `visit` must not change the set.
   */
  gaps(start: number, end: number, visit?: (start: number, end: number) => void): number {
    let missing = 0;
    let at = start;
    for (let i = Math.max(0, this.#indexAt(start)); i < this.#starts.length && at < end; i++) {
      const from = this.#starts[i]!;
      if (from >= end) break;
      if (from > at) {
        missing += from - at;
        visit?.(at, from);
      }
      at = Math.max(at, this.#ends[i]!);
    }
    if (at < end) {
      missing += end - at;
      visit?.(at, end);
    }
    return missing;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    // The interval that `start` falls into or touches, else the place where a new one belongs.
    let first = this.#indexAt(start);
    if (first < 0 || this.#ends[first]! < start) first += 1;
    let last = first;
    let low = start;
    let high = end;
    while (last < this.#starts.length && this.#starts[last]! <= high) {
      low = Math.min(low, this.#starts[last]!);
      high = Math.max(high, this.#ends[last]!);
      last += 1;
    }
    if (last === first + 1) {
      this.#starts[first] = low;
      this.#ends[first] = high;
      return;
    }
    this.#starts.splice(first, last - first, low);
    this.#ends.splice(first, last - first, high);
  }

  /** Index of the last interval that starts at or before `position`; -1 if there is none. */
  #indexAt(position: number): number {
    let low = 0;
    let high = this.#starts.length;
    // Nearly always the last one.
    if (high > 0 && this.#starts[high - 1]! <= position) return high - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#starts[middle]! <= position) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }
}
