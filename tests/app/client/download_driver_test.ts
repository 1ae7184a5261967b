import { assertEquals } from "@std/assert";
import { DownloadDriver } from "../../../lib/app/client/download_driver.ts";
import type { Find, LayerFetchHandle } from "../../../lib/app/discovery/search.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../../../lib/app/events.ts";
import { ShoalError } from "../../../lib/errors.ts";
import type { Content } from "../../../lib/ids.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { hashHex, peerId, type SafeFileName, serverId, transferId } from "../../../lib/ids.ts";
import type { AssemblerRequest } from "../../../lib/messages/assembler_worker.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";
import type { LayerNews } from "../../../lib/protocol/download/layer_fetch.ts";

const NAME = "film.bin" as SafeFileName;
const HASH = hashHex("01".repeat(32));
const CONTENT: Content = { sizeBytes: 3_000_000, sha256: HASH, root: HASH };
const OFFER: Offer = {
  server: peerId(serverId("1".repeat(32)), "10.0.0.1:10530"),
  party: "10.0.0.1",
  isProved: true,
  name: NAME,
  content: CONTENT,
  mtimeMs: 0,
  tcpPort: 0,
  path: { endpoint: { address: "10.0.0.1", port: 10530 }, token: new Uint8Array(16) },
};

/** A driver whose surroundings only take down what it wants of them. */
class Surroundings {
  readonly asked: AssemblerRequest[] = [];
  readonly events: GetEvent[] = [];
  /** What it does to the search and the layer fetches. */
  readonly done: string[] = [];
  readonly published = Promise.withResolvers<void>();
  readonly driver: DownloadDriver;
  slotsTaken = 0;
  /** What the current layer fetch says at once when a server is to be probed. */
  answer: LayerNews | undefined;

  constructor() {
    this.driver = new DownloadDriver(
      {
        clock: denoClock,
        streams: { fetchLayer: () => ({ add: () => {}, close: () => {} }) },
        extension: {},
        routes: { handle: () => {}, onReached: () => {} },
        onWaited: () => {},
        onHeard: () => {},
        search: { fetchLayer: (_, onNews) => this.#layerFetch(onNews) },
        pool: {
          step: (event) => this.done.push(event.kind),
          askAssembler: (request) => this.#ask(request),
          warmUp: () => {},
          coordinator: {
            isTaker: () => false,
            leasesOf: () => undefined,
            tallies: () =>
              new Map([[OFFER.server, {
                bytes: 5,
                chunks: 1,
                badChunks: 0,
                retransmits: 0,
                savedBytes: 0,
              }]]),
          },
        },
        emit: (event) => this.events.push(event),
        acquire: (_, admit) => {
          this.slotsTaken += 1;
          admit(transferId(1));
        },
        release: () => this.slotsTaken -= 1,
        searchAgain: () => this.done.push("searchAgain"),
        addresses: new Map(),
      },
      {
        ...{ name: NAME, query: { by: "name", name: NAME }, outDir: ".", onTaken: "number" },
        ...{ retries: 2, looksAhead: true, asksAnybody: false, seed: 1 },
      },
    );
    const find: Find = {
      startedMs: 0,
      settle: (index) => this.done.push(`settle ${index}`),
      finish: (index) => this.done.push(`finish ${index}`),
      disbelieve: (index) => this.done.push(`disbelieve ${index}`),
      ignore: (index) => this.done.push(`ignore ${index}`),
      invite: () => {},
      onRegistries: () => {},
      onVain: () => {},
    };
    this.driver.begin(find, 3);
  }

  offer(): void {
    this.driver.onFind({ kind: "offer", queryIndex: 3, offer: OFFER });
  }

  #layerFetch(onNews: (news: LayerNews) => void): LayerFetchHandle {
    this.done.push("fetchLayer");
    return {
      add: () => {
        if (this.answer !== undefined) onNews(this.answer);
      },
      close: () => this.done.push("closeLayerFetch"),
    };
  }

  #ask(request: AssemblerRequest): void {
    this.asked.push(request);
    if (request.kind === "publish") this.published.resolve();
  }
}

const opened = {
  kind: "opened",
  transfer: transferId(1),
  have: new Uint8Array(0),
  haveBytes: 0,
  partPath: "part",
} as const;

Deno.test("a download is driven from its offer to its end, and tells who gave what", async () => {
  const around = new Surroundings();
  const { driver } = around;
  around.offer();
  driver.onTarget(opened);
  assertEquals(driver.progress, { bytes: 5, sizeBytes: CONTENT.sizeBytes });
  assertEquals(around.asked.map(({ kind }) => kind), ["open"]);
  await around.published.promise;
  driver.onTarget({ kind: "finished", transfer: transferId(1), path: "film.bin" });
  const ending: DoneEvent | FailedEvent = await driver.ended;
  assertEquals(ending.event === "done" && ending.servers.map(({ bytes }) => bytes), [5]);
  assertEquals(around.events.map(({ event }) => event), ["offer", "done"]);
  assertEquals(around.done, ["fetchLayer", "settle 3", "closeLayerFetch", "forget", "finish 3"]);
  assertEquals(around.slotsTaken, 0);
});

Deno.test("what performing brings about waits until all that was wanted is performed", () => {
  const around = new Surroundings();
  // The server is lost the moment it is probed, before the job was asked for.
  around.answer = { kind: "lost", server: OFFER.server, reason: "gone" };
  around.offer();
  assertEquals(around.asked, []);
  assertEquals(around.slotsTaken, 0);
  // It was a guess, and the search for others is not over.
  assertEquals(around.done, ["fetchLayer", "closeLayerFetch"]);
  around.driver.fail(new ShoalError("interrupted", "interrupted"));
});

Deno.test("a classic server that answers first has it, whatever Shoal servers say after that", async () => {
  const around = new Surroundings();
  const { driver } = around;
  assertEquals(driver.yieldToClassic(), true);
  around.offer();
  const failed: FailedEvent = {
    ...{ event: "failed", name: NAME, code: "stalled", message: "nothing more arrives", hint: "" },
  };
  driver.endElsewhere(failed);
  assertEquals(await driver.ended, failed);
  assertEquals(around.events, [failed]);
  const late = new Surroundings();
  late.offer();
  assertEquals(late.driver.yieldToClassic(), false);
  late.driver.fail(new ShoalError("interrupted", "interrupted"));
});
