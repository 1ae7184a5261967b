/** Uploads to servers of the older dialects, as their own clients do them. */
import { basename } from "@std/path/basename";
import { ShoalError } from "../../errors.ts";
import type { Bytes } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import type { Runtime } from "../../io/runtime.ts";
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import { AsciiManners, AsciiSession } from "../../protocol/session/ascii_session.ts";
import { UPLOAD_MESSAGE_BYTES_MAX } from "../../protocol/session/limits.ts";
import { MAX_RETRIES_DEFAULT } from "../limits.ts";
import { isSayable } from "../../wire/session_ascii.ts";
import type { EchoedEvent, StoredEvent } from "../events.ts";
import { logNotice } from "../log_notice.ts";
import { FileToSend } from "./local_file.ts";
import type { ResolvedPutOptions } from "../option_defaults.ts";
import { roundTrip } from "./round_trip_run.ts";
import { SessionProgress } from "./session_progress.ts";
import { converse, type SessionTarget } from "./session_retries.ts";

/** What sending a file needs of the platform. */
export type PutRuntime = TcpRuntime & Pick<Runtime, "disk">;

/** The server keeps the file and says its MD5, which must be ours. */
export async function putByAscii(
  runtime: PutRuntime,
  options: ResolvedPutOptions,
  path: string,
): Promise<StoredEvent> {
  const { clock } = runtime;
  const startedMs = clock.nowMs();
  const name = basename(path);
  if (!isSayable(name)) {
    throw new ShoalError("bad_name", `${path} has a name that the ASCII dialect cannot express`);
  }
  const { server, onEvent } = options;
  const file = new FileToSend(runtime.disk, path);
  try {
    const { sizeBytes: size } = file;
    const progress = new SessionProgress({
      clock,
      name: path,
      server,
      sizeBytes: size,
      emit: (event) => onEvent?.(event),
    });
    const manners = new AsciiManners();
    const { said, md5, sha256 } = await converse(
      runtime,
      targetOf(options, path),
      (peer) => new AsciiSession(peer, manners).upload(name, size),
      {
        read: (step) => file.read(step),
        confirm: () => file.confirm(),
        tell: (news) => {
          if (news.kind === "progress") progress.at(news.bytes);
        },
      },
    );
    if (said !== md5) {
      throw new ShoalError("unverified", `Fail: the server has ${said}, the file is ${md5}`);
    }
    onEvent?.({ event: "notice", level: "info", message: "Success" });
    const seconds = (clock.nowMs() - startedMs) / 1000;
    // Whether it was there already, and what it is called now, the server does not say.
    return { event: "stored", name: path, server, size, sha256, md5, present: false, seconds };
  } finally {
    file.close();
  }
}

/** The server sends the file back and keeps nothing; what came back must be what was sent. */
export async function putByJson(
  runtime: PutRuntime,
  options: ResolvedPutOptions,
  path: string,
): Promise<EchoedEvent> {
  const { clock } = runtime;
  const startedMs = clock.nowMs();
  const file = readWhole(runtime.disk, path);
  const { sha256 } = await roundTrip(runtime, {
    ...targetOf(options, path),
    rateBytesPerS: 0,
    file,
    path: basename(path),
    retriesMax: MAX_RETRIES_DEFAULT,
    log: (level, message) => options.onEvent?.(logNotice(level, message)),
  });
  const seconds = (clock.nowMs() - startedMs) / 1000;
  const { server } = options;
  return { event: "echoed", name: path, server, size: file.length, sha256, seconds };
}

/** A file that one message can hold. Throws ShoalError `usage` for any other. */
export function readWhole(disk: Disk, path: string): Bytes {
  const file = new FileToSend(disk, path);
  try {
    const { sizeBytes } = file;
    if (sizeBytes > UPLOAD_MESSAGE_BYTES_MAX) {
      throw new ShoalError("usage", `${path} is too large for the JSON dialect`, {
        hint: "It sends a file in one message: choose a smaller file, or another dialect.",
      });
    }
    return file.read({ kind: "read", offset: 0, lengthBytes: sizeBytes, headerBytes: 0 });
  } finally {
    file.close();
  }
}

/** Where a file is put, and with how much patience. */
export function targetOf(options: ResolvedPutOptions, path: string): SessionTarget {
  const { server, port, layers, timeoutMs, retries, rateBytesPerS, signal, onEvent } = options;
  return {
    server,
    port,
    layers,
    timeoutMs,
    retries,
    rateBytesPerS,
    signal,
    onWaiting: (attempt, attempts, message) =>
      onEvent?.({ event: "waiting", name: path, attempt, attempts, message }),
  };
}
