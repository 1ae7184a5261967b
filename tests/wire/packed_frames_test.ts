import { assertEquals } from "@std/assert";
import { type SafeFileName, serverId } from "../../lib/ids.ts";
import { encodeFrame, type Frame } from "../../lib/wire/frames.ts";
import { framesIn } from "../../lib/wire/packed_frames.ts";

function absent(queryIndex: number, similar: readonly string[] = []): Frame {
  return {
    kind: "absent",
    queryId: 1n,
    queryIndex,
    server: serverId("0".repeat(32)),
    token: new Uint8Array(16),
    dataPort: 0,
    similar: similar as readonly SafeFileName[],
  };
}

const frames = [absent(0), absent(1, ["longer.txt"]), absent(2, ["a", "b", "c"]), absent(3)];
const encoded = frames.map((frame) => encodeFrame(frame));

function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

Deno.test("frames of any lengths are taken apart", () => {
  assertEquals([...framesIn(joined(encoded))], frames);
});

Deno.test("a damaged frame costs itself alone, wherever the damage is", () => {
  const second = encoded[1]!;
  for (let at = 0; at < second.length; at++) {
    const damaged = second.slice();
    damaged[at]! ^= 0x55;
    const bytes = joined([encoded[0]!, damaged, encoded[2]!, encoded[3]!]);
    assertEquals([...framesIn(bytes)], [frames[0], frames[2], frames[3]], `byte ${at}`);
  }
});

Deno.test("a truncated last frame is left out", () => {
  const whole = joined(encoded);
  const lastBytes = encoded[3]!.length;
  for (let cut = 1; cut <= lastBytes; cut++) {
    assertEquals([...framesIn(whole.subarray(0, whole.length - cut))], frames.slice(0, 3));
  }
});

Deno.test("a buffer that only pretends to hold frames is given up soon", () => {
  const header = encoded[0]!.slice(0, 12);
  const bytes = joined(Array.from({ length: 5_000 }, () => header));
  assertEquals([...framesIn(bytes)], []);
});
