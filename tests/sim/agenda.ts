/** What will happen on a virtual clock: the earliest first, equal times in the order of their adding. */

export interface Coming {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Agenda {
  readonly #heap: Coming[] = [];
  #order = 0;

  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Infinity;
  }

  /** How much is still to happen. */
  get size(): number {
    return this.#heap.length;
  }

  add(atMs: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs, order: this.#order++, run });
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      if (!isBefore(heap[i]!, heap[parent]!)) break;
      [heap[i], heap[parent]] = [heap[parent]!, heap[i]!];
      i = parent;
    }
  }

  take(): Coming | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || first === last) return first;
    heap[0] = last;
    for (let i = 0;;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        if (child < heap.length && isBefore(heap[child]!, heap[least]!)) least = child;
      }
      if (least === i) return first;
      [heap[i], heap[least]] = [heap[least]!, heap[i]!];
      i = least;
    }
  }
}

function isBefore(a: Coming, b: Coming): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}
