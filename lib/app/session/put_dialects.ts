/** Uploads to servers of the older dialects, as their own clients do them. */
import { basename } from "@std/path";
import { ShoalError } from "../../errors.ts";
import type { Bytes } from "../../ids.ts";
import { nowMs } from "../../io/system/clock.ts";
import { type TcpTarget, withConnection } from "../../io/net/tcp_client.ts";
import { DISCOVERY_PORT, PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { UPLOAD_MESSAGE_BYTES_MAX } from "../../protocol/session/limits.ts";
import { MAX_RETRIES_DEFAULT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { isSayable } from "../../wire/session_ascii.ts";
import { AsciiClient } from "./ascii_client.ts";
import type { EchoedEvent, StoredEvent } from "../events.ts";
import { identityOf, openLocalFile, requireUnchanged } from "./local_file.ts";
import type { PutOptions } from "../options.ts";
import { roundTrip } from "./round_trip_client.ts";

/** The server keeps the file and says its MD5, which must be ours. */
export async function putByAscii(options: PutOptions, path: string): Promise<StoredEvent> {
  const startedMs = nowMs();
  const name = basename(path);
  if (!isSayable(name)) {
    throw new ShoalError("bad_name", `${path} has a name that the ASCII dialect cannot express`);
  }
  const file = openLocalFile(path);
  try {
    const identity = identityOf(file, path);
    const size = identity.signature.sizeBytes;
    const meter = new RateMeter(startedMs);
    let [before, toldMs] = [0, -Infinity];
    const { server, onEvent } = options;
    const onProgress = (bytes: number): void => {
      meter.add(bytes - before);
      before = bytes;
      const now = nowMs();
      if (now - toldMs < PROGRESS_INTERVAL_MS) return;
      toldMs = now;
      const rate = meter.read(now);
      onEvent?.({
        event: "progress",
        name: path,
        bytes,
        size,
        rate,
        lanes: [{ server, rate, bytes }],
      });
    };
    const { said, md5, sha256 } = await withConnection(
      targetOf(options),
      (connection) =>
        new AsciiClient(connection, options.rateBytesPerS).upload(name, file, size, onProgress),
    );
    requireUnchanged(file, path, identity);
    if (said !== md5) {
      throw new ShoalError("unverified", `Fail: the server has ${said}, the file is ${md5}`);
    }
    onEvent?.({ event: "notice", level: "info", message: "Success" });
    const seconds = (nowMs() - startedMs) / 1000;
    // Whether it was there already, and what it is called now, the server does not say.
    return { event: "stored", name: path, server, size, sha256, md5, present: false, seconds };
  } finally {
    file.close();
  }
}

/** The server sends the file back and keeps nothing; what came back must be what was sent. */
export async function putByJson(options: PutOptions, path: string): Promise<EchoedEvent> {
  const startedMs = nowMs();
  const file = readWhole(path);
  const { sha256 } = await roundTrip({
    ...targetOf(options),
    file,
    path: basename(path),
    retriesMax: options.retries === undefined ? MAX_RETRIES_DEFAULT : options.retries - 1,
    log: (level, message) => {
      const isProblem = level !== "INFO";
      options.onEvent?.({ event: "notice", level: isProblem ? "warning" : "info", message });
    },
  });
  const seconds = (nowMs() - startedMs) / 1000;
  const { server } = options;
  return { event: "echoed", name: path, server, size: file.length, sha256, seconds };
}

/** A file that one message can hold. Throws ShoalError `usage` for any other. */
export function readWhole(path: string): Bytes {
  const file = openLocalFile(path);
  try {
    const { sizeBytes } = identityOf(file, path).signature;
    if (sizeBytes > UPLOAD_MESSAGE_BYTES_MAX) {
      throw new ShoalError("usage", `${path} is too large for the JSON dialect`, {
        hint: "It sends a file in one message: choose a smaller file, or another dialect.",
      });
    }
    const bytes: Bytes = new Uint8Array(sizeBytes);
    if (file.readAt(bytes, 0, sizeBytes, 0) < sizeBytes) {
      throw new ShoalError("disk", `${path} was truncated while it was being read`);
    }
    return bytes;
  } finally {
    file.close();
  }
}

function targetOf(options: PutOptions): TcpTarget {
  const { server, port = DISCOVERY_PORT, timeoutMs = TIMEOUT_MS_DEFAULT, signal } = options;
  return { server, port, timeoutMs, signal };
}
