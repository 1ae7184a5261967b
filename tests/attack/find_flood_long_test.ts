/**
 * Searches sent in somebody else's name keep nobody from being heard (docs/PROTOCOL.md, "Fair shares"): the flood comes
 * from the client's own address, so that nothing but a token can tell one from the other.
 */
import { assert, assertEquals } from "@std/assert";
import { e2e, randomFile } from "../support/e2e.ts";
import { freePort, Scratch, ShoalProcess, startServer } from "../support/shoal_process.ts";
import { find, type Query, random64 } from "./frames.ts";

const BYTES_PER_S = 200_000;
const RUNS = 6;
const FILE = randomFile(3_000, 1);

const names = (count: number): Query[] => Array.from({ length: count }, () => ({ name: "a.txt" }));

const FLOODS: Readonly<Record<string, () => Uint8Array<ArrayBuffer>>> = {
  "as many names as fit, in long FINDs": () => find(random64(), names(64)),
  "forty names in short FINDs": () => find(random64(), names(40), undefined, 0, 0),
  "one name in FINDs as short as can be": () => find(random64(), names(1), undefined, 0, 0),
  "short FINDs with invented tokens": () =>
    find(random64(), names(1), crypto.getRandomValues(new Uint8Array(16)), 0, 0),
};

for (const [what, next] of Object.entries(FLOODS)) {
  e2e(`${RUNS} searches beside 200 KB a second in their own name: ${what}`, async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    await scratch.serve("a.txt", FILE);
    await using _server = await startServer(scratch, port);
    await using flood = new Flood(port, next);
    for (let run = 0; run < RUNS; run++) {
      // One attempt, in which three broadcasts leave.
      const patience = ["--timeout", "3", "--retries", "1"];
      const out = `${scratch.out}/${run}`;
      await using get = new ShoalProcess(
        ["get", "a.txt", "--out", out, "--port", `${port}`, ...patience],
      );
      assertEquals(await get.exit(), 0, get.description());
    }
    assert(flood.sent > 100, `${flood.sent} were sent`);
  });
}

/** Sends to a port of this machine, for as long as it lives. */
class Flood implements AsyncDisposable {
  sent = 0;
  #isOver = false;
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #ended: Promise<void>;

  constructor(port: number, next: () => Uint8Array<ArrayBuffer>) {
    this.#ended = this.#run({ transport: "udp", hostname: "127.0.0.1", port }, next);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    await this.#ended;
    this.#socket.close();
  }

  async #run(to: Deno.NetAddr, next: () => Uint8Array<ArrayBuffer>): Promise<void> {
    const startedMs = performance.now();
    for (let bytes = 0; !this.#isOver;) {
      const dueBytes = (performance.now() - startedMs) / 1_000 * BYTES_PER_S;
      while (bytes < dueBytes && !this.#isOver) {
        bytes += await this.#socket.send(next(), to);
        this.sent += 1;
      }
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
