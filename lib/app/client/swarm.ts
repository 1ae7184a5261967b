/**
 * The takers of what a run fetches, itself among them: finds out what others have of a content, passes that on as it passes on
 * which servers have it, and gives others what is here once there are any.
 */
import { isLoopback } from "../../address.ts";
import type { Bytes, Content, TransferId } from "../../ids.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { Coordinator } from "../../protocol/download/coordinator.ts";
import type { LayerNews } from "../../protocol/download/layer_fetch.ts";
import type { Provider } from "../../protocol/download/provider.ts";
import type { DatagramRoute } from "../../protocol/download/source_route.ts";
import { chunkCountFor } from "../../protocol/merkle/merkle.ts";
import type { NameSearch, TakerHandle, TakerNews } from "../discovery/search.ts";
import { TAKEN_CHUNKS_MIN } from "./limits.ts";
import { partPlaceOf, type SharedContent, type Sharing } from "./sharing.ts";
import type { WorkerPool } from "./worker_pool.ts";

interface SwarmOptions {
  readonly runtime: Runtime;
  readonly search: Pick<NameSearch, "findTakers" | "peerIds">;
  readonly pool: Pick<WorkerPool, "step" | "askAssembler"> & {
    readonly coordinator: Pick<Coordinator, "leasesOf">;
  };
  /** `undefined` where nothing is given. */
  readonly sharing: Sharing | undefined;
}

/** A transfer of which chunks come from now on. */
interface BegunTransfer {
  readonly transfer: TransferId;
  readonly content: Content;
  readonly layer: Bytes;
  readonly partPath: string;
}

export class Swarm {
  readonly #options: SwarmOptions;

  constructor(options: SwarmOptions) {
    this.#options = options;
  }

  /** @param tell is told of takers as of servers; `undefined` where it is not worth it, or nobody can be asked */
  begin(begun: BegunTransfer, tell: (news: LayerNews) => void): SwarmMember | undefined {
    const { content, transfer } = begun;
    const leases = this.#options.pool.coordinator.leasesOf(transfer);
    const chunkCount = chunkCountFor(content.sizeBytes);
    let missing = 0;
    for (let chunk = 0; chunk < chunkCount && missing < TAKEN_CHUNKS_MIN; chunk++) {
      if (leases?.isVerified(chunk) === false) missing += 1;
    }
    if (missing < TAKEN_CHUNKS_MIN || this.#options.search.findTakers === undefined) {
      return undefined;
    }
    return new SwarmMember(this.#options, begun, tell);
  }
}

export class SwarmMember {
  readonly #options: SwarmOptions;
  readonly #begun: BegunTransfer;
  readonly #chunkCount: number;
  readonly #takers: TakerHandle;
  #firstMissing = 0;
  #shared: SharedContent | undefined;
  #isClosed = false;

  constructor(options: SwarmOptions, begun: BegunTransfer, tell: (news: LayerNews) => void) {
    this.#options = options;
    this.#begun = begun;
    this.#chunkCount = chunkCountFor(begun.content.sizeBytes);
    this.#takers = options.search.findTakers!(
      begun.content,
      {
        firstMissing: () => this.#missing(),
        isMissing: (chunk) =>
          options.pool.coordinator.leasesOf(begun.transfer)?.isVerified(chunk) === false,
      },
      (news) => this.#onNews(news, tell),
    );
  }

  /** A server has proved to have all of it. */
  onServer({ routes, isTaker, holds }: Provider): void {
    if (isTaker || holds !== undefined) return;
    for (const route of routes) {
      // What comes from this machine comes faster than from any other.
      if (route.kind !== "datagrams" || this.#isHere(route.endpoint.address)) continue;
      return this.#takers.addServer(route as DatagramRoute);
    }
  }

  /** Nothing more is fetched: what is here is given until the run ends. */
  close(): void {
    this.#isClosed = true;
    this.#takers.close();
  }

  /** Nothing of it is here any more. */
  withdraw(): void {
    if (this.#shared !== undefined) this.#options.sharing?.remove(this.#shared);
  }

  #isHere(address: string): boolean {
    return isLoopback(address) || isLoopback(this.#options.search.peerIds.partyAt(address));
  }

  /** Nothing is told twice, and a chunk that is missing again is one of few. */
  #missing(): number {
    const leases = this.#options.pool.coordinator.leasesOf(this.#begun.transfer);
    const last = this.#chunkCount - 1;
    while (this.#firstMissing < last && leases?.isVerified(this.#firstMissing) === true) {
      this.#firstMissing += 1;
    }
    return this.#firstMissing;
  }

  #onNews(news: TakerNews, tell: (news: LayerNews) => void): void {
    if (this.#isClosed) return;
    if (news.kind === "confirmed") return tell(news);
    const { transfer } = this.#begun;
    this.#options.pool.step({ ...news, transfer });
    if (news.takerCount > 1) void this.#give();
  }

  /** Somebody else is there. */
  async #give(): Promise<void> {
    const { sharing, runtime, pool } = this.#options;
    if (sharing === undefined || this.#shared !== undefined) return;
    const { transfer, content, layer, partPath } = this.#begun;
    const place = partPlaceOf(runtime, partPath, this.#chunkCount);
    if (place === undefined) return;
    this.#shared = { content, layer, place };
    pool.askAssembler({ kind: "share", transfer, held: place.held });
    sharing.add(this.#shared);
    const opened = await sharing.open();
    if (opened !== undefined && !this.#isClosed) this.#takers.gives(opened.port, opened.id);
  }
}
