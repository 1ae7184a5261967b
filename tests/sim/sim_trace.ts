/** What happened in a world: a digest of all of it always, and lines for people if they are wanted. */
import { crc32 } from "node:zlib";

export class SimTrace {
  readonly lines: string[] = [];
  readonly #keepsLines: boolean;
  readonly #number = new Float64Array(1);
  readonly #numberBytes = new Uint8Array(this.#number.buffer);
  #digest = 0;

  constructor(keepsLines: boolean) {
    this.#keepsLines = keepsLines;
  }

  get digest(): string {
    return (this.#digest >>> 0).toString(16).padStart(8, "0");
  }

  /** @param text is asked only where lines are kept */
  datagram(nowMs: number, bytes: Uint8Array, text: () => string): void {
    this.#mix(nowMs);
    this.#digest = crc32(bytes, this.#digest);
    if (this.#keepsLines) this.#line(nowMs, text());
  }

  note(nowMs: number, text: string): void {
    this.#mix(nowMs);
    this.#digest = crc32(text, this.#digest);
    if (this.#keepsLines) this.#line(nowMs, text);
  }

  #mix(nowMs: number): void {
    this.#number[0] = nowMs;
    this.#digest = crc32(this.#numberBytes, this.#digest);
  }

  #line(nowMs: number, text: string): void {
    this.lines.push(`${nowMs.toFixed(3).padStart(11)}  ${text}`);
  }
}
