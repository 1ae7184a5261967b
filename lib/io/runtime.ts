/**
 * What drivers and use cases need of the platform, as one value that they are handed. `denoRuntime` is the
 * real one; a test or a simulation brings another.
 */
import { denoDisk } from "./files/deno_disk.ts";
import type { Disk } from "./files/disk.ts";
import { denoNet, type Net } from "./net/net.ts";
import { type Clock, denoClock } from "./system/clock.ts";
import { startWorker, type WorkerPort } from "./system/worker_port.ts";

export interface Workers {
  /** Starts the worker of that name in `workers/`. */
  start<In, Out>(file: string): WorkerPort<In, Out>;
}

export interface Runtime {
  readonly clock: Clock;
  readonly net: Net;
  readonly workers: Workers;
  readonly disk: Disk;
}

export function denoRuntime(): Runtime {
  return {
    clock: denoClock,
    net: denoNet(),
    workers: { start: startWorker },
    disk: denoDisk,
  };
}
