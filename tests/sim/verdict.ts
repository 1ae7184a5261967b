/**
 * What has first gone wrong in a simulated world. Checks run inside disks and callbacks of the code under test, which would take
 * what they throw for a fault of its surroundings: so it is kept here, and ends the world.
 */
export class Violation extends Error {}

export class Verdict {
  #first: { readonly error: unknown } | undefined;

  get isBroken(): boolean {
    return this.#first !== undefined;
  }

  /** What a person is told of it; `undefined` if all has held. */
  get text(): string | undefined {
    const error = this.#first?.error;
    if (error === undefined) return undefined;
    if (error instanceof Violation) return error.message;
    return error instanceof Error ? `${error.stack}` : String(error);
  }

  /** Keeps what has been thrown, unless something was before. */
  onError(error: unknown): void {
    this.#first ??= { error };
  }

  /** Runs a check; what it throws is kept, and goes no further. */
  watch(check: () => void): void {
    try {
      check();
    } catch (error) {
      this.onError(error);
    }
  }
}
