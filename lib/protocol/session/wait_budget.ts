/** How much longer a client waits for its peer: bytes win time back, and no more than there was. */
import { SESSION_BYTES_PER_S_MIN, STORE_BYTES_PER_S_MIN, STORE_MS_MAX } from "./limits.ts";

export class WaitBudget {
  readonly #timeoutMs: number;
  #fullMs: number;
  #leftMs: number;

  constructor(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    this.#fullMs = timeoutMs;
    this.#leftMs = timeoutMs;
  }

  /** 0 when it is at its end. */
  get leftMs(): number {
    return this.#leftMs;
  }

  /** @param moreMs beyond the timeout, for what is known to take long */
  renew(moreMs = 0): void {
    this.#fullMs = this.#timeoutMs + moreMs;
    this.#leftMs = this.#fullMs;
  }

  /** So long was waited, and so much has passed meanwhile. */
  spend(waitedMs: number, bytes: number): void {
    const wonMs = bytes * 1000 / SESSION_BYTES_PER_S_MIN;
    this.#leftMs = Math.max(0, Math.min(this.#fullMs, this.#leftMs - waitedMs + wonMs));
  }
}

/** How much longer than usual a server may be silent while it stores so much. */
export function storeMs(bytes: number): number {
  return Math.min(STORE_MS_MAX, bytes * 1000 / STORE_BYTES_PER_S_MIN);
}
