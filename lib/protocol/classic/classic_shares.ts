/** The classic servers of a transfer, and the share of each. */
import { type Endpoint, endpointKey } from "../../address.ts";
import { OFFERS_PER_NAME_MAX } from "../base/limits.ts";
import type { ChunkVerdict } from "./classic_assembly.ts";

/** One server's part, good and bad. */
export interface ClassicShare {
  readonly server: Endpoint;
  /** New verified bytes and chunks. */
  readonly bytes: number;
  readonly chunks: number;
  readonly badChunks: number;
  readonly duplicates: number;
  /** How often it was asked again. */
  readonly askedAgain: number;
}

type Counts = { -readonly [Name in keyof ClassicShare]: ClassicShare[Name] };

export class ClassicShares {
  readonly #byServer = new Map<string, Counts>();
  #turn = 0;

  get all(): readonly ClassicShare[] {
    return [...this.#byServer.values()];
  }

  has(server: Endpoint): boolean {
    return this.#byServer.has(endpointKey(server));
  }

  /** Whether `server` is the only one. */
  isOnly(server: Endpoint): boolean {
    return this.#byServer.size === 1 && this.has(server);
  }

  /** `false` when it is there already, or one too many. */
  add(server: Endpoint): boolean {
    if (this.has(server) || this.#byServer.size >= OFFERS_PER_NAME_MAX) return false;
    const none = { bytes: 0, chunks: 0, badChunks: 0, duplicates: 0, askedAgain: 0 };
    this.#byServer.set(endpointKey(server), { server, ...none });
    return true;
  }

  remove(server: Endpoint): void {
    this.#byServer.delete(endpointKey(server));
  }

  count(server: Endpoint, verdict: ChunkVerdict, bytes: number): void {
    const share = this.#byServer.get(endpointKey(server));
    if (share === undefined) return;
    if (verdict === "duplicate") share.duplicates += 1;
    if (verdict === "bad") share.badChunks += 1;
    if (verdict !== "new") return;
    share.chunks += 1;
    share.bytes += bytes;
  }

  /** The one whose turn it is to be asked again. */
  nextToAsk(): Endpoint | undefined {
    const shares = [...this.#byServer.values()];
    const share = shares[this.#turn++ % shares.length];
    if (share !== undefined) share.askedAgain += 1;
    return share?.server;
  }
}
