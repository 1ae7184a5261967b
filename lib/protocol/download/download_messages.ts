/** Events and actions of a {@linkcode Download}: everything that crosses its boundary. */
import type { ShoalError } from "../../errors.ts";
import type {
  Bytes,
  Content,
  HashHex,
  PeerId,
  SafeFileName,
  ServerId,
  TransferId,
} from "../../ids.ts";
import type { Query } from "../../wire/frames.ts";
import type { FindNews, Offer } from "../discovery/finder.ts";
import type { SearchAdvice } from "./download_texts.ts";
import type { CoordinatorAction, CoordinatorEvent } from "./coordinator_messages.ts";
import type { LayerNews } from "./layer_fetch.ts";
import type { SourceRoute } from "./source_route.ts";
import type { OnTaken, TargetReply, TargetRequest } from "./target_messages.ts";

export interface DownloadSettings {
  /** As the user wrote it. */
  readonly name: string;
  readonly query: Query;
  readonly outDir: string;
  /** What the file is called here, if that is not for its name to say. */
  readonly savedAs?: SafeFileName;
  readonly onTaken: OnTaken;
  /** How many searches, and how many stalls, it takes until it fails. */
  readonly retries: number;
  /** The only SHA-256 that may be chosen, if the user named one. */
  readonly pinned?: HashHex;
  /** Whether it may begin its transfer while offers are gathered. */
  readonly looksAhead: boolean;
  /** Whether others than those whom the user named may answer. */
  readonly asksAnybody: boolean;
  /** Of chances that decide which claims are forgotten. */
  readonly seed: number;
}

/** What the coordinator has to say about one transfer. */
export type TransferNews = Extract<CoordinatorAction, { transfer: TransferId; kind: TransferKind }>;
type TransferKind = "complete" | "stalled" | "orphaned";

export type DownloadEvent =
  /** What the search for this name has found. */
  | {
    readonly kind: "find";
    readonly news: FindNews;
    /** What is known where it has found nothing. */
    readonly advice?: SearchAdvice;
  }
  /** What came of the `fetchLayer` of this number. */
  | { readonly kind: "layerFetch"; readonly fetch: number; readonly news: LayerNews }
  /** One of the `--jobs` is ours, as long as this transfer is. */
  | { readonly kind: "admitted"; readonly transfer: TransferId }
  | { readonly kind: "target"; readonly reply: TargetReply }
  | { readonly kind: "transfer"; readonly news: TransferNews }
  /** A server was caught lying, here or elsewhere. */
  | { readonly kind: "dropped"; readonly server: ServerId }
  /**
   * These servers are waited for no longer, until they are heard again; it may be none. The answer to `waited`,
   * and told to every other download as well.
   */
  | { readonly kind: "givenUp"; readonly servers: readonly ServerId[]; readonly waitedMs: number }
  /** A classic server answered first. It is left to it if nobody has offered anything so far. */
  | { readonly kind: "classicAnswered" }
  /** … and has brought the file, or has failed to. */
  | { readonly kind: "classicEnded" }
  /** Nothing can come of it any more: interrupted, or a worker broke. */
  | { readonly kind: "fail"; readonly error: ShoalError }
  /** `bytes`: of what is being fetched, as far as it is proved. */
  | { readonly kind: "wakeup"; readonly bytes?: number };

export type DownloadAction =
  | SearchAction
  | LayerAction
  | JobAction
  | TransferAction
  | TellingAction;

/** What concerns the search for this name. */
type SearchAction =
  /** Its content is chosen: only late servers are still of interest. */
  | { readonly kind: "settle" }
  | { readonly kind: "finish" }
  /** What this server offers counts as if it lacked the name. */
  | { readonly kind: "disbelieve"; readonly server: PeerId }
  /** Search once more, from the beginning. */
  | { readonly kind: "searchAgain" };

/** What concerns the piece layer of the content, and which servers really hold it. */
type LayerAction =
  | {
    readonly kind: "fetchLayer";
    readonly fetch: number;
    readonly content: Content;
    /** Proved by an earlier run: servers are only probed then. */
    readonly knownLayer?: Bytes;
  }
  /** This server says that it holds the content of the current `fetchLayer`. */
  | { readonly kind: "probe"; readonly offer: Offer }
  | { readonly kind: "closeLayerFetch" };

/** What concerns the `--jobs`. */
type JobAction =
  /** Answered by `admitted`, now or later. */
  | { readonly kind: "acquire" }
  | { readonly kind: "release"; readonly transfer: TransferId };

type TransferAction =
  | { readonly kind: "target"; readonly request: TargetRequest }
  | { readonly kind: "coordinate"; readonly event: CoordinatorEvent }
  /**
   * Chunks come from now on: whoever else fetches this content may be asked for what he has, and given what is
   * here. Over with `closeLayerFetch`.
   */
  | {
    readonly kind: "begun";
    readonly transfer: TransferId;
    readonly content: Content;
    readonly layer: Bytes;
    readonly partPath: string;
  }
  /** Nothing has come of these for all of its patience; answered by `givenUp`. */
  | { readonly kind: "waited"; readonly servers: readonly ServerId[] }
  /** So many servers will bring chunks soon: what receives them can be started. */
  | { readonly kind: "warmUp"; readonly flowCount: number };

/** What people should know. */
type TellingAction =
  /** This server has not offered this content before. */
  | { readonly kind: "offered"; readonly offer: Offer }
  /** Where the bytes of this server will come from. */
  | { readonly kind: "reached"; readonly server: ServerId; readonly route: SourceRoute }
  | { readonly kind: "waiting"; readonly attempt: number; readonly message: string }
  | { readonly kind: "notice"; readonly level: "info" | "warning"; readonly message: string }
  /** The file is whole and has its name. The coordinator still knows who gave what. It may not be the last action. */
  | {
    readonly kind: "done";
    readonly transfer: TransferId;
    readonly content: Content;
    /** What it was to be called. */
    readonly name: SafeFileName;
    readonly path: string;
    readonly resumedBytes: number;
    /** Whether it was there already. */
    readonly isPresent: boolean;
    /** Whether somebody who offers it says that the file has been growing. */
    readonly isGrowing?: true;
  }
  | { readonly kind: "failed"; readonly error: ShoalError };
