/**
 * What drivers and use cases need of the platform, as one injected value. `denoRuntime` is the
 * real one; tests and the simulation have their own.
 */
import { denoDisk } from "./files/deno_disk.ts";
import type { Disk } from "./files/disk.ts";
import { denoNet, type Net } from "./net/net.ts";
import type { ChannelEnd } from "../messages/channel_end.ts";
import type { Clock } from "./system/clock.ts";
import { denoClock } from "./system/deno_clock.ts";
import { denoRandom } from "./system/deno_random.ts";
import { coreCount, openChannel, startWorker } from "./system/deno_workers.ts";
import { denoHashFiles } from "./store/deno_hash_files.ts";
import type { HashFiles } from "./store/hash_files.ts";
import { openTreeRecords } from "./store/deno_tree_records.ts";
import type { TreeRecords } from "./store/tree_records.ts";
import type { RandomSource } from "./system/random_source.ts";
import type { WorkerPort } from "./system/worker_port.ts";

interface Workers {
  /** Starts the worker of that name in `workers/`. */
  start<In, Out>(file: string): WorkerPort<In, Out>;
  /** The two ends of a new channel; each is transferred to the thread that uses it, if that is not this one. */
  channel(): readonly [ChannelEnd, ChannelEnd];
  /** How many threads can run at once. */
  coreCount(): number;
}

export interface Runtime {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly net: Net;
  readonly workers: Workers;
  readonly disk: Disk;
  /** What is remembered of files from one run to the next. */
  readonly hashFiles: HashFiles;
  /**
   * What is remembered of folders from one run to the next.
   *
   * @param cacheDir the user's cache folder by default
   */
  treeRecords(cacheDir?: string): TreeRecords;
}

export function denoRuntime(): Runtime {
  return {
    clock: denoClock,
    random: denoRandom,
    net: denoNet(),
    workers: { start: startWorker, channel: openChannel, coreCount },
    disk: denoDisk,
    hashFiles: denoHashFiles,
    treeRecords: openTreeRecords,
  };
}
