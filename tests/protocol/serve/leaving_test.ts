/** Who gives what he fetches leaves once he has it, and keeps what he has promised. */
import { assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { Tokens } from "../../../lib/protocol/base/tokens.ts";
import { RangeServer, type RangeServerAction } from "../../../lib/protocol/serve/range_server.ts";
import { decodeFrame } from "../../../lib/wire/frames.ts";

const A: Endpoint = { address: "10.0.0.1", port: 5000 };
const CONTENT = { root: hashHex("ab".repeat(32)), sizeBytes: 1_000_000 };
const TOKENS = new Tokens(Uint8Array.of(1, 2, 3));

function newServer(): RangeServer {
  const server = serverId("5e".repeat(16));
  return new RangeServer({ server, tokens: TOKENS, rateBytesPerS: 0, random: new Random(1) });
}

function want(machine: RangeServer, number: number): readonly RangeServerAction[] {
  const token = TOKENS.issue(0, A.address);
  return machine.handle(0, {
    ...{ kind: "frame", from: A, frameBytes: 100 },
    frame: {
      ...{ kind: "want", nonce: 1n, token, number, ...CONTENT, segmentBytes: 1_400, withCrc: 0 },
      ranges: [{ offset: 0, lengthBytes: 50_000 }],
    },
  });
}

const kinds = (actions: readonly RangeServerAction[]) => actions.map(({ kind }) => kind);

Deno.test("who has nothing to send leaves at once", () => {
  assertEquals(kinds(newServer().handle(0, { kind: "leave" })), ["left"]);
});

Deno.test("what was asked for is sent first, and what is asked for later is GONE", () => {
  const machine = newServer();
  const file = { name: "a" as SafeFileName, mtimeMs: 0, ctimeMs: 0, inode: 1 };
  const place = { kind: "memory", bytes: new Uint8Array(new SharedArrayBuffer(1)) } as const;
  want(machine, 1);
  machine.handle(0, { kind: "served", outcome: "unknown", sentBytes: 0 });
  const located = { ...file, sizeBytes: CONTENT.sizeBytes, place };
  machine.handle(0, { kind: "located", ...CONTENT, file: located });
  assertEquals(kinds(machine.handle(0, { kind: "opened", ...CONTENT, isAsIndexed: true })), [
    "serve",
  ]);
  want(machine, 2);
  assertEquals(kinds(machine.handle(0, { kind: "leave" })), []);
  const [refused] = want(machine, 3);
  const gone = refused?.kind === "send" ? decodeFrame(refused.datagram) : undefined;
  assertEquals([gone?.kind, gone?.kind === "gone" && gone.number], ["gone", 3]);
  const sent = { kind: "served", outcome: "sent", sentBytes: 50_000 } as const;
  assertEquals(kinds(machine.handle(0, sent)).filter((kind) => kind === "serve"), ["serve"]);
  assertEquals(kinds(machine.handle(0, sent)).at(-1), "left");
  assertEquals(kinds(machine.handle(0, { kind: "wakeup" })), [], "said once");
});
