/**
 * What a client sends to an address that was only named to it (docs/PROTOCOL.md, "Amplification"): the stranger
 * hears, counts, and never answers.
 */
import { assert, assertEquals, assertLessOrEqual } from "@std/assert";
import { e2e } from "../support/e2e.ts";
import { freePort, Scratch, ShoalProcess } from "../support/shoal_process.ts";
import {
  absent,
  framesOf,
  type Identity,
  offer,
  pending,
  randomBytes,
  readFind,
  retry,
  TYPE,
} from "./frames.ts";

const CLAIMS = { offer: offerOf, pending: pendingOf, absent, retry: retryOf } as const;

for (const kind of Object.keys(CLAIMS) as (keyof typeof CLAIMS)[]) {
  for (const count of [1, 20]) {
    e2e(
      `${count} forged ${kind} in a stranger's name bring him no more than three times their bytes`,
      async () => {
        await using scratch = await Scratch.make();
        const port = freePort();
        await using stranger = new Stranger(port, kind, count);
        // Longer than it takes until TCP is tried where UDP does not answer.
        const patience = ["--timeout", "4", "--retries", "1"];
        const args = ["get", "a.txt", "--out", scratch.out, "--port", `${port}`, ...patience];
        await using get = new ShoalProcess(args);
        await get.exit();
        assert(stranger.claimedBytes > 0 && stranger.heardBytes > 0, "he is probed");
        assertEquals(stranger.connections, 0, "nobody connects to him");
        assertEquals([...stranger.heardTypes], [TYPE.find], "he is asked for nothing else");
        assertLessOrEqual(stranger.heardBytes, 3 * stranger.claimedBytes);
      },
    );
  }
}

class Stranger implements AsyncDisposable {
  claimedBytes = 0;
  heardBytes = 0;
  connections = 0;
  readonly heardTypes = new Set<number>();
  readonly #discovery: Deno.DatagramConn;
  /** Those that claims come from; the first one is named. */
  readonly #ports: readonly Deno.DatagramConn[];
  readonly #sessions = Deno.listen({ hostname: "127.0.0.99", port: 0 });
  readonly #loops: readonly Promise<void>[];

  constructor(port: number, kind: keyof typeof CLAIMS, count: number) {
    this.#discovery = Deno.listenDatagram({
      ...{ transport: "udp", hostname: "127.255.255.255", port, reuseAddress: true },
    });
    this.#ports = Array.from(
      { length: count },
      () => Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.99", port: 0 }),
    );
    this.#loops = [
      this.#claim(kind),
      this.#accept(),
      ...this.#ports.map((each) => this.#count(each)),
    ];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of [this.#discovery, this.#sessions, ...this.#ports]) socket.close();
    await Promise.all(this.#loops);
  }

  /** In answer to the first search only. */
  async #claim(kind: keyof typeof CLAIMS): Promise<void> {
    for await (const [bytes, from] of this.#discovery) {
      const frame = framesOf(bytes).find(({ type }) => type === TYPE.find);
      if (frame === undefined || this.claimedBytes > 0) continue;
      const { queryId } = readFind(frame);
      for (const socket of this.#ports) {
        const identity = { server: randomBytes(16), token: randomBytes(16), dataPort: 0 };
        const { port: tcpPort } = this.#sessions.addr as Deno.NetAddr;
        this.claimedBytes += await socket.send(CLAIMS[kind](queryId, 0, identity, tcpPort), from);
      }
    }
  }

  async #accept(): Promise<void> {
    for await (const connection of this.#sessions) {
      this.connections += 1;
      connection.close();
    }
  }

  async #count(socket: Deno.DatagramConn): Promise<void> {
    for await (const [bytes] of socket) {
      this.heardBytes += bytes.length;
      for (const { type } of framesOf(bytes)) this.heardTypes.add(type);
    }
  }
}

function offerOf(
  queryId: bigint,
  index: number,
  by: Identity,
  tcpPort: number,
): Uint8Array<ArrayBuffer> {
  const root = randomBytes(32);
  return offer(queryId, index, by, { sizeBytes: 5, sha256: root, root, name: "a.txt" }, tcpPort);
}

function pendingOf(queryId: bigint, index: number, by: Identity): Uint8Array<ArrayBuffer> {
  return pending(queryId, index, by, 1_000_000, 1_000, 100_000);
}

function retryOf(queryId: bigint, _: number, { server, token }: Identity): Uint8Array<ArrayBuffer> {
  return retry(queryId, 0, server, token);
}
