/**
 * Writes the files of folders as their units come. Written files wait for a sync that many share
 * (`staged_files.ts`), and have their names after that. While one group is synced the next one is written.
 */
import { ShoalError } from "../../errors.ts";
import type { TransferId } from "../../ids.ts";
import type { FileRules } from "../../messages/assembler_worker.ts";
import type { VerifiedChunk } from "../../protocol/download/assembler_steps.ts";
import type {
  TreeFileOutcome,
  TreeReply,
  TreeRequest,
} from "../../protocol/folder/tree_messages.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { toHex } from "../../ids.ts";
import type { Disk } from "../files/disk.ts";
import { type StagedFile, StagedFiles } from "../files/staged_files.ts";
import type { Clock } from "../system/clock.ts";
import { STAGED_BYTES_MAX, STAGED_FILES_MAX, TREE_NEWS_FILES_MAX } from "./limits.ts";

type Open = Extract<TreeRequest, { kind: "openTree" }>;

interface TreeWriterOptions {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly rules: FileRules;
  readonly post: (reply: TreeReply) => void;
}

export class TreeWriter {
  readonly #options: TreeWriterOptions;
  readonly #trees = new Map<TransferId, Tree>();

  constructor(options: TreeWriterOptions) {
    this.#options = options;
  }

  /** Whether the chunks of this transfer are units of a folder. */
  has(transfer: TransferId): boolean {
    return this.#trees.has(transfer);
  }

  onRequest(request: TreeRequest): void {
    const { transfer } = request;
    if (request.kind === "openTree") return this.#open(request);
    const tree = this.#trees.get(transfer);
    if (request.kind === "finishTree") tree?.finish(request.unitCount);
    else tree?.abort();
  }

  /** Buffers are the caller's again afterwards. */
  write({ transfer, chunk, bytes, buffer }: VerifiedChunk): void {
    this.#trees.get(transfer)?.write(chunk, buffer.subarray(0, bytes));
  }

  /** Resolves when everything that was written has its name. */
  async stop(): Promise<void> {
    await Promise.all([...this.#trees.values()].map((tree) => tree.abort()));
  }

  #open(request: Open): void {
    const { transfer, outDir, tag, neededBytes } = request;
    const { disk, rules, post } = this.#options;
    try {
      const staged = StagedFiles.open(disk, outDir, tag, rules);
      const onEnd = (): boolean => this.#trees.delete(transfer);
      const tree = new Tree(this.#options, request, staged, onEnd);
      this.#trees.set(transfer, tree);
      staged.requireSpace(neededBytes);
      post({ kind: "treeOpened", transfer });
      tree.begin();
    } catch (thrown) {
      this.#trees.get(transfer)?.fail(thrown);
      if (this.#trees.has(transfer)) return;
      post({ kind: "treeFailed", transfer, error: ShoalError.from(thrown).toMessage() });
    }
  }
}

class Tree {
  readonly #options: TreeWriterOptions;
  readonly #request: Open;
  readonly #staged: StagedFiles;
  readonly #onEnd: () => void;
  readonly #news: TreeFileOutcome[] = [];
  /** Written, and not yet on the disk for good. */
  #group: StagedFile[] = [];
  #groupBytes = 0;
  /** Of the groups before. */
  #publishing: Promise<void> = Promise.resolve();
  /** Units that came. */
  readonly #written = new Set<number>();
  /** How many will have come. */
  #unitCount = Infinity;
  #ended: Promise<void> | undefined;
  #error: ShoalError | undefined;

  constructor(options: TreeWriterOptions, request: Open, staged: StagedFiles, onEnd: () => void) {
    this.#options = options;
    this.#request = request;
    this.#staged = staged;
    this.#onEnd = onEnd;
  }

  /** Makes what needs no bytes from anybody. */
  begin(): void {
    const { root, folders } = this.#request;
    if (root !== undefined) this.#staged.makeFolder(root);
    for (const { name } of folders) {
      this.#try(name, () => ({ path: this.#staged.makeFolder(name), signature: undefined }));
    }
    for (const { name, target } of this.#request.links) {
      this.#try(name, () => ({ path: this.#staged.makeLink(name, target), signature: undefined }));
    }
    this.#staged.leaveFolder();
    for (const target of this.#request.emptyFiles) this.#stage(new Uint8Array(0), target);
  }

  write(chunk: number, bytes: Uint8Array): void {
    const unit = this.#request.units[chunk];
    if (unit === undefined || this.#ended !== undefined || this.#written.has(chunk)) return;
    this.#written.add(chunk);
    let at = 0;
    for (const { sizeBytes, sha256: expected, isProved, targets } of unit.parts) {
      const part = bytes.subarray(at, at + sizeBytes);
      at += sizeBytes;
      if (targets.length === 0) continue;
      if (!isProved && toHex(sha256(part)) !== expected) {
        const error = new ShoalError(
          "unverified",
          "every block was right, and yet the file is not what was offered",
        ).toMessage();
        for (const { name } of targets) this.#news.push({ name, error });
        continue;
      }
      for (const target of targets) this.#stage(part, target);
    }
    if (this.#groupBytes >= STAGED_BYTES_MAX || this.#group.length >= STAGED_FILES_MAX) {
      this.#endGroup();
    }
    this.#endIfAll();
  }

  /** No more come than so many, from threads that are not the one that says so. */
  finish(unitCount: number): void {
    this.#unitCount = unitCount;
    this.#endIfAll();
  }

  #endIfAll(): void {
    if (this.#written.size >= this.#unitCount) this.#ended ??= this.#end();
  }

  /** Nothing more comes, whatever was expected. */
  abort(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  /** The disk takes no more. */
  fail(thrown: unknown): void {
    this.#error ??= ShoalError.from(thrown);
    this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    // Whoever asked may be in the middle of something.
    await this.#options.clock.yieldToEvents();
    this.#endGroup();
    await this.#publishing;
    // The deepest first: what is done in a folder changes its time.
    for (const { name, ...time } of [...this.#request.folders].reverse()) {
      this.#staged.setFolderModified(name, time);
    }
    await this.#staged.syncNames();
    this.#tellNews(0);
    this.#staged.close();
    const { transfer } = this.#request;
    const error = this.#error?.toMessage();
    this.#options.post(
      error === undefined
        ? { kind: "treeFinished", transfer }
        : { kind: "treeFailed", transfer, error },
    );
    this.#onEnd();
  }

  #stage(bytes: Uint8Array, target: StagedFile["target"]): void {
    if (this.#error !== undefined) return;
    try {
      this.#group.push(this.#staged.write(bytes, target));
      this.#groupBytes += bytes.length;
    } catch (thrown) {
      // Where nothing more can be made, the names of the others need its room.
      const last = this.#group.pop();
      if (last !== undefined) this.#staged.discard(last);
      this.fail(thrown);
    }
  }

  #endGroup(): void {
    if (this.#group.length === 0) return;
    const group = this.#group;
    this.#group = [];
    this.#groupBytes = 0;
    this.#publishing = this.#publishing.then(() => this.#publish(group));
  }

  async #publish(group: readonly StagedFile[]): Promise<void> {
    try {
      await this.#staged.sync(group);
    } catch (thrown) {
      return this.fail(thrown);
    }
    for (const file of group) {
      this.#try(file.target.name, () => this.#staged.publish(file));
    }
    this.#staged.leaveFolder();
    this.#tellNews(TREE_NEWS_FILES_MAX);
  }

  /** One file that cannot have its name costs no other file. */
  #try(
    name: TreeFileOutcome["name"],
    work: () => Omit<Extract<TreeFileOutcome, { path: string }>, "name">,
  ): void {
    try {
      this.#news.push({ name, ...work() });
    } catch (thrown) {
      const error = ShoalError.from(thrown);
      if (error.code === "disk_full") this.fail(error);
      else this.#news.push({ name, error: error.toMessage() });
    }
  }

  #tellNews(max: number): void {
    if (this.#news.length === 0 || this.#news.length < max) return;
    const files = this.#news.splice(0);
    this.#options.post({ kind: "treeWritten", transfer: this.#request.transfer, files });
  }
}
