/**
 * How long the rest of a transfer will take, from what a byte and what a file have cost so far: a thousand small files
 * take longer than one of the same size. Both costs are fitted to what was seen (least squares, older samples
 * weigh less), and then scaled so that together they explain the time that has passed. Pure.
 */
import {
  TIME_LEFT_HALF_LIFE_MS,
  TIME_LEFT_RIDGE,
  TIME_LEFT_SAMPLE_MS,
  TIME_LEFT_STALL_MS,
} from "./limits.ts";

/** What came in a span of time. */
interface Sample {
  readonly ms: number;
  readonly bytes: number;
  readonly files: number;
}

/** Sums over samples of a, b and of their products. */
interface Sums extends Sample {
  readonly bytesBytes: number;
  readonly bytesFiles: number;
  readonly filesFiles: number;
  readonly bytesMs: number;
  readonly filesMs: number;
}

const NOTHING: Sums = {
  ...{ ms: 0, bytes: 0, files: 0 },
  ...{ bytesBytes: 0, bytesFiles: 0, filesFiles: 0, bytesMs: 0, filesMs: 0 },
};

export class TimeLeft {
  #sums = NOTHING;
  /** Where the sample under way began, and what had come by then. */
  #begun: { readonly atMs: number; readonly bytes: number; readonly files: number } | undefined;
  #latest = { bytes: 0, files: 0 };
  #movedMs = -Infinity;

  /** All that has come by now, of what was fetched in this run. */
  note(nowMs: number, bytes: number, files: number): void {
    const { bytes: bytesBefore, files: filesBefore } = this.#latest;
    const hasMoved = bytes > bytesBefore || files > filesBefore;
    // What was waited for has cost nothing.
    const isNew = this.#begun === undefined || bytes < bytesBefore || files < filesBefore;
    if (isNew || (hasMoved && this.#isStalled(nowMs))) {
      this.#begun = { atMs: nowMs, bytes, files };
      this.#movedMs = nowMs;
    } else if (hasMoved) this.#movedMs = nowMs;
    this.#latest = { bytes, files };
    const sample = this.#sample(nowMs);
    if (sample === undefined || sample.ms < TIME_LEFT_SAMPLE_MS || !hasMoved) return;
    this.#sums = added(this.#sums, sample);
    this.#begun = { atMs: nowMs, bytes, files };
  }

  /** Seconds for so much more; `undefined` where nothing can be said, as nothing comes. */
  seconds(nowMs: number, bytesLeft: number, filesLeft: number): number | undefined {
    if (bytesLeft <= 0 && filesLeft <= 0) return 0;
    const sample = this.#sample(nowMs);
    if (sample === undefined || this.#isStalled(nowMs)) return undefined;
    const sums = added(this.#sums, sample);
    const costOf = fitted(sums);
    const seenMs = costOf(sums.bytes, sums.files);
    if (seenMs <= 0) return undefined;
    return costOf(Math.max(0, bytesLeft), Math.max(0, filesLeft)) * (sums.ms / seenMs) / 1000;
  }

  #isStalled(nowMs: number): boolean {
    return nowMs - this.#movedMs > TIME_LEFT_STALL_MS;
  }

  #sample(nowMs: number): Sample | undefined {
    if (this.#begun === undefined) return undefined;
    const { atMs, bytes, files } = this.#begun;
    const { bytes: bytesNow, files: filesNow } = this.#latest;
    return { ms: nowMs - atMs, bytes: bytesNow - bytes, files: filesNow - files };
  }
}

function added(sums: Sums, { ms, bytes, files }: Sample): Sums {
  const kept = 0.5 ** (ms / TIME_LEFT_HALF_LIFE_MS);
  return {
    ms: kept * sums.ms + ms,
    bytes: kept * sums.bytes + bytes,
    files: kept * sums.files + files,
    bytesBytes: kept * sums.bytesBytes + bytes * bytes,
    bytesFiles: kept * sums.bytesFiles + bytes * files,
    filesFiles: kept * sums.filesFiles + files * files,
    bytesMs: kept * sums.bytesMs + bytes * ms,
    filesMs: kept * sums.filesMs + files * ms,
  };
}

/** Milliseconds that so many bytes and files cost, neither of them less than nothing. */
function fitted(sums: Sums): (bytes: number, files: number) => number {
  const byteScale = Math.sqrt(sums.bytesBytes) || 1;
  const fileScale = Math.sqrt(sums.filesFiles) || 1;
  const diagonal = 1 + TIME_LEFT_RIDGE;
  const shared = sums.bytesFiles / (byteScale * fileScale);
  const [ofBytes, ofFiles] = [sums.bytesMs / byteScale, sums.filesMs / fileScale];
  const determinant = diagonal * diagonal - shared * shared;
  let perByte = (diagonal * ofBytes - shared * ofFiles) / determinant;
  let perFile = (diagonal * ofFiles - shared * ofBytes) / determinant;
  if (perByte < 0) [perByte, perFile] = [0, ofFiles];
  else if (perFile < 0) [perByte, perFile] = [ofBytes, 0];
  return (bytes, files) => perByte * bytes / byteScale + perFile * files / fileScale;
}
