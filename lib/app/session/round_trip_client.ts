/** Sends a file to a server of the JSON dialect and proves that it comes back as it was. */
import { type Bytes, toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { type TcpTarget, withConnection } from "../../io/net/tcp_client.ts";
import { UPLOAD_MESSAGE_BYTES_MAX } from "../../protocol/session/limits.ts";
import { FRESH_ROUNDS_MAX, ROUND_TRIP_SEND_BYTES, SEQUENCES_LISTED_MAX } from "./limits.ts";
import { RoundTrip } from "../../protocol/session/round_trip.ts";
import type { LogLevel } from "../../protocol/session/dialogue.ts";
import { sha256 } from "../../protocol/base/sha256.ts";
import { encodeMessage, type JsonObject, parseMessage } from "../../wire/session_json.ts";

export interface RoundTripOptions extends TcpTarget {
  readonly file: Bytes;
  /** What the server is told that the file is called. */
  readonly path: string;
  /** Uploads after the first. */
  readonly retriesMax: number;
  readonly log: (level: LogLevel, message: string) => void;
}

export interface RoundTripResult {
  /** What came back; it equals what was sent. */
  readonly file: Bytes;
  readonly sha256: string;
  readonly chunkCount: number;
  /** Uploads in all. */
  readonly rounds: number;
}

/** Throws ShoalError `unverified` when the file does not come back as it was. */
export async function roundTrip(options: RoundTripOptions): Promise<RoundTripResult> {
  const message = encodeMessage(uploadOf(options));
  if (message.length > UPLOAD_MESSAGE_BYTES_MAX) {
    throw new ShoalError("usage", `${options.path} is too large for the JSON dialect`, {
      hint: "It sends a file in one message: choose a smaller file, or another dialect.",
    });
  }
  return await withConnection(options, async (connection) => {
    const { file, log, retriesMax } = options;
    const state = new RoundTrip(file);
    const expected = toHex(sha256(file));
    const receive = async (): Promise<JsonObject> => {
      const read = await connection.message(UPLOAD_MESSAGE_BYTES_MAX);
      if (read.kind === "ended") throw new ShoalError("stalled", "the server ended the connection");
      const said = read.kind === "message" ? parseMessage(read.bytes) : undefined;
      if (said === undefined) throw foreign();
      if (said["status"] === "error") {
        const { message: text } = said;
        throw new ShoalError(
          "refused",
          `the server says: ${typeof text === "string" ? text : "error"}`,
        );
      }
      return said;
    };
    let lacking: number[] | undefined;
    for (let rounds = 1, retries = 0;; rounds++) {
      const again = lacking && { sequences: lacking };
      await connection.send(again ? encodeMessage({ ...uploadOf(options), ...again }) : message);
      const ready = await receive();
      if (ready["status"] !== "ready" || !state.begin(ready["total_chunks"])) {
        throw foreign();
      }
      for (let said = await receive(); said["type"] !== "end"; said = await receive()) {
        if (said["type"] === "chunk") state.take(said);
      }
      const spoilt = state.dropSpoilt();
      const missing = state.missing.filter((number) => !spoilt.includes(number));
      if (missing.length > 0) log("ERROR", `Missing sequence numbers: ${listed(missing)}`);
      if (spoilt.length > 0) log("ERROR", `Corrupted sequence numbers: ${listed(spoilt)}`);
      const before = lacking?.length ?? Infinity;
      lacking = state.missing;
      const back = lacking.length === 0 ? state.assemble() : undefined;
      if (back !== undefined && toHex(sha256(back)) === expected) {
        if (ready["checksum"] !== expected) {
          throw new ShoalError("unverified", "the server's checksum does not match the file");
        }
        log("INFO", "Checksum verification successful!");
        await connection.send(encodeMessage({ command: "disconnect" }));
        const { chunkCount } = state;
        return { file: back, sha256: expected, chunkCount, rounds };
      }
      // A server that sends only what is asked for gets nearer each time: that is no retry.
      const isNearer = ready["sequences"] !== undefined && lacking.length < before;
      if (isNearer && rounds < FRESH_ROUNDS_MAX) {
        log("INFO", `Asking again for ${lacking.length} of ${state.chunkCount} chunks`);
        continue;
      }
      retries += 1;
      if (retries > retriesMax) {
        throw new ShoalError("unverified", "the file did not come back as it was sent", {
          hint: "Try again, or allow more attempts.",
        });
      }
      log("INFO", `Retrying upload (attempt ${retries}/${retriesMax})...`);
    }
  });
}

function foreign(): ShoalError {
  return new ShoalError("network", "the server does not speak the JSON dialect", {
    hint: "Check the address and the port, or try another --dialect.",
  });
}

function uploadOf({ path, file }: RoundTripOptions): JsonObject {
  return { command: "upload", file_path: path, file_data: latin1(file) };
}

/** One character per byte. */
function latin1(bytes: Bytes): string {
  const pieces: string[] = [];
  for (let at = 0; at < bytes.length; at += ROUND_TRIP_SEND_BYTES) {
    pieces.push(String.fromCharCode(...bytes.subarray(at, at + ROUND_TRIP_SEND_BYTES)));
  }
  return pieces.join("");
}

function listed(numbers: readonly number[]): string {
  const more = numbers.length > SEQUENCES_LISTED_MAX
    ? `, … ${numbers.length - SEQUENCES_LISTED_MAX} more`
    : "";
  return `[${numbers.slice(0, SEQUENCES_LISTED_MAX).join(", ")}${more}]`;
}
