/** A download of which everything that it wants is taken down. */
import { assertEquals } from "@std/assert";
import type { Content, PeerId } from "../../../lib/ids.ts";
import { hashHex, peerId, type SafeFileName, serverId, transferId } from "../../../lib/ids.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";
import { Download } from "../../../lib/protocol/download/download.ts";
import type {
  DownloadAction,
  DownloadEvent,
  DownloadSettings,
} from "../../../lib/protocol/download/download_messages.ts";
import type { LayerNews } from "../../../lib/protocol/download/layer_fetch.ts";
import { CHUNK_BYTES_MIN } from "../../../lib/protocol/merkle/limits.ts";
import { GATHER_MS } from "../../../lib/protocol/download/limits.ts";
import type { TargetReply } from "../../../lib/protocol/download/target_messages.ts";

export const NAME = "film.bin" as SafeFileName;
export const NOTHING = new Uint8Array(0);
export const LAYER = new Uint8Array(32);
export const CHUNK_BYTES = CHUNK_BYTES_MIN;

export const idOf = (server: number): PeerId =>
  peerId(serverId(server.toString(16).padStart(32, "0")), `10.0.0.${server}:10530`);

/** Contents that differ in everything but their size: one chunk. */
export function content(mark: number): Content {
  const hash = hashHex(mark.toString(16).padStart(2, "0").repeat(32));
  return { sizeBytes: CHUNK_BYTES, sha256: hash, root: hash };
}

export function offerOf(server: number, of: Content, isProved = true): Offer {
  return {
    server: idOf(server),
    party: `10.0.0.${server}`,
    isProved,
    name: NAME,
    content: of,
    mtimeMs: 7,
    tcpPort: 0,
    path: {
      endpoint: { address: `10.0.0.${server}`, port: 10530 },
      token: new Uint8Array(16),
    },
  };
}

/** A download, and everything that it has wanted. Jobs are free, and numbered, unless said otherwise. */
export class Run {
  readonly actions: DownloadAction[] = [];
  readonly download: Download;
  nowMs = 0;
  transfers = 0;
  isBusy = false;

  constructor(settings: Partial<DownloadSettings> = {}) {
    this.download = new Download({
      ...{ name: NAME, query: { by: "name", name: NAME }, outDir: "out", onTaken: "number" },
      ...{ retries: 2, looksAhead: true, asksAnybody: false, seed: 1 },
      ...settings,
    });
  }

  /** @returns what it wanted because of this event */
  on(event: DownloadEvent): readonly DownloadAction[] {
    const actions = [...this.download.handle(this.nowMs, event)];
    this.actions.push(...actions);
    const wantsJob = actions.some(({ kind }) => kind === "acquire");
    return wantsJob && !this.isBusy ? [...actions, ...this.admit()] : actions;
  }

  admit(): readonly DownloadAction[] {
    return this.on({ kind: "admitted", transfer: transferId(++this.transfers) });
  }

  offer(server: number, of: Content): readonly DownloadAction[] {
    const offer = offerOf(server, of);
    return this.on({ kind: "find", news: { kind: "offer", queryIndex: 0, offer } });
  }

  /** Somebody says so in the server's name. */
  claim(server: number, of: Content): readonly DownloadAction[] {
    const offer = offerOf(server, of, false);
    return this.on({ kind: "find", news: { kind: "offer", queryIndex: 0, offer } });
  }

  /** The server has the name, and is not done with hashing what it has. */
  hashing(server: number, sizeBytes: number, earnedMs = 0): readonly DownloadAction[] {
    const { server: id, party, path: { endpoint } } = offerOf(server, content(server));
    const counts = { sizeBytes, hashedBytes: 1, rateBytesPerS: 1, earnedMs };
    const pending = { server: id, party, endpoint, ...counts };
    return this.on({ kind: "find", news: { kind: "pending", queryIndex: 0, pending } });
  }

  layer(news: LayerNews, fetch = this.fetches): readonly DownloadAction[] {
    return this.on({ kind: "layerFetch", fetch, news });
  }

  target(reply: TargetReply): readonly DownloadAction[] {
    return this.on({ kind: "target", reply });
  }

  opened(more: Partial<Extract<TargetReply, { kind: "opened" }>> = {}) {
    const transfer = transferId(this.transfers);
    const empty = { have: NOTHING, haveBytes: 0, partPath: "part" };
    return this.target({ kind: "opened", transfer, ...empty, ...more });
  }

  /** The time for offers passes. */
  gather(): readonly DownloadAction[] {
    this.nowMs += GATHER_MS;
    assertEquals(this.download.nextWakeupMs() <= this.nowMs, true, "nothing is gathered");
    return this.on({ kind: "wakeup" });
  }

  /** One offer, chosen, opened, confirmed, and its layer there. */
  fetch(): void {
    this.offer(1, content(1));
    this.gather();
    this.opened();
    this.layer(confirmed(1));
    this.layer({ kind: "layer", layer: LAYER });
  }

  get fetches(): number {
    return this.of("fetchLayer").length;
  }

  of<Kind extends DownloadAction["kind"]>(kind: Kind): Extract<DownloadAction, { kind: Kind }>[] {
    return this.actions.filter((each): each is Extract<DownloadAction, { kind: Kind }> =>
      each.kind === kind
    );
  }

  get requests(): readonly string[] {
    return this.of("target").map(({ request }) => request.kind);
  }

  get notices(): readonly string[] {
    return this.of("notice").map(({ message }) => message);
  }

  get failure(): string | undefined {
    return this.of("failed")[0]?.error.code;
  }
}

export function confirmed(server: number): LayerNews {
  const { path, party } = offerOf(server, content(1));
  const routes = [{ kind: "datagrams", ...path, rttMs: 1 } as const];
  return { kind: "confirmed", server: idOf(server), party, routes };
}

export const kinds = (actions: readonly DownloadAction[]) => actions.map(({ kind }) => kind);
export const finished = {
  kind: "finished",
  transfer: transferId(1),
  path: "out/film.bin",
} as const;
export const complete: DownloadEvent = {
  kind: "transfer",
  news: { kind: "complete", transfer: transferId(1) },
};
