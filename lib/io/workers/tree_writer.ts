/**
 * Writes the files of folders as their units come. Written files wait for a sync that many share
 * (`staged_files.ts`), and have their names after that. While one group is synced the next one is written.
 */
import { FolderPaths } from "../../folder_paths.ts";
import { type ErrorMessage, ShoalError } from "../../errors.ts";
import type { SafeFileName, TransferId } from "../../ids.ts";
import type { FileRules } from "../../messages/assembler_worker.ts";
import type { VerifiedChunk } from "../../protocol/download/assembler_steps.ts";
import {
  TreeLayout,
  writtenColumns,
  type WrittenFile,
} from "../../protocol/folder/tree_columns.ts";
import type { TreeOutcome, TreeReply, TreeRequest } from "../../protocol/folder/tree_messages.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { toHex } from "../../ids.ts";
import type { Disk } from "../files/disk.ts";
import { type StagedFile, StagedFiles } from "../files/staged_files.ts";
import type { WrittenFiles } from "../files/written_files.ts";
import type { Clock } from "../system/clock.ts";
import { STAGED_BYTES_MAX, STAGED_FILES_MAX, TREE_NEWS_FILES_MAX } from "./limits.ts";

type Open = Extract<TreeRequest, { kind: "openTree" }>;

interface TreeWriterOptions {
  readonly clock: Clock;
  readonly disk: Disk;
  readonly rules: FileRules;
  /** What this run has written or found to be right, by whatever way: it is not replaced. */
  readonly written: WrittenFiles;
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
    const { disk, rules, written, post } = this.#options;
    try {
      const staged = StagedFiles.open(disk, outDir, tag, { ...rules, written });
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
  readonly #files: TreeLayout;
  readonly #usual: FolderPaths;
  readonly #news: { written: WrittenFile[]; others: TreeOutcome[] } = { written: [], others: [] };
  /** Written, and not yet on the disk for good, by the numbers of their targets. */
  #group: Map<number, StagedFile> = new Map();
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
    this.#usual = new FolderPaths(request.outDir);
    this.#files = new TreeLayout(request.files);
    this.#staged = staged;
    this.#onEnd = onEnd;
  }

  /** Makes what needs no bytes from anybody. */
  begin(): void {
    const { root, folders } = this.#request;
    if (root !== undefined) this.#staged.makeFolder(root);
    for (const { name } of folders) this.#make(name, () => this.#staged.makeFolder(name));
    for (const { name, target } of this.#request.links) {
      this.#make(name, () => this.#staged.makeLink(name, target));
    }
    this.#staged.leaveFolder();
    const { broughtCount, targetCount } = this.#files;
    this.#stage(new Uint8Array(0), broughtCount, targetCount - broughtCount);
  }

  write(chunk: number, bytes: Uint8Array): void {
    if (chunk >= this.#files.unitCount) return;
    if (this.#ended !== undefined || this.#written.has(chunk)) return;
    this.#written.add(chunk);
    let at = 0;
    for (
      const { sizeBytes, sha256: expected, firstTarget, targets } of this.#files.partsOf(chunk)
    ) {
      const part = bytes.subarray(at, at + sizeBytes);
      at += sizeBytes;
      if (targets === 0) continue;
      const isProved = expected === undefined || toHex(sha256(part)) === expected;
      if (isProved) this.#stage(part, firstTarget, targets);
      else this.#refuse(firstTarget, targets);
    }
    if (this.#groupBytes >= STAGED_BYTES_MAX || this.#group.size >= STAGED_FILES_MAX) {
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

  /** Under so many names, from the first one's number on. */
  #stage(bytes: Uint8Array, first: number, count: number): void {
    for (let number = first; number < first + count; number++) {
      if (this.#error !== undefined) return;
      try {
        this.#group.set(number, this.#staged.write(bytes, this.#files.target(number)));
        this.#groupBytes += bytes.length;
      } catch (thrown) {
        // Where nothing more can be made, the names of the others need its room.
        const [last] = [...this.#group].slice(-1);
        if (last !== undefined) {
          this.#group.delete(last[0]);
          this.#staged.discard(last[1]);
        }
        this.fail(thrown);
      }
    }
  }

  #refuse(first: number, count: number): void {
    const message = "every block was right, and yet the file is not what was offered";
    const error = new ShoalError("unverified", message).toMessage();
    for (let number = first; number < first + count; number++) {
      this.#news.others.push({ number, error });
    }
  }

  #endGroup(): void {
    if (this.#group.size === 0) return;
    const group = this.#group;
    this.#group = new Map();
    this.#groupBytes = 0;
    this.#publishing = this.#publishing.then(() => this.#publish(group));
  }

  async #publish(group: ReadonlyMap<number, StagedFile>): Promise<void> {
    try {
      await this.#staged.sync(group.values());
    } catch (thrown) {
      return this.fail(thrown);
    }
    for (const [number, file] of group) {
      this.#name(number, file);
      this.#tellNews(TREE_NEWS_FILES_MAX);
    }
    this.#staged.leaveFolder();
  }

  #name(number: number, file: StagedFile): void {
    try {
      const { path, signature } = this.#staged.publish(file);
      const isUsual = path === this.#usual.of(file.target.name);
      this.#news.written.push({ number, path: isUsual ? undefined : path, signature });
    } catch (thrown) {
      const error = this.#errorOfOne(thrown);
      if (error !== undefined) this.#news.others.push({ number, error });
    }
  }

  #make(name: SafeFileName, make: () => string): void {
    try {
      this.#news.others.push({ name, path: make() });
    } catch (thrown) {
      const error = this.#errorOfOne(thrown);
      if (error !== undefined) this.#news.others.push({ name, error });
    }
  }

  /** What cannot have its name costs nothing else, unless the disk is full. */
  #errorOfOne(thrown: unknown): ErrorMessage | undefined {
    const error = ShoalError.from(thrown);
    if (error.code !== "disk_full") return error.toMessage();
    this.fail(error);
    return undefined;
  }

  #tellNews(max: number): void {
    const { written, others } = this.#news;
    const count = written.length + others.length;
    if (count === 0 || count < max) return;
    this.#options.post({
      ...{ kind: "treeWritten", transfer: this.#request.transfer },
      ...{ files: writtenColumns(written.splice(0)), others: others.splice(0) },
    });
  }
}
