/**
 * Main thread of a server ⇄ sender worker, which owns the data socket. The worker answers WANTs by
 * itself; every other well-formed frame goes to the main thread, which answers through `send`.
 *
 * Lifetime: `init → ready → work → stop → stopped`.
 */
import type { Bytes, Endpoint, HashHex } from "../ids.ts";
import type { ErrorMessage } from "../errors.ts";
import type { StageTimes } from "./chunk_source.ts";
import type { TransportConfig } from "./transport_config.ts";

export type SenderRequest =
  | {
    readonly kind: "init";
    readonly transport: TransportConfig;
    /** Cap from `--rate`; 0 for none. */
    readonly rateBytesPerS: number;
    /** Key of the tokens (docs/PROTOCOL.md, "Tokens"); the main thread makes them with the same. */
    readonly tokenSecret: Bytes;
    readonly serverId: string;
    /** The process's clock origin, so that both threads are in the same token epoch. */
    readonly clockOriginMs: number;
  }
  /** Datagrams to send from the data socket, in order. */
  | { readonly kind: "send"; readonly to: Endpoint; readonly datagrams: readonly Bytes[] }
  /** A `frame` has been dealt with: there is room for another. */
  | { readonly kind: "handled" }
  /** Answer to `locate`. */
  | {
    readonly kind: "located";
    readonly root: HashHex;
    readonly sizeBytes: number;
    readonly file?: LocatedFile;
  }
  /** Close what is open of this content and forget it. */
  | { readonly kind: "forget"; readonly root: HashHex; readonly sizeBytes: number }
  | { readonly kind: "stop" };

/** A file as it was indexed: reading anything else under its name is a change. */
export interface LocatedFile {
  /** Absolute path of the served folder, and the name below it. */
  readonly dir: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly mtimeMs: number;
  readonly inode: number;
}

export type SenderReply =
  | { readonly kind: "ready"; readonly port: number; readonly isTuned: boolean }
  /** A control frame for the main thread, to be followed by `handled`. `bytes` is a copy. */
  | { readonly kind: "frame"; readonly from: Endpoint; readonly bytes: Bytes }
  /** Which file has this content? */
  | { readonly kind: "locate"; readonly root: HashHex; readonly sizeBytes: number }
  /** The file of this content is not what was indexed any more. */
  | { readonly kind: "changed"; readonly root: HashHex; readonly sizeBytes: number }
  /** A client begins to be sent this content. */
  | {
    readonly kind: "flow";
    readonly to: Endpoint;
    readonly root: HashHex;
    readonly sizeBytes: number;
  }
  /** Counts since the last time; at most one a second. */
  | {
    readonly kind: "served";
    readonly sentBytes: number;
    readonly flows: number;
    readonly malformed: number;
    readonly dropped: number;
    /** Sends that were too long for the network interface. */
    readonly tooLong: number;
  }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };
