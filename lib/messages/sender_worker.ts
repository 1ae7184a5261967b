/**
 * Main thread of a server ⇄ sender worker, which owns the data socket. The worker answers requests for
 * ranges by itself; questions go to the main thread, decoded, which answers through `send`.
 *
 * Lifetime: `init → ready → work → stop → stopped`.
 */
import type { Endpoint } from "../address.ts";
import type { Bytes } from "../ids.ts";
import type { ErrorMessage } from "../errors.ts";
import type { LocatedContent } from "../protocol/base/served_file.ts";
import type { SendRefusal } from "../protocol/base/send_refusals.ts";
import type { RangeServerAction, RangeServerEvent } from "../protocol/serve/range_server.ts";
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
  /** Where these lie: nobody has asked for them yet. */
  | { readonly kind: "foreseen"; readonly contents: readonly LocatedContent[] }
  | Extract<RangeServerEvent, { kind: "handled" | "located" | "forget" | "leave" | "stop" }>;

export type SenderReply =
  | { readonly kind: "ready"; readonly port: number; readonly isTuned: boolean }
  | Extract<
    RangeServerAction,
    { kind: "question" | "locate" | "changed" | "struck" | "flow" | "sent" | "left" | "counts" }
  >
  /** The system refuses to send this. */
  | { readonly kind: "refused"; readonly refusal: SendRefusal; readonly to: Endpoint }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped"; readonly times: StageTimes };
