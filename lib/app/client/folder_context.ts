/** What the folders of a run need of it, beside what every download does. */
import type { Content, SafeFileName, TransferId } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import type { ErrorMessage } from "../../errors.ts";
import type { TreeRecords } from "../../io/store/tree_records.ts";
import type { Offer } from "../../protocol/discovery/finder.ts";
import type { DownloadSettings } from "../../protocol/download/download_messages.ts";
import type { OnTaken } from "../../protocol/download/target_messages.ts";
import type { TreeReply } from "../../protocol/folder/tree_messages.ts";
import type { GetEvent } from "../events.ts";
import type { DownloadContext } from "./download_context.ts";
import type { DownloadDriver } from "./download_driver.ts";
import type { PoolNews } from "./worker_pool.ts";

/** To whom the news of a folder's transfer go. */
export interface TreeSink {
  onTree(reply: TreeReply): void;
  onTransfer(news: Exclude<PoolNews, { kind: "server" }>): void;
}

export interface FolderContext extends DownloadContext {
  readonly disk: Disk;
  readonly records: TreeRecords;
  /** A download that is a part of this one: it is told what it is, and by whom it is offered. */
  readonly addPart: (
    settings: PartSettings,
    offers: readonly Offer[],
    onEvent: (event: GetEvent) => void,
  ) => DownloadDriver;
  /** A number for a transfer whose news come to this folder. */
  readonly openTransfer: (sink: TreeSink) => TransferId;
  readonly closeTransfer: (transfer: TransferId) => void;
  /** Searches for the folder once more. */
  readonly searchFolderAgain: () => void;
}

type PartSettings = Pick<DownloadSettings, "name" | "outDir"> & {
  readonly content: Content;
  readonly savedAs: SafeFileName;
};

/** What the user has said of a folder. */
export interface FolderSettings {
  /** As the user wrote it. */
  readonly name: string;
  /** The folder at its servers; `undefined` for all that they offer. */
  readonly folder: SafeFileName | undefined;
  readonly outDir: string;
  readonly onTaken: OnTaken;
  /** Whether names are written so that every file system takes them. */
  readonly portableNames: boolean;
  /** Whether links are kept as links. */
  readonly links: boolean;
  /** Whether what an earlier run has proved is read again. */
  readonly checks: boolean;
  /** Whether what no server has is removed afterwards. */
  readonly mirror: boolean;
  /** Whether nothing is done, and what would be is told. */
  readonly dryRun: boolean;
  readonly retries: number;
}

/** How one pass over the folder ended. */
export interface FolderPass {
  readonly failures: ReadonlyMap<string, ErrorMessage>;
  /** Whether asking again may bring what failed. */
  readonly isStale: boolean;
}
