/**
 * Downloads under events in any order, also such as no surroundings would bring about: jobs are taken and
 * given back in pairs, one layer fetch is open at a time, a target is asked in the order that it allows,
 * and an end is told once and is the end.
 */
import { assert, assertEquals } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import type { Content, PeerId, TransferId } from "../../../lib/ids.ts";
import { hashHex, peerId, type SafeFileName, serverId, transferId } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import type { FindNews, Offer } from "../../../lib/protocol/discovery/finder.ts";
import { Download } from "../../../lib/protocol/download/download.ts";
import type {
  DownloadAction,
  DownloadEvent,
  TransferNews,
} from "../../../lib/protocol/download/download_messages.ts";
import type { LayerNews } from "../../../lib/protocol/download/layer_fetch.ts";
import type { TargetReply } from "../../../lib/protocol/download/target_messages.ts";
import { CHUNK_BYTES_MIN } from "../../../lib/protocol/merkle/limits.ts";

const NAME = "film.bin" as SafeFileName;
const RUNS = 3_000;
const EVENTS_PER_RUN = 60;

function contentOf(mark: number): Content {
  const hash = hashHex(mark.toString(16).padStart(2, "0").repeat(32));
  return { sizeBytes: mark === 3 ? 0 : 2 * CHUNK_BYTES_MIN, sha256: hash, root: hash };
}

/** What the surroundings of a download would have to keep in mind; throws when it is led astray. */
class Surroundings {
  jobsAwaited = 0;
  held: TransferId | undefined;
  openFetch: Content | undefined;
  readonly asked = new Map<TransferId, string[]>();
  readonly coordinated = new Set<TransferId>();
  readonly ends: string[] = [];
  /** FINDs for the name: one search, until it is finished. */
  isSearching = true;
  searches = 1;

  perform(action: DownloadAction): void {
    switch (action.kind) {
      case "acquire":
        assertEquals([this.jobsAwaited, this.held], [0, undefined], "one job is enough");
        this.jobsAwaited += 1;
        return;
      case "release":
        assertEquals(action.transfer, this.held, "what is given back is ours");
        this.held = undefined;
        return;
      case "fetchLayer":
        assertEquals(this.openFetch, undefined, "two layer fetches");
        this.openFetch = action.content;
        return;
      case "probe":
        assertEquals(action.offer.content, this.openFetch, "an offer of another content is probed");
        return;
      case "closeLayerFetch":
        assert(this.openFetch !== undefined, "nothing to close");
        this.openFetch = undefined;
        return;
      case "target": {
        const { transfer, kind } = action.request;
        const before = this.asked.get(transfer) ?? [];
        assertEquals(transfer, this.held, `${kind} without a job`);
        assertEquals(kind === "open", before.length === 0, `${kind} after ${before}`);
        assert(!before.includes(kind) && !before.includes("abort"), `${kind} after ${before}`);
        this.asked.set(transfer, [...before, kind]);
        return;
      }
      case "coordinate":
        return this.#coordinate(action.event);
      case "finish":
        this.isSearching = false;
        return;
      case "searchAgain":
        assert(!this.isSearching, "two searches");
        this.isSearching = true;
        this.searches += 1;
        return;
      case "done":
        assertEquals(action.transfer, this.held);
        this.ends.push("done");
        return;
      case "failed":
        this.ends.push(action.error.code);
        return;
      default:
    }
  }

  #coordinate(event: Extract<DownloadAction, { kind: "coordinate" }>["event"]): void {
    assert("transfer" in event);
    assertEquals(event.transfer, this.held, `${event.kind} without a job`);
    if (event.kind === "transfer") {
      assert(!this.coordinated.has(event.transfer), "begun twice");
      this.coordinated.add(event.transfer);
    } else if (event.kind === "provider") {
      assert(this.coordinated.has(event.transfer), "providers before their transfer");
    }
  }
}

class AnyEvents {
  readonly #random: Random;
  readonly #around: Surroundings;
  #fetches = 0;
  #transfers = 0;

  constructor(random: Random, around: Surroundings) {
    this.#random = random;
    this.#around = around;
  }

  next(): DownloadEvent {
    // A job comes sooner or later; the rest in any order.
    if (this.#around.jobsAwaited > 0 && this.#random.chance(0.3)) return this.admitted();
    const kinds: (() => DownloadEvent)[] = [
      () => ({ kind: "find", news: this.#findNews() }),
      () => ({ kind: "find", news: { kind: "offer", queryIndex: 0, offer: this.#offer() } }),
      () => ({ kind: "layerFetch", fetch: this.#fetch(), news: this.#layerNews() }),
      () => ({ kind: "target", reply: this.#reply() }),
      () => ({ kind: "transfer", news: this.#transferNews() }),
      () => this.#random.chance(0.13) ? this.#rare() : { kind: "wakeup" },
    ];
    return this.#of(kinds)();
  }

  admitted(): DownloadEvent {
    this.#around.jobsAwaited -= 1;
    const transfer = transferId(++this.#transfers);
    this.#around.held = transfer;
    return { kind: "admitted", transfer };
  }

  saw(action: DownloadAction): void {
    if (action.kind === "fetchLayer") this.#fetches = action.fetch;
  }

  #transferNews(): TransferNews {
    const [kind, transfer] = [this.#of(NEWS), this.#transfer()];
    if (kind === "stalled") return { kind, transfer, inARow: 1 + this.#random.below(3) };
    return { kind, transfer };
  }

  #rare(): DownloadEvent {
    const kind = this.#of(
      ["dropped", "givenUp", "classicAnswered", "classicEnded", "fail"] as const,
    );
    if (kind === "dropped") return { kind, server: this.#server() };
    if (kind === "givenUp") return { kind, servers: [this.#server()], waitedMs: 1_000 };
    if (kind !== "fail") return { kind };
    return { kind, error: new ShoalError("interrupted", "interrupted") };
  }

  #findNews(): FindNews {
    const kind = this.#of(["attempt", "pending", "notFound", "timedOut", "classicDue"] as const);
    const endpoint = { address: "10.0.0.1", port: 1 };
    const sizeBytes = this.#of([2 * CHUNK_BYTES_MIN, 10]);
    const counts = { sizeBytes, hashedBytes: 1, rateBytesPerS: 1, earnedMs: 1 };
    if (kind === "attempt") return { kind, queryIndex: 0, attempt: 2 };
    if (kind === "pending") {
      const who = { server: this.#server(), party: `10.0.0.${1 + this.#random.below(3)}` };
      return { kind, queryIndex: 0, pending: { ...who, endpoint, ...counts } };
    }
    // Seldom: they end it.
    if (kind !== "classicDue" && this.#random.chance(0.8)) {
      return { kind: "classicDue", queryIndex: 0 };
    }
    return kind === "notFound" ? { kind, queryIndex: 0, similar: [] } : { kind, queryIndex: 0 };
  }

  #offer(): Offer {
    const host = 1 + this.#random.below(3);
    return {
      server: this.#server(),
      party: `10.0.0.${host}`,
      isProved: this.#random.chance(0.7),
      path: { endpoint: { address: `10.0.0.${host}`, port: 10530 }, token: new Uint8Array(16) },
      content: contentOf(1 + this.#random.below(3)),
      mtimeMs: 0,
      tcpPort: 0,
      name: NAME,
    };
  }

  #layerNews(): LayerNews {
    const kind = this.#of(["confirmed", "confirmed", "layer", "layer", "stalled", "lost"] as const);
    const server = this.#server();
    if (kind === "confirmed") {
      const { path, party } = this.#offer();
      return { kind, server, party, routes: [{ kind: "datagrams", ...path, rttMs: 1 } as const] };
    }
    if (kind === "layer") return { kind, layer: new Uint8Array(64) };
    if (kind === "stalled") return { kind, inARow: 1 + this.#random.below(3) };
    return { kind, server, reason: this.#of(["gone", "lying"] as const) };
  }

  #reply(): TargetReply {
    const transfer = this.#transfer();
    const asked = this.#around.asked.get(transfer) ?? [];
    const path = "film.bin";
    // Only what the assembler could say now.
    if (!asked.includes("layer") && !asked.includes("publish")) {
      const kind = this.#of(["opened", "opened", "present", "transferFailed"] as const);
      const error = { code: "disk", message: "broken", hint: "" } as const;
      if (kind === "present") return { kind, transfer, path };
      if (kind === "transferFailed") return { kind, transfer, error };
      const have = Uint8Array.of(this.#random.below(4));
      const known = this.#random.chance(0.3) ? { layer: new Uint8Array(64) } : {};
      return { kind, transfer, have, haveBytes: 0, partPath: "part", ...known };
    }
    const kind = this.#of(["finished", "unproved", "unverified"] as const);
    if (kind === "unproved") return { kind, transfer, chunks: [0] };
    return kind === "finished" ? { kind, transfer, path } : { kind, transfer };
  }

  /** Mostly the current one. */
  #transfer(): TransferId {
    return transferId(Math.max(1, this.#transfers - (this.#random.chance(0.1) ? 1 : 0)));
  }

  #fetch(): number {
    return this.#fetches - (this.#random.chance(0.1) ? 1 : 0);
  }

  #server(): PeerId {
    return peerId(serverId(String(1 + this.#random.below(4)).repeat(32)), "first");
  }

  #of<T>(choices: readonly T[]): T {
    return choices[this.#random.below(choices.length)]!;
  }
}

const NEWS = ["complete", "complete", "stalled", "orphaned"] as const;

function run(seed: number): Surroundings {
  const random = new Random(seed);
  const around = new Surroundings();
  const events = new AnyEvents(random, around);
  const download = new Download({
    ...{ name: NAME, query: { by: "name", name: NAME }, outDir: ".", onTaken: "number" },
    ...{ retries: 1 + random.below(3), looksAhead: random.chance(0.7) },
    ...{ asksAnybody: random.chance(0.5), seed },
    ...random.chance(0.2) && { pinned: contentOf(1).sha256 },
  });
  let nowMs = 0;
  const step = (event: DownloadEvent): void => {
    const wasEnded = download.stage === "ended";
    for (const action of download.handle(nowMs, event)) {
      assert(!wasEnded || action.kind === "release", `${action.kind} after the end`);
      around.perform(action);
      events.saw(action);
    }
  };
  for (let i = 0; i < EVENTS_PER_RUN; i++) {
    nowMs += random.below(60);
    step(events.next());
  }
  step({ kind: "fail", error: new ShoalError("interrupted", "interrupted") });
  if (around.jobsAwaited > 0) step(events.admitted());
  assertEquals(download.stage, "ended");
  assertEquals([around.held, around.openFetch, around.isSearching], [undefined, undefined, false]);
  assertEquals(download.nextWakeupMs(), Infinity);
  assert(around.ends.length <= 1, `ended as ${around.ends}`);
  return around;
}

Deno.test(`${RUNS} downloads keep what they owe their surroundings, whatever happens to them`, () => {
  const ends = new Map<string, number>();
  let searches = 0;
  for (let seed = 1; seed <= RUNS; seed++) {
    try {
      const { ends: [end = "classic"], searches: count } = run(seed);
      ends.set(end, (ends.get(end) ?? 0) + 1);
      searches += count;
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
  // Otherwise hardly anything was tried.
  for (const end of ["done", "changed", "unverified", "stalled", "ambiguous", "disk", "classic"]) {
    assert((ends.get(end) ?? 0) > 10, `${end}: ${JSON.stringify([...ends])}`);
  }
  assert(searches > RUNS, "nothing was searched for again");
});
