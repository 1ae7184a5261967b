/** The kinds of chunk sources: the worker of each, and what it is told to begin with. */
import type { DatagramsConfig, StreamConfig } from "../../messages/chunk_source.ts";
import type { Route } from "../../protocol/download/source_route.ts";

export interface SourceKind {
  /** Its file in `workers/`. */
  readonly worker: string;
  /** Plain data, for its `init`. */
  readonly config: unknown;
}

/** By the kind of the routes that they serve. */
export type SourceKinds = Readonly<Record<string, SourceKind>>;

/** The kinds that ship. */
export function sourceKinds(config: DatagramsConfig & StreamConfig): SourceKinds {
  const { transport, layers, timeoutMs } = config;
  return {
    datagrams: { worker: "receiver.ts", config: { transport } satisfies DatagramsConfig },
    stream: { worker: "stream_receiver.ts", config: { layers, timeoutMs } satisfies StreamConfig },
  } satisfies Record<Route["kind"], SourceKind>;
}
