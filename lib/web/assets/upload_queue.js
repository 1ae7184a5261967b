/** Uploads in their order, a few at a time. */
import { RateMeter } from "./rate_meter.js";
import { Upload } from "./upload.js";

/** Two, so that the end of one and the beginning of the next take no time from the line. */
const AT_WORK_MAX = 2;

/** @typedef {import("./upload.js").UploadParts} UploadParts */

export class UploadQueue {
  /** @type {Upload[]} */
  uploads = [];
  meter = new RateMeter();
  #parts;

  /** @param {UploadParts} parts */
  constructor(parts) {
    this.#parts = parts;
  }

  get bytes() {
    return this.#sum(({ file }) => file.size);
  }

  get sent() {
    return this.#sum(({ sent }) => sent);
  }

  get isBusy() {
    return this.uploads.some(({ isAtWork, state }) => isAtWork || state === "queued");
  }

  /** @param {readonly { name: string, file: File }[]} files */
  add(files) {
    if (!this.isBusy) this.meter.start(this.#parts.nowMs(), this.sent);
    const parts = { ...this.#parts, onChange: () => this.#onChange() };
    for (const { name, file } of files) {
      // What is dropped twice is on its way already.
      if (!this.uploads.some((upload) => !upload.isOver && isSame(upload, name, file))) {
        this.uploads.push(new Upload(name, file, parts));
      }
    }
    this.#next();
  }

  /** Of one that was paused or has failed. @param {Upload} upload */
  goOn(upload) {
    upload.queue();
    this.#next();
  }

  /** @param {Upload} upload */
  async drop(upload) {
    this.uploads = this.uploads.filter((other) => other !== upload);
    this.#onChange();
    await upload.cancel();
  }

  /** Forgets those that are done. */
  clear() {
    this.uploads = this.uploads.filter(({ state }) => state !== "done");
    this.#onChange();
  }

  #next() {
    for (const upload of this.uploads) {
      if (this.uploads.filter(({ isAtWork }) => isAtWork).length >= AT_WORK_MAX) break;
      if (upload.state === "queued") upload.run().then(() => this.#next());
    }
    this.#onChange();
  }

  #onChange() {
    this.meter.sample(this.#parts.nowMs(), this.sent);
    this.#parts.onChange();
  }

  /** @param {(upload: Upload) => number} of */
  #sum(of) {
    return this.uploads.reduce((sum, upload) => sum + of(upload), 0);
  }
}

/**
 * @param {Upload} upload
 * @param {string} name
 * @param {File} file
 */
function isSame(upload, name, file) {
  return upload.name === name && upload.file.size === file.size &&
    upload.file.lastModified === file.lastModified;
}
