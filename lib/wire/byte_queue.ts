/** What has arrived of a byte stream and was not taken yet, in the pieces that it arrived in. */
import type { Bytes } from "../ids.ts";

export class ByteQueue {
  readonly #pieces: Bytes[] = [];
  /** Bytes of the first piece that were taken. */
  #takenBytes = 0;
  #lengthBytes = 0;

  get lengthBytes(): number {
    return this.#lengthBytes;
  }

  /** Keeps `piece` itself: its memory must stay as it is until it was taken. */
  push(piece: Bytes): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#lengthBytes += piece.length;
  }

  /** Copies up to `bytesMax` of the bytes from `start` on, without taking them. */
  peek(bytesMax: number, start = 0): Bytes {
    const copy = new Uint8Array(Math.max(0, Math.min(bytesMax, this.#lengthBytes - start)));
    let at = -start - this.#takenBytes;
    for (const piece of this.#pieces) {
      if (at >= copy.length) break;
      const from = Math.max(0, -at);
      if (from < piece.length) {
        copy.set(piece.subarray(from, copy.length - at), at + from);
      }
      at += piece.length;
    }
    return copy;
  }

  /** Takes exactly `lengthBytes`; `undefined` while there are fewer. */
  take(lengthBytes: number): Bytes | undefined {
    if (lengthBytes > this.#lengthBytes) return undefined;
    const first = this.#pieces[0];
    if (first !== undefined && first.length - this.#takenBytes >= lengthBytes) {
      return this.takeSome(lengthBytes);
    }
    const whole = new Uint8Array(lengthBytes);
    for (let at = 0; at < lengthBytes;) {
      const part = this.takeSome(lengthBytes - at);
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  }

  /** Takes from 0 to `bytesMax`, without copying: a view of the piece that came first. */
  takeSome(bytesMax: number): Bytes {
    const first = this.#pieces[0];
    if (first === undefined || bytesMax <= 0) return new Uint8Array(0);
    const end = Math.min(first.length, this.#takenBytes + bytesMax);
    const part = first.subarray(this.#takenBytes, end);
    this.#lengthBytes -= part.length;
    this.#takenBytes = end;
    if (end === first.length) {
      this.#pieces.shift();
      this.#takenBytes = 0;
    }
    return part;
  }

  /** Forgets up to `bytesMax`; returns how many. */
  skip(bytesMax: number): number {
    let skipped = 0;
    while (skipped < bytesMax && this.#lengthBytes > 0) {
      skipped += this.takeSome(bytesMax - skipped).length;
    }
    return skipped;
  }
}
