/**
 * The uploads of a server: unfinished ones, one hidden part file each in a folder of their own below the served one, and what was
 * stored. Interrupted ones are kept for a while, so that the same client can resume them; all that lies on the disk
 * counts for the quotas until it is gone (`upload_accounts.ts`), whoever was connected when, and across restarts.
 */
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import { displayName } from "../../names.ts";
import { UPLOAD_KEPT_LARGEST_MAX } from "../../protocol/session/limits.ts";
import {
  type Shortage,
  UploadAccounts,
  type UploadQuota,
  type UploadRoom,
} from "../../protocol/session/upload_accounts.ts";
import { sizeText } from "../../sizes.ts";
import { missingFolders, requireFolders } from "../files/target_names.ts";
import type { Digests } from "../hash/digests.ts";
import type { Runtime } from "../runtime.ts";
import { type Clock, type Wakeup, wallMs } from "../system/clock.ts";
import {
  PARTS_LOOK_MS,
  STORED_CHECK_MS,
  STORED_CHECK_TIME_SHARE,
  STORED_CHECKED_PER_TURN,
  UPLOAD_KEEP_MS,
  UPLOAD_SWEEP_MS,
} from "./limits.ts";
import { type OpenPart, PartFolder, uploadParty } from "./part_folder.ts";
import { StoredLedger } from "./stored_ledger.ts";
import { Upload, type UploadEnd, type UploadRequest } from "./upload.ts";

interface UploadsOptions {
  readonly runtime: Pick<Runtime, "clock" | "random" | "disk">;
  /** The served folder, absolute. */
  readonly dir: string;
  readonly quota: UploadQuota;
  /** The largest that is accepted. */
  readonly uploadBytesMax: number;
  /** Whether there are uploads at all; if not, nothing of the folder is touched. */
  readonly isOpen: boolean;
  readonly digests: Digests;
}

export class Uploads {
  readonly #options: UploadsOptions;
  readonly #accounts: UploadAccounts;
  readonly #parts: PartFolder;
  readonly #ledger: StoredLedger;
  /** By the tag of their parts. */
  readonly #open = new Map<string, Upload>();
  readonly #clock: Clock;
  readonly #sweeper: Wakeup;
  #lookedMs = -Infinity;
  #checkAgainMs = -Infinity;
  #checking: Promise<void> | undefined;

  constructor(options: UploadsOptions) {
    this.#options = options;
    const { runtime, dir, quota, uploadBytesMax, isOpen } = options;
    this.#clock = runtime.clock;
    this.#sweeper = runtime.clock.timer(() => this.#sweep());
    this.#accounts = new UploadAccounts({
      quota,
      keptPerPartyBytes: uploadBytesMax,
      keptBytes: UPLOAD_KEPT_LARGEST_MAX * uploadBytesMax,
    });
    this.#parts = new PartFolder(runtime, dir);
    this.#ledger = new StoredLedger(this.#parts);
    if (!isOpen) return;
    this.#parts.removeUseless();
    this.#readLedger();
    this.#sweep();
  }

  /** How much of this upload is there already, all of which is hashed when it begins. */
  keptBytesOf(request: UploadRequest, address: string): number {
    if (!request.isResumable) return 0;
    const kept = this.#parts.bytesOf(this.#parts.tagOf(uploadParty(address), request));
    return kept <= request.sizeBytes ? kept : 0;
  }

  /**
   * Begins an upload. Throws ShoalError, with a message for the peer, if it cannot be taken.
   *
   * @param address of the one who sends it, which its connection proves
   */
  async begin(request: UploadRequest, address: string): Promise<Upload> {
    const { runtime, dir, digests } = this.#options;
    const party = uploadParty(address);
    this.#lookAtParts();
    const wanted = await this.#requireQuota(party, request);
    try {
      requireFolders(runtime.disk, dir, request.name);
    } catch (cause) {
      const why = "a folder of it is something else here, or leads elsewhere";
      throw new ShoalError("not_writable", `${displayName(request.name)}: ${why}`, { cause });
    }
    const part = this.#parts.open(party, request);
    const { tag } = part;
    const begin = (bytes: number): void =>
      this.#accounts.begin(this.#clock.nowMs(), tag, party, bytes, wanted);
    begin(part.target.lengthBytes);
    const upload = new Upload({
      ...{ runtime, dir, request, part, digests },
      onGrow: (bytes) => this.#makeRoom(tag, party, wanted, bytes),
      onRestart: () => begin(0),
      onFolder: (name) => this.#onStored({ name, party, bytes: 0 }),
      onEnd: (end) => this.#onEnd(part, party, request, end),
    });
    this.#open.set(tag, upload);
    try {
      this.#requireSpace(tag, upload);
      await upload.resume();
      return upload;
    } catch (error) {
      upload.abandon();
      throw error;
    }
  }

  /** Releases everything; what can be resumed stays. */
  close(): void {
    this.#sweeper.clear();
    for (const upload of [...this.#open.values()]) upload.abandon();
  }

  // — Room ——————————————————————————————————————————————————————————————————————————————————————

  /** Before anything of it is read. Returns what it will leave here. Throws ShoalError `disk_full`. */
  async #requireQuota(party: string, request: UploadRequest): Promise<UploadRoom> {
    const tag = this.#parts.tagOf(party, request);
    const wanted = (): UploadRoom => this.#wantedBy(request);
    const shortage = (): Shortage | undefined =>
      this.#accounts.shortageFor(this.#clock.nowMs(), tag, party, wanted());
    if (shortage() === undefined) return wanted();
    // What was stored may have been removed.
    await this.#checkStored();
    const left = shortage();
    if (left !== undefined) throw overQuota(left);
    return wanted();
  }

  #wantedBy({ name, sizeBytes }: UploadRequest): UploadRoom {
    const { runtime: { disk }, dir } = this.#options;
    return { bytes: sizeBytes, entries: 1 + missingFolders(disk, dir, name).length };
  }

  /** Throws ShoalError `disk_full` where the disk has no room even without what broke off. */
  #requireSpace(tag: string, upload: Upload): void {
    let awaitedBytes = 0;
    for (const each of this.#open.values()) if (each !== upload) awaitedBytes += each.awaitedBytes;
    const kept = this.#accounts.expendable(this.#clock.nowMs()).filter((each) =>
      each !== tag && !this.#open.has(each)
    );
    for (;;) {
      try {
        return upload.requireSpace(awaitedBytes);
      } catch (cause) {
        const next = kept.shift();
        if (next === undefined) {
          throw new ShoalError("disk_full", "this server has no room for it now", { cause });
        }
        this.#remove(next);
      }
    }
  }

  /** Throws ShoalError `disk_full`. */
  #makeRoom(tag: string, party: string, announced: UploadRoom, bytes: number): void {
    const going = this.#accounts.advance(this.#clock.nowMs(), tag, bytes);
    if (going === undefined) {
      const left = this.#accounts.shortageFor(this.#clock.nowMs(), tag, party, announced);
      throw overQuota(left ?? { bound: "bytes", left: 0 });
    }
    for (const each of going) this.#remove(each);
  }

  #remove(tag: string): void {
    const upload = this.#open.get(tag);
    if (upload !== undefined) return upload.displace();
    if (this.#parts.remove(tag)) return this.#accounts.drop(tag);
    // Another server of this folder is receiving it.
    const part = this.#parts.found().find((each) => each.tag === tag);
    if (part === undefined) this.#accounts.drop(tag);
    else {
      const { party, bytes } = part;
      this.#accounts.begin(this.#clock.nowMs(), tag, party, bytes, { bytes, entries: 1 });
    }
  }

  #onEnd(part: OpenPart, party: string, { sizeBytes }: UploadRequest, end: UploadEnd): void {
    const { tag } = part;
    part.release();
    this.#open.delete(tag);
    this.#accounts.drop(tag);
    if (end.kind === "stored") this.#onStored({ name: end.name, party, bytes: sizeBytes });
    if (end.kind !== "kept") return;
    this.#accounts.keep(tag, party, end.bytes, wallMs(this.#clock));
    for (const each of this.#accounts.surplus()) this.#remove(each);
  }

  // — What is on the disk ———————————————————————————————————————————————————————————————————————

  /** What other servers and people have done there counts as well. */
  #lookAtParts(): void {
    if (this.#clock.nowMs() - this.#lookedMs < PARTS_LOOK_MS) return;
    this.#lookedMs = this.#clock.nowMs();
    const found = new Set<string>();
    for (const { tag, party, bytes, changedMs } of this.#parts.found()) {
      found.add(tag);
      if (!this.#open.has(tag)) this.#accounts.keep(tag, party, bytes, changedMs);
    }
    for (const tag of this.#accounts.keptTags) if (!found.has(tag)) this.#accounts.drop(tag);
  }

  get #hasQuota(): boolean {
    return Object.values(this.#options.quota).some(Number.isFinite);
  }

  #onStored(entry: { name: UploadRequest["name"]; party: string; bytes: number }): void {
    if (!this.#hasQuota) return;
    this.#accounts.store(entry.name, entry.party, entry.bytes);
    this.#ledger.append(entry);
  }

  #readLedger(): void {
    if (!this.#hasQuota) return;
    for (const { name, party, bytes } of this.#ledger.readNew()) {
      this.#accounts.store(name, party, bytes);
    }
  }

  /** Forgets what is not there any more; once for all who wait. */
  #checkStored(): Promise<void> {
    if (this.#clock.nowMs() < this.#checkAgainMs) return Promise.resolve();
    const startedMs = this.#clock.nowMs();
    return this.#checking ??= this.#checkAll().finally(() => {
      // Of many files it takes long: whoever is refused again and again must not keep us busy with it.
      const tookMs = this.#clock.nowMs() - startedMs;
      this.#checkAgainMs = this.#clock.nowMs() +
        Math.max(STORED_CHECK_MS, tookMs / STORED_CHECK_TIME_SHARE);
      this.#checking = undefined;
    });
  }

  async #checkAll(): Promise<void> {
    this.#readLedger();
    for (const [i, name] of this.#accounts.storedNames.entries()) {
      if (!this.#isThere(name)) this.#accounts.forgetStored(name);
      if (i % STORED_CHECKED_PER_TURN === 0) await this.#clock.yieldToEvents();
    }
  }

  #isThere(name: string): boolean {
    try {
      return this.#options.runtime.disk.lookAt(join(this.#options.dir, name)) !== undefined;
    } catch {
      return true;
    }
  }

  /** Removes what nobody has resumed for long enough. */
  #sweep(): void {
    this.#sweeper.set(this.#clock.nowMs() + UPLOAD_SWEEP_MS);
    for (const { tag, changedMs } of this.#parts.found()) {
      if (this.#open.has(tag) || wallMs(this.#clock) - changedMs < UPLOAD_KEEP_MS) continue;
      if (this.#parts.remove(tag)) this.#accounts.drop(tag);
    }
    this.#lookedMs = -Infinity;
    this.#lookAtParts();
    for (const each of this.#accounts.surplus()) this.#remove(each);
  }
}

/** What bounds it, as the user of the server said it. */
const QUOTA_OPTIONS: Readonly<Record<keyof UploadQuota, string>> = {
  bytes: "--upload-quota",
  perPartyBytes: "--quota-per-host",
  entries: "--upload-entries",
  perPartyEntries: "--entries-per-host",
};

function overQuota({ bound, left }: Shortage): ShoalError {
  const isOfEntries = bound === "entries" || bound === "perPartyEntries";
  const room = isOfEntries ? `${left} more files and folders` : sizeText(left);
  const from = bound === "perPartyBytes" || bound === "perPartyEntries" ? " from one host" : "";
  return new ShoalError(
    "disk_full",
    `this server accepts no more than ${room}${from} now (${QUOTA_OPTIONS[bound]})`,
  );
}
