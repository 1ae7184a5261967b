import { assertEquals, assertThrows } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import type { SessionPolicy } from "../../../lib/protocol/session/dialogue.ts";
import { JsonSession } from "../../../lib/protocol/session/json_session.ts";
import {
  RoundTripClient,
  type RoundTripResult,
} from "../../../lib/protocol/session/round_trip_client.ts";
import { echoUpload } from "../../../lib/protocol/session/serve_echo.ts";
import { UPLOAD_MESSAGE_BYTES_MAX } from "../../../lib/protocol/session/limits.ts";
import { ByteQueue } from "../../../lib/wire/byte_queue.ts";
import { type JsonObject, parseMessage, takeMessage } from "../../../lib/wire/session_json.ts";
import { jsonPeer, playClient, type PlayedPeer } from "../../support/client_play.ts";

const FILE_BYTES = 100_000;

function randomFile(seed: number): Uint8Array<ArrayBuffer> {
  const random = new Random(seed);
  return Uint8Array.from({ length: FILE_BYTES }, () => random.below(256));
}

/** What a server of the dialect says to an upload. */
function echoed(policy: SessionPolicy, request: JsonObject, round: number): JsonObject[] {
  const queue = new ByteQueue();
  for (const step of echoUpload(policy, request, round)) {
    if (step.kind === "send") queue.push(step.bytes.slice());
  }
  const messages: JsonObject[] = [];
  for (;;) {
    const taken = takeMessage(queue, Infinity);
    if (taken?.kind !== "message") return messages;
    messages.push(parseMessage(taken.bytes)!);
  }
}

interface Serving {
  readonly seed?: number;
  readonly errorRate?: number;
  /** Whether it knows what its original does not: that only some chunks are wanted. */
  readonly knows?: boolean;
  /** What becomes of a message that it says. */
  readonly spoil?: (message: JsonObject, round: number) => JsonObject | undefined;
}

function server(
  { seed = 1, errorRate = 0, knows = false, spoil = (message) => message }: Serving,
): PlayedPeer {
  const policy: SessionPolicy = {
    allowsUpload: true,
    uploadBytesMax: UPLOAD_MESSAGE_BYTES_MAX,
    refusal: undefined,
    chunkBytes: 1_024,
    errorRate,
    seed,
  };
  let round = 0;
  return jsonPeer((request) => {
    if (request["command"] !== "upload") return [];
    const { sequences: _, ...plain } = request;
    const said = echoed(policy, knows ? request : plain, round);
    const spoilt = said.map((message) => spoil(message, round));
    round += 1;
    return spoilt.filter((message) => message !== undefined);
  });
}

function roundTrip(peer: PlayedPeer, seed: number): RoundTripResult {
  const client = new RoundTripClient({ file: randomFile(seed), path: "a.bin", retriesMax: 3 });
  const session = new JsonSession({ peer: "it", messageBytesMax: UPLOAD_MESSAGE_BYTES_MAX });
  return playClient(client.talk(session), peer).result;
}

Deno.test("100 KB are back after 2 to 4 uploads where a tenth of the chunks is lost or spoilt", () => {
  for (let seed = 0; seed < 20; seed++) {
    for (const knows of [false, true]) {
      const { file, rounds } = roundTrip(server({ seed, errorRate: 0.1, knows }), seed);
      assertEquals(file, randomFile(seed));
      assertEquals(rounds >= 2 && rounds <= 4, true, `seed ${seed}: ${rounds} uploads`);
    }
  }
});

Deno.test("chunks that are held stay held, though the next round spoils every one of them", () => {
  for (const data of ["", "00", "00".repeat(1_024), "00".repeat(5_000), "zz"]) {
    // The even ones come in the first round, the odd ones in the second.
    const { file, rounds } = roundTrip(
      server({
        spoil(message, round) {
          const { type, sequence } = message;
          const isMeant = (sequence as number) % 2 === round;
          return type !== "chunk" || isMeant ? message : { ...message, data };
        },
      }),
      2,
    );
    assertEquals([file, rounds], [randomFile(2), 2]);
  }
});

Deno.test("a file that never comes back is given up after so many uploads", () => {
  const peer = server({
    spoil: (message) => message["sequence"] === 5 ? undefined : message,
  });
  const error = assertThrows(() => roundTrip(peer, 1), ShoalError) as ShoalError;
  assertEquals(error.code, "unverified");
});

Deno.test("a file that is back under a wrong checksum is not verified", () => {
  const peer = server({
    spoil: (message) => "checksum" in message ? { ...message, checksum: "0".repeat(64) } : message,
  });
  const error = assertThrows(() => roundTrip(peer, 1), ShoalError) as ShoalError;
  assertEquals(error.code, "unverified");
});
