/** What the downloads of a run share, and what they need of it. */
import type { ServerId, TransferId } from "../../ids.ts";
import type { Clock } from "../../io/system/clock.ts";
import type { DownloadDriver } from "./download_driver.ts";
import type { GetExtension } from "./get_extension.ts";
import type { RouteDriver } from "./route_driver.ts";
import type { StreamProviders } from "./stream_providers.ts";
import type { Swarm } from "./swarm.ts";
import type { WorkerPool } from "./worker_pool.ts";
import type { GetEvent } from "../events.ts";
import type { NameSearch } from "../discovery/search.ts";

/** What a download asks of the worker pool. */
interface DownloadPool extends Pick<WorkerPool, "step" | "askAssembler" | "warmUp"> {
  readonly coordinator: Pick<WorkerPool["coordinator"], "tallies" | "leasesOf" | "isTaker">;
}

export interface DownloadContext {
  readonly clock: Clock;
  readonly search: Pick<NameSearch, "fetchLayer">;
  /** The same over TCP, for servers whose datagrams do not arrive. */
  readonly streams: Pick<StreamProviders, "fetchLayer">;
  readonly extension: GetExtension;
  /** Who else fetches the same; nobody where everything comes over TCP. */
  readonly swarm?: Pick<Swarm, "begin">;
  /** Who is asked over TCP. */
  readonly routes: Pick<RouteDriver, "handle" | "onReached">;
  /** Nothing has come of these for all of its patience; answered by `onGivenUp`. */
  readonly onWaited: (download: DownloadDriver, servers: readonly ServerId[]) => void;
  /** This server is there. */
  readonly onHeard: (server: ServerId) => void;
  readonly pool: DownloadPool;
  readonly emit: (event: GetEvent) => void;
  /** Hands out a fresh id when one of the `--jobs` is free; its news come to this download from then on. */
  readonly acquire: (download: DownloadDriver, admit: (transfer: TransferId) => void) => void;
  readonly release: (transfer: TransferId) => void;
  /** Searches this name once more, from the beginning. */
  readonly searchAgain: (download: DownloadDriver) => void;
  /** Where a server's bytes come from, for people. */
  readonly addresses: Map<ServerId, string>;
}
