/** Seeds over workers: each takes the next few when it is done with its own. */

/**
 * `links`: one download in all weathers. `shipped`: all use cases, entered as users enter them. `swarm`: many who want the
 * same.
 */
export type WorldFamily = "links" | "shipped" | "swarm";

export interface BatchRequest {
  readonly family: WorldFamily;
  readonly base: number;
  /** Numbers of seeds, counted from the base. */
  readonly first: number;
  readonly count: number;
}

export interface Batch {
  readonly count: number;
  readonly ends: readonly (readonly [end: string, count: number])[];
  readonly failures: readonly { readonly seed: number; readonly violation: string }[];
}

const BATCH_SEEDS = 50;

export class SeedPool {
  readonly #workers: number;
  readonly #family: WorldFamily;
  readonly #onBatch: (batch: Batch) => void;

  constructor(workers: number, family: WorldFamily, onBatch: (batch: Batch) => void) {
    this.#family = family;
    this.#workers = workers;
    this.#onBatch = onBatch;
  }

  /** Resolves when all have run; rejects when a worker breaks. */
  async run(base: number, seeds: number): Promise<void> {
    let next = 0;
    const take = (): BatchRequest | undefined => {
      if (next >= seeds) return undefined;
      const first = next;
      next = Math.min(seeds, next + BATCH_SEEDS);
      return { family: this.#family, base, first, count: next - first };
    };
    await Promise.all(Array.from({ length: this.#workers }, () => this.#work(take)));
  }

  #work(take: () => BatchRequest | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const worker = new Worker(new URL("./seed_batch.ts", import.meta.url), { type: "module" });
    const goOn = (): void => {
      const request = take();
      if (request !== undefined) return worker.postMessage(request);
      worker.terminate();
      resolve();
    };
    worker.onmessage = ({ data }: MessageEvent<Batch>) => {
      this.#onBatch(data);
      goOn();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      worker.terminate();
      reject(new Error(event.message));
    };
    goOn();
    return promise;
  }
}
