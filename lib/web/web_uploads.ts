/**
 * Uploads over HTTP, in slices: begun, continued wherever they are, ended. What arrives goes the way of all uploads
 * (`Receiving`), so that an upload that was broken off goes on where it was, also after the server has started anew.
 */
import { type Endpoint, partyOf } from "../address.ts";
import type { OpenUpload, Receiving, StoredUpload } from "../app/receiving.ts";
import { ShoalError } from "../errors.ts";
import { type Bytes, toHex } from "../ids.ts";
import type { Clock, Wakeup } from "../io/system/clock.ts";
import type { RandomSource } from "../io/system/random_source.ts";
import {
  UPLOAD_PIECE_BYTES,
  UPLOAD_SLICE_BYTES_MAX,
  WEB_UPLOAD_ID_BYTES,
  WEB_UPLOAD_IDLE_MS,
  WEB_UPLOADS_MAX,
  WEB_UPLOADS_PER_ADDRESS_MAX,
} from "./limits.ts";
import { HttpProblem } from "./responses.ts";

/** What is to be uploaded. */
interface WantedUpload {
  readonly name: string;
  readonly sizeBytes: number;
  readonly modifiedMs: number | undefined;
}

interface WebUpload extends WantedUpload {
  readonly id: string;
  readonly party: string;
  readonly open: OpenUpload;
  /** Whether somebody is at it now. */
  isBusy: boolean;
  usedMs: number;
}

interface WebUploadsOptions {
  readonly receiving: Receiving;
  readonly clock: Clock;
  readonly random: RandomSource;
}

export class WebUploads {
  readonly #options: WebUploadsOptions;
  readonly #uploads = new Map<string, WebUpload>();
  /** Those that are beginning, by address: they count as well. */
  readonly #beginning: string[] = [];
  readonly #timer: Wakeup;
  /** When an upload may have been idle for long enough. */
  #dueMs = Infinity;

  constructor(options: WebUploadsOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.#releaseIdle());
  }

  /**
   * Begins it, or finds it where it was begun already.
   *
   * @returns by which id it goes on, and where
   */
  async begin(wanted: WantedUpload, from: Endpoint): Promise<{ id: string; offset: number }> {
    const party = partyOf(from.address);
    const known = [...this.#uploads.values()].find((each) =>
      each.party === party && isSameUpload(each, wanted)
    );
    if (known?.isBusy) {
      throw new HttpProblem(503, "it is being sent already: try again", [["retry-after", "2"]]);
    }
    if (known !== undefined) {
      this.#use(known);
      return { id: known.id, offset: known.open.offset };
    }
    this.#requireRoom(party);
    const { receiving, random } = this.#options;
    this.#beginning.push(party);
    try {
      const { name, sizeBytes, modifiedMs } = wanted;
      const open = await receiving.beginUpload({
        ...{ name, sizeBytes, from },
        ...(modifiedMs !== undefined && { modifiedMs }),
      });
      const id = toHex(random.bytes(WEB_UPLOAD_ID_BYTES));
      const upload = { ...wanted, id, party, open, isBusy: false, usedMs: 0 };
      this.#uploads.set(id, upload);
      this.#use(upload);
      return { id, offset: open.offset };
    } finally {
      this.#beginning.splice(this.#beginning.indexOf(party), 1);
    }
  }

  /** How much of it is there. */
  offsetOf(id: string): number {
    return this.#find(id).open.offset;
  }

  /**
   * Takes a slice: what has come of it is kept, also where its connection breaks.
   *
   * Throws {@linkcode HttpProblem}: 409 where it begins elsewhere than the upload is, 413 for one that is too long.
   *
   * @returns where the next one begins
   */
  async take(
    id: string,
    offset: number,
    lengthBytes: number,
    body: AsyncIterable<Bytes>,
  ): Promise<number> {
    const upload = this.#find(id);
    if (lengthBytes > UPLOAD_SLICE_BYTES_MAX) {
      throw new HttpProblem(413, `a slice has at most ${UPLOAD_SLICE_BYTES_MAX} bytes`);
    }
    if (offset !== upload.open.offset) throw elsewhere(upload);
    if (offset + lengthBytes > upload.sizeBytes) {
      throw new HttpProblem(413, "that is more than was announced");
    }
    return await this.#busy(upload, async () => {
      const piece = new Piece(upload.open);
      try {
        for await (const bytes of body) await piece.add(bytes);
      } finally {
        await piece.flush();
      }
      return upload.open.offset;
    });
  }

  /** Ends it: gives it its name. Throws {@linkcode HttpProblem} 409 where some of it is missing. */
  async finish(id: string, sha256: string | undefined): Promise<StoredUpload> {
    const upload = this.#find(id);
    if (upload.open.offset !== upload.sizeBytes) throw elsewhere(upload);
    return await this.#busy(upload, async () => {
      // Whatever comes of it, nothing is left to go on with.
      this.#uploads.delete(id);
      return await upload.open.store(sha256);
    });
  }

  /** Lets go of it. What has come stays for a while. */
  async release(id: string): Promise<void> {
    const upload = this.#find(id);
    this.#uploads.delete(id);
    await upload.open.release();
  }

  close(): void {
    this.#timer.clear();
    this.#uploads.clear();
  }

  #find(id: string): WebUpload {
    const upload = this.#uploads.get(id);
    if (upload === undefined) {
      throw new HttpProblem(404, "there is no such upload any more: begin it again");
    }
    return upload;
  }

  #requireRoom(party: string): void {
    const own = [...this.#uploads.values()].filter((each) => each.party === party).length +
      this.#beginning.filter((each) => each === party).length;
    const all = this.#uploads.size + this.#beginning.length;
    if (own < WEB_UPLOADS_PER_ADDRESS_MAX && all < WEB_UPLOADS_MAX) return;
    const status = own < WEB_UPLOADS_PER_ADDRESS_MAX ? 503 : 429;
    throw new HttpProblem(status, "too many uploads at once: try again", [["retry-after", "5"]]);
  }

  async #busy<T>(upload: WebUpload, work: () => Promise<T>): Promise<T> {
    if (upload.isBusy) throw elsewhere(upload);
    upload.isBusy = true;
    try {
      return await work();
    } catch (error) {
      // What the server has refused is over; what broke off on its way is not.
      if (error instanceof ShoalError) this.#uploads.delete(upload.id);
      throw error;
    } finally {
      upload.isBusy = false;
      this.#use(upload);
    }
  }

  #use(upload: WebUpload): void {
    upload.usedMs = this.#options.clock.nowMs();
    if (this.#dueMs === Infinity) this.#wakeAt(upload.usedMs + WEB_UPLOAD_IDLE_MS);
  }

  #releaseIdle(): void {
    const now = this.#options.clock.nowMs();
    let nextMs = Infinity;
    for (const upload of [...this.#uploads.values()]) {
      const dueMs = upload.usedMs + WEB_UPLOAD_IDLE_MS;
      if (upload.isBusy || dueMs > now) {
        nextMs = Math.min(nextMs, upload.isBusy ? now + WEB_UPLOAD_IDLE_MS : dueMs);
        continue;
      }
      this.#uploads.delete(upload.id);
      // A server that stops has released it already.
      upload.open.release().catch(() => {});
    }
    this.#wakeAt(nextMs);
  }

  #wakeAt(atMs: number): void {
    this.#dueMs = atMs;
    this.#timer.set(atMs);
  }
}

/** Collects what comes in small parts, so that it is not handed over byte by byte. */
class Piece {
  readonly #open: OpenUpload;
  #bytes: Bytes = new Uint8Array(0);
  #length = 0;

  constructor(open: OpenUpload) {
    this.#open = open;
  }

  async add(part: Bytes): Promise<void> {
    for (let at = 0; at < part.length;) {
      if (this.#bytes.length === 0) this.#bytes = new Uint8Array(UPLOAD_PIECE_BYTES);
      const taken = part.subarray(at, at + this.#bytes.length - this.#length);
      this.#bytes.set(taken, this.#length);
      this.#length += taken.length;
      at += taken.length;
      if (this.#length === this.#bytes.length) await this.flush();
    }
  }

  async flush(): Promise<void> {
    if (this.#length === 0) return;
    const isFull = this.#length === this.#bytes.length;
    const bytes = isFull ? this.#bytes : this.#bytes.slice(0, this.#length);
    this.#bytes = new Uint8Array(0);
    this.#length = 0;
    await this.#open.write(bytes);
  }
}

function isSameUpload(a: WantedUpload, b: WantedUpload): boolean {
  return a.name === b.name && a.sizeBytes === b.sizeBytes && a.modifiedMs === b.modifiedMs;
}

/** It goes on elsewhere than somebody thought, or somebody else is at it. */
function elsewhere({ open }: WebUpload): HttpProblem {
  const { offset } = open;
  return new HttpProblem(409, `the upload goes on at byte ${offset}`, [], { offset });
}
