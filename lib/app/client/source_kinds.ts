/** The kinds of chunk sources: the worker of each, and what it is told to begin with. */
import type { DatagramsConfig, StreamConfig } from "../../messages/chunk_source.ts";
import type { Route } from "../../protocol/download/source_route.ts";

interface SourceKind {
  /** Its file in `workers/`. */
  readonly worker: string;
  /** Plain data, for its `init`. */
  readonly config: unknown;
}

/** By the kind of the routes that they serve. */
export type SourceKinds = Readonly<Record<string, SourceKind>>;

/** The kinds that ship; none of datagrams where those are not used. */
export function sourceKinds(
  stream: StreamConfig,
  datagrams: DatagramsConfig | undefined,
): SourceKinds {
  return {
    stream: { worker: "stream_receiver.ts", config: stream },
    ...(datagrams !== undefined && { datagrams: { worker: "receiver.ts", config: datagrams } }),
  } satisfies Partial<Record<Route["kind"], SourceKind>>;
}
