/** Client and server machines on one virtual clock, with a network between them that errs. */
import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import { ClassicClient } from "../../../lib/protocol/classic/classic_client.ts";
import {
  ClassicServer,
  type ClassicServerEvent,
} from "../../../lib/protocol/classic/classic_server.ts";
import { FaultInjector } from "../../../lib/protocol/base/faults.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { decodeClassicRequest, encodeClassicRequest } from "../../../lib/wire/classic.ts";

const NAME = "a.bin" as SafeFileName;
const CLIENT: Endpoint = { address: "10.0.0.9", port: 50_000 };
const SERVER: Endpoint = { address: "10.0.0.1", port: 10_526 };
const ONE_WAY_MS = 0.2;

interface Outcome {
  readonly file: Bytes | undefined;
  readonly seconds: number;
  readonly askedAgain: number;
}

/** One transfer of `file` over a network where each datagram is hit with probability `errorRate`. */
function transfer(file: Bytes, errorRate: number, seed: number): Outcome {
  const sha = hashHex(toHex(sha256(file)));
  const faults = new FaultInjector(errorRate, seed);
  const client = new ClassicClient({ name: NAME, addressCount: 1, timeoutMs: 4_000, retries: 10 });
  const server = new ClassicServer({
    chunkBytes: 1_024,
    rateBytesPerS: 0,
    seed,
    isNeighbour: () => true,
    hasProved: () => false,
  });
  const inFlight: { readonly atMs: number; readonly toServer: boolean; readonly bytes: Bytes }[] =
    [];
  const target = new Uint8Array(file.length + 1_024);
  let result: Bytes | undefined;
  let isOver = false;
  let nowMs = 0;

  const send = (toServer: boolean, datagram: Bytes): void => {
    for (const { bytes, delayMs } of faults.deliveries(datagram)) {
      inFlight.push({ atMs: nowMs + ONE_WAY_MS + delayMs, toServer, bytes });
    }
  };
  const stepServer = (event: ClassicServerEvent): void => {
    for (const action of server.handle(nowMs, event)) {
      if (action.kind === "send") action.datagrams.forEach((datagram) => send(false, datagram));
      if (action.kind === "locate") {
        const located = { sizeBytes: file.length, sha256: sha };
        stepServer({ kind: "located", transfer: action.transfer, file: located });
      }
      if (action.kind === "read") {
        const spans = action.spans.map(({ offset, lengthBytes }) =>
          file.slice(offset, offset + lengthBytes)
        );
        stepServer({ kind: "read", transfer: action.transfer, spans });
      }
    }
  };
  const stepClient = (event: Parameters<ClassicClient["handle"]>[1]): void => {
    for (const action of client.handle(nowMs, event)) {
      if (action.kind === "ask" || action.kind === "ask_server") {
        send(true, encodeClassicRequest(NAME));
      } else if (action.kind === "write") {
        target.set(action.bytes, action.offset);
      } else if (action.kind === "failed") {
        isOver = true;
      } else if (action.kind === "complete") {
        const whole = target.slice(0, action.sizeBytes);
        if (toHex(sha256(whole)) !== action.sha256) return stepClient({ kind: "rejected" });
        result = whole;
        isOver = true;
      }
    }
  };

  stepClient({ kind: "started" });
  while (!isOver) {
    const arrival = inFlight.reduce((next, each) => Math.min(next, each.atMs), Infinity);
    nowMs = Math.max(nowMs, Math.min(arrival, client.nextWakeupMs(), server.nextWakeupMs()));
    const due = inFlight.findIndex((each) => each.atMs <= nowMs);
    if (due >= 0) {
      const [{ toServer, bytes }] = inFlight.splice(due, 1) as [(typeof inFlight)[number]];
      const name = toServer ? decodeClassicRequest(bytes) : undefined;
      if (name !== undefined) stepServer({ kind: "request", from: CLIENT, name });
      if (!toServer) stepClient({ kind: "datagram", from: SERVER, bytes });
    }
    if (client.nextWakeupMs() <= nowMs) stepClient({ kind: "wakeup" });
    if (server.nextWakeupMs() <= nowMs) stepServer({ kind: "wakeup" });
  }
  const askedAgain = client.shares.reduce((sum, share) => sum + share.askedAgain, 0);
  return { file: result, seconds: nowMs / 1_000, askedAgain };
}

Deno.test("a classic file crosses a good network in one burst, at the classic rate", () => {
  const file = new Random(1).bytes(1_000_000);
  const { file: received, seconds, askedAgain } = transfer(file, 0, 1);
  assertEquals(received, file);
  assertEquals(askedAgain, 0);
  assert(seconds < 0.3, `${seconds} s`);
});

for (const [errorRate, seed] of [[0.1, 1], [0.2, 2], [0.2, 3], [0.5, 4]] as const) {
  Deno.test(`a classic file crosses a network with ${errorRate} errors (seed ${seed})`, () => {
    const file = new Random(seed).bytes(300_000);
    const { file: received, seconds, askedAgain } = transfer(file, errorRate, seed);
    assertEquals(received, file);
    assert(askedAgain > 0 && askedAgain < 15, `asked ${askedAgain} times more`);
    assert(seconds < 60, `${seconds} s`);
  });
}
