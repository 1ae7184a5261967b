import { assertEquals } from "@std/assert";
import { Download } from "../../../lib/app/client/download.ts";
import type { DoneEvent, FailedEvent, GetEvent } from "../../../lib/app/events.ts";
import { hashHex, type SafeFileName, serverId, transferId } from "../../../lib/ids.ts";
import type { Content, TransferId } from "../../../lib/ids.ts";
import type { AssemblerRequest } from "../../../lib/messages/assembler.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";

const NAME = "film.bin" as SafeFileName;
const NOTHING = new Uint8Array(0);

/** Contents that differ in everything but their size. */
function content(mark: number): Content {
  const hash = hashHex(mark.toString(16).padStart(2, "0").repeat(32));
  return { sizeBytes: 3_000_000, sha256: hash, root: hash };
}

function offer(server: number, of: Content): Offer {
  return {
    server: serverId(server.toString(16).padStart(16, "0")),
    name: NAME,
    content: of,
    mtimeMs: 0,
    tcpPort: 0,
    path: {
      endpoint: { address: `10.0.0.${server}`, port: 10526 },
      token: new Uint8Array(8),
    },
  };
}

/** A download whose surroundings only take down what it wants of them. */
class Stage {
  readonly asked: AssemblerRequest[] = [];
  readonly events: GetEvent[] = [];
  readonly download: Download;
  readonly published = Promise.withResolvers<TransferId>();
  slotsTaken = 0;
  #transfers = 0;

  constructor() {
    this.download = new Download(
      {
        search: { fetchLayer: () => ({ addServer: () => {}, close: () => {} }) },
        crew: {
          step: () => {},
          askAssembler: (request) => this.#ask(request),
          warmUp: () => {},
          coordinator: { tallies: () => new Map(), isComplete: () => true },
        },
        outDir: ".",
        force: false,
        retries: 1,
        pinned: undefined,
        looksAhead: true,
        emit: (event) => this.events.push(event),
        adopt: () => transferId(++this.#transfers),
        acquire: (start) => {
          this.slotsTaken += 1;
          start();
        },
        release: () => this.slotsTaken -= 1,
        searchAgain: () => {},
        addresses: new Map(),
      },
      NAME,
      { by: "name", name: NAME },
    );
  }

  get kinds(): readonly string[] {
    return this.asked.map((request) => request.kind);
  }

  /** The contents whose targets were opened, in order. */
  get opened(): readonly Content[] {
    return this.asked.flatMap((request) => request.kind === "open" ? [request.content] : []);
  }

  offer(server: number, of: Content): void {
    this.download.onOffer(0, offer(server, of));
  }

  reply(number: number, kind: "opened" | "present" | "finished", haveBytes = 0): void {
    const transfer = transferId(number);
    const reply: Parameters<Download["onAssembler"]>[0] = kind === "opened"
      ? { kind, transfer, have: NOTHING, haveBytes, partPath: "part" }
      : { kind, transfer, path: "film.bin" };
    this.download.onAssembler(reply);
  }

  get ending(): Promise<DoneEvent | FailedEvent> {
    return this.download.ended;
  }

  #ask(request: AssemblerRequest): void {
    this.asked.push(request);
    if (request.kind === "publish") this.published.resolve(request.transfer);
  }
}

Deno.test("the first offer's transfer begins at once and is published once it is chosen", async () => {
  const stage = new Stage();
  stage.offer(1, content(1));
  assertEquals(stage.opened, [content(1)]);
  stage.reply(1, "opened");
  stage.offer(2, content(1));
  assertEquals(stage.kinds, ["open"]);
  assertEquals(await stage.published.promise, 1);
  stage.reply(1, "finished");
  const { event } = await stage.ending;
  assertEquals([event, stage.slotsTaken], ["done", 0]);
});

Deno.test("a first offer that turns out the wrong one leaves nothing", async () => {
  const stage = new Stage();
  stage.offer(1, content(1));
  stage.reply(1, "opened");
  stage.offer(2, content(2));
  stage.offer(3, content(2));
  const opening = Promise.withResolvers<void>();
  const poll = setInterval(() => stage.opened.length === 2 && opening.resolve(), 5);
  await opening.promise;
  clearInterval(poll);
  assertEquals(stage.opened[1], content(2));
  assertEquals(stage.asked[1], { kind: "abort", transfer: transferId(1), keep: false });
  stage.reply(1, "finished");
  stage.reply(2, "opened");
  assertEquals(await stage.published.promise, 2);
  stage.reply(2, "finished");
  const ending = await stage.ending;
  assertEquals(ending.event === "done" && ending.sha256, content(2).sha256);
  assertEquals(stage.slotsTaken, 0);
});

Deno.test("what an earlier run has brought of the wrong one stays", async () => {
  const stage = new Stage();
  stage.offer(1, content(1));
  stage.reply(1, "opened", 1_000_000);
  stage.offer(2, content(2));
  const { event } = await stage.ending;
  assertEquals(event, "failed");
  assertEquals(stage.asked[1], { kind: "abort", transfer: transferId(1), keep: true });
  assertEquals(stage.kinds.includes("publish"), false);
});

Deno.test("a tie leaves nothing of the first offer, and says what to do", async () => {
  const stage = new Stage();
  stage.offer(1, content(1));
  stage.reply(1, "opened");
  stage.offer(2, content(2));
  const ending = await stage.ending;
  assertEquals(ending.event === "failed" && ending.code, "ambiguous");
  assertEquals(stage.asked[1], { kind: "abort", transfer: transferId(1), keep: false });
  assertEquals(stage.slotsTaken, 0);
});

Deno.test("a file that is there already is told only when its content is chosen", async () => {
  const stage = new Stage();
  stage.offer(1, content(1));
  stage.reply(1, "present");
  assertEquals(stage.events.filter(({ event }) => event === "done"), []);
  const ending = await stage.ending;
  assertEquals(ending.event === "done" && ending.present, true);
});
