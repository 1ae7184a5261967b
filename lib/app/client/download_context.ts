/** What the downloads of a run share, and what they need of it. */
import type { HashHex, ServerId, TransferId } from "../../ids.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { Download } from "./download.ts";
import type { GetEvent } from "../events.ts";
import type { Search } from "../discovery/search.ts";

/** What a download asks of the worker pool. */
export interface DownloadCrew extends Pick<WorkerPool, "step" | "askAssembler" | "warmUp"> {
  readonly coordinator: Pick<WorkerPool["coordinator"], "tallies" | "isComplete">;
}

export interface DownloadContext {
  readonly search: Pick<Search, "fetchLayer">;
  readonly crew: DownloadCrew;
  readonly outDir: string;
  readonly force: boolean;
  readonly retries: number;
  readonly pinned: HashHex | undefined;
  /** Whether every name of the run may begin its transfer while its offers are gathered. */
  readonly looksAhead: boolean;
  readonly emit: (event: GetEvent) => void;
  /** A fresh id; its news come to this download from now on. */
  readonly adopt: (download: Download) => TransferId;
  /** Runs `start` when one of the `--jobs` is free. */
  readonly acquire: (start: () => void) => void;
  readonly release: () => void;
  /** Searches this name once more, from the beginning. */
  readonly searchAgain: (download: Download) => void;
  /** Where a server's bytes come from, for people. */
  readonly addresses: Map<ServerId, string>;
}
