/**
 * Where packing is not tried: after a range that does not pack, the next one of that content is passed over, after
 * another such one the next two, and so on (docs/PROTOCOL.md, "Packing"). Both sides do that, each for itself.
 */
import { PACK_SKIP_MAX, PACK_SKIPS_REMEMBERED_MAX } from "./limits.ts";

interface Skips {
  /** Ranges still to be passed over. */
  left: number;
  /** … and how many the next time. */
  next: number;
}

export class PackSkips {
  /** By content, the one that was heard of longest ago first. */
  readonly #skips = new Map<string, Skips>();

  /** Whether the next range is to be passed over, which counts as done. */
  takes(content: string): boolean {
    const skips = this.#skips.get(content);
    if (skips === undefined || skips.left === 0) return false;
    skips.left -= 1;
    return true;
  }

  /** A range of this content was tried. */
  onTried(content: string, hasPacked: boolean): void {
    const before = this.#skips.get(content);
    this.#skips.delete(content);
    if (hasPacked) return;
    // Several may have been asked for at once: they tell one thing.
    const skips = before === undefined
      ? { left: 1, next: 2 }
      : before.left > 0
      ? before
      : { left: before.next, next: Math.min(2 * before.next, PACK_SKIP_MAX) };
    this.#skips.set(content, skips);
    const [oldest] = this.#skips.keys();
    if (oldest !== undefined && this.#skips.size > PACK_SKIPS_REMEMBERED_MAX) {
      this.#skips.delete(oldest);
    }
  }

  clear(): void {
    this.#skips.clear();
  }
}
