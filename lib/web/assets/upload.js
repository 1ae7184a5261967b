/**
 * One file on its way to the server: in slices, from wherever the server says that it is, so that a lost connection, a pause
 * and a page that was closed cost no more than a slice. The clock, the requests and the hashing are handed in.
 */
import { RateMeter } from "./rate_meter.js";
import { UploadError } from "./upload_api.js";

/** Tries without a byte of progress between them. */
const TRIES_MAX = 8;
const WAIT_S_MAX = 30;

/**
 * @typedef {"queued" | "sending" | "waiting" | "checking" | "paused" | "done" | "failed"} UploadState
 *
 * @typedef {object} UploadParts
 * @property {Pick<import("./upload_api.js").UploadApi, "begin" | "put" | "finish" | "cancel">} api
 * @property {(file: Blob) => Promise<string>} sha256Of In hexadecimal digits.
 * @property {() => number} nowMs
 * @property {(seconds: number, signal: AbortSignal) => Promise<void>} wait
 * @property {() => void} onChange
 */

export class Upload {
  /** @type {UploadState} */
  state = "queued";
  /** Bytes that the server has, or that are on their way to it. */
  sent = 0;
  /** Why it failed, or waits. @type {string | undefined} */
  message;
  /** What this browser computed. @type {string | undefined} */
  sha256Here;
  /** @type {import("./upload_api.js").Stored | undefined} */
  stored;
  meter = new RateMeter();
  #parts;
  /** @type {string | undefined} */
  #id;
  /** @type {Promise<string> | undefined} */
  #hash;
  #stop = new AbortController();

  /**
   * @param {string} name Where it is to go, from the top.
   * @param {File} file
   * @param {UploadParts} parts
   */
  constructor(name, file, parts) {
    this.name = name;
    this.file = file;
    this.#parts = parts;
  }

  get isOver() {
    return this.state === "done" || this.state === "failed";
  }

  get isAtWork() {
    return ["sending", "waiting", "checking"].includes(this.state);
  }

  /** Until it is done, has failed, or was paused. */
  async run() {
    this.#stop = new AbortController();
    const { signal } = this.#stop;
    this.#become("sending");
    for (let tries = 1;; tries++) {
      const before = this.sent;
      try {
        await this.#attempt(signal);
        return;
      } catch (error) {
        if (signal.aborted) return;
        if (this.sent > before) tries = 1;
        const isPassing = error instanceof UploadError &&
          (error.isPassing || error.offset !== undefined);
        if (!isPassing || tries >= TRIES_MAX) {
          this.message = error instanceof Error ? error.message : String(error);
          this.#become("failed");
          return;
        }
        this.message = error.message;
        this.#become("waiting");
        const waitS = error.offset === undefined ? Math.min(WAIT_S_MAX, 2 ** (tries - 1)) : 0;
        try {
          await this.#parts.wait(error.waitS ?? waitS, signal);
        } catch {
          return;
        }
      }
    }
  }

  pause() {
    if (!this.isAtWork && this.state !== "queued") return;
    this.#stop.abort();
    this.#become("paused");
  }

  /** To be run again. */
  queue() {
    this.message = undefined;
    this.#become("queued");
  }

  async cancel() {
    this.#stop.abort();
    if (this.#id !== undefined && this.state !== "done") await this.#parts.api.cancel(this.#id);
  }

  /** @param {AbortSignal} signal */
  async #attempt(signal) {
    const { api, nowMs } = this.#parts;
    const { size, lastModified } = this.file;
    const begun = await api.begin({ name: this.name, size, mtimeMs: lastModified }, signal);
    this.#id = begun.id;
    this.#hash ??= this.#parts.sha256Of(this.file);
    // It is waited for below; until then a failure of it is nobody's.
    this.#hash.catch(() => {});
    let { offset } = begun;
    this.meter.start(nowMs(), offset);
    this.message = undefined;
    this.#moveTo(offset);
    this.#become("sending");
    while (offset < size) {
      const start = offset;
      const slice = this.file.slice(start, Math.min(size, start + begun.sliceBytesMax));
      const onSent = (/** @type {number} */ bytes) => this.#moveTo(start + bytes);
      ({ offset } = await api.put(begun.id, start, slice, onSent, signal));
      if (offset <= start) throw new UploadError("The server takes no more.", { status: 0 });
      this.#moveTo(offset);
    }
    this.#become("checking");
    this.sha256Here = await this.#hash;
    signal.throwIfAborted();
    this.stored = await api.finish(begun.id, { sha256: this.sha256Here }, signal);
    this.#become("done");
  }

  /** @param {number} bytes */
  #moveTo(bytes) {
    this.sent = bytes;
    this.meter.sample(this.#parts.nowMs(), bytes);
    this.#parts.onChange();
  }

  /** @param {UploadState} state */
  #become(state) {
    this.state = state;
    this.#parts.onChange();
  }
}
