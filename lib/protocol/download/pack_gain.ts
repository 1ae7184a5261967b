/** How much more a source brings than travels: plain bytes for packed ones, of what came lately. */
import { PACK_GAIN_BYTES, PACK_GAIN_MAX } from "./limits.ts";

export class PackGain {
  #plainBytes = 0;
  #wireBytes = 0;

  /** 1 where nothing came packed. */
  get ratio(): number {
    return this.#wireBytes === 0 ? 1 : Math.min(PACK_GAIN_MAX, this.#plainBytes / this.#wireBytes);
  }

  add(plainBytes: number, wireBytes: number): void {
    this.#plainBytes += plainBytes;
    this.#wireBytes += wireBytes;
    if (this.#plainBytes < PACK_GAIN_BYTES) return;
    this.#plainBytes /= 2;
    this.#wireBytes /= 2;
  }

  clear(): void {
    this.#plainBytes = 0;
    this.#wireBytes = 0;
  }
}
