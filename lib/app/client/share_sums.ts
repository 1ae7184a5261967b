/** What each server has delivered of something that came in several transfers. */
import { claimedIdOf, type ServerId } from "../../ids.ts";
import type { ServerShare } from "../events.ts";

/** What packing has saved, of all that came. */
export function savedBytesOf(shares: readonly ServerShare[]): number {
  return shares.reduce((sum, { savedBytes }) => sum + savedBytes, 0);
}

export class ShareSums {
  readonly #addresses: ReadonlyMap<ServerId, string>;
  readonly #sums = new Map<ServerId, ServerShare>();

  /** @param addresses where a server's bytes come from, for people */
  constructor(addresses: ReadonlyMap<ServerId, string>) {
    this.#addresses = addresses;
  }

  /** As events tell of them. */
  get sums(): { readonly servers: readonly ServerShare[]; readonly savedBytes: number } {
    const servers = [...this.#sums.values()];
    return { servers, savedBytes: savedBytesOf(servers) };
  }

  add(id: ServerId, share: ServerShare): void {
    const claimed = claimedIdOf(id);
    const before = this.#sums.get(claimed);
    this.#sums.set(claimed, {
      server: before?.server || this.#addresses.get(id) || share.server,
      id: claimed,
      bytes: share.bytes + (before?.bytes ?? 0),
      chunks: share.chunks + (before?.chunks ?? 0),
      badChunks: share.badChunks + (before?.badChunks ?? 0),
      retransmits: share.retransmits + (before?.retransmits ?? 0),
      savedBytes: share.savedBytes + (before?.savedBytes ?? 0),
      ...(share.taker && { taker: true }),
    });
  }
}
