/** `get --tcp --dialect ascii`: files of a server that knows MD5 ids and nothing else. */
import { ShoalError } from "../../errors.ts";
import type { SafeFileName } from "../../ids.ts";
import { hashHex } from "../../ids.ts";
import type { Disk } from "../../io/files/disk.ts";
import { ClassicTarget } from "../../io/files/classic_target.ts";
import { nowMs } from "../../io/system/clock.ts";
import { withConnection } from "../../io/net/tcp_client.ts";
import { PROGRESS_INTERVAL_MS } from "../../limits.ts";
import { parseFileName } from "../../names.ts";
import { RateMeter } from "../../protocol/base/rate_meter.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import type { ListedFile } from "../../wire/session_ascii.ts";
import { AsciiClient } from "./ascii_client.ts";
import type { DoneEvent, FailedEvent } from "../events.ts";
import type { ResolvedTcpGetOptions } from "../option_defaults.ts";
import type { GetResult } from "../options.ts";

/** One a name, in the order of the names. */
export async function getByAscii(
  disk: Disk,
  options: ResolvedTcpGetOptions,
): Promise<GetResult> {
  const results: (DoneEvent | FailedEvent)[] = [];
  for (const name of options.names) {
    const event = await getOne(disk, options, name).catch((thrown): FailedEvent => {
      const { code, message, hint } = ShoalError.from(thrown);
      return { event: "failed", name, code, message, hint };
    });
    options.onEvent?.(event);
    results.push(event);
  }
  return results;
}

async function getOne(
  disk: Disk,
  options: ResolvedTcpGetOptions,
  wanted: string,
): Promise<DoneEvent> {
  const { server, port, timeoutMs, signal } = options;
  const startedMs = nowMs();
  return await withConnection({ server, port, timeoutMs, signal }, async (connection) => {
    const client = new AsciiClient(connection, options.rateBytesPerS);
    const file = chosen(await client.list(), wanted);
    const name = safeName(file.name);
    const target = new ClassicTarget(disk, options.outDir, name, file.id, options.force);
    try {
      const sha256 = new StreamingHash();
      const meter = new RateMeter(startedMs);
      let [bytes, toldMs] = [0, -Infinity];
      const md5 = await client.download(file, (piece) => {
        target.write(piece, bytes, file.sizeBytes);
        sha256.update(piece);
        bytes += piece.length;
        meter.add(piece.length);
        const now = nowMs();
        if (now - toldMs < PROGRESS_INTERVAL_MS) return;
        toldMs = now;
        const rate = meter.read(now);
        const lanes = [{ server: connection.peer, rate, bytes }];
        const size = file.sizeBytes;
        options.onEvent?.({ event: "progress", name: wanted, bytes, size, rate, lanes });
      });
      if (md5 !== file.id) {
        throw new ShoalError("unverified", `what arrived is not '${wanted}': its MD5 differs`);
      }
      const digest = hashHex(sha256.digestHex());
      if (options.sha256 !== undefined && options.sha256.toLowerCase() !== digest) {
        throw new ShoalError("not_found", `the server has a different '${wanted}'`);
      }
      const published = await target.publish(file.sizeBytes, digest);
      if (published === undefined) {
        throw new ShoalError("unverified", "the disk returned different bytes than were written");
      }
      return {
        event: "done",
        name: wanted,
        path: published.path,
        size: file.sizeBytes,
        sha256: digest,
        seconds: (nowMs() - startedMs) / 1000,
        resumedBytes: 0,
        present: published.isPresent,
        servers: [{
          server: connection.peer,
          id: "",
          bytes: file.sizeBytes,
          chunks: 1,
          badChunks: 0,
          retransmits: 0,
        }],
      };
    } finally {
      target.discard();
    }
  });
}

/** By id or by name. */
function chosen(files: readonly ListedFile[], wanted: string): ListedFile {
  const id = wanted.replace(/^md5:/, "").toLowerCase();
  const file = files.find((each) => each.id === id) ?? files.find((each) => each.name === wanted);
  if (file !== undefined) return file;
  throw new ShoalError("not_found", `the server does not list '${wanted}'`);
}

function safeName(text: string): SafeFileName {
  const parsed = parseFileName(text);
  if (parsed.ok) return parsed.name;
  throw new ShoalError("bad_name", `the server lists an invalid name: ${parsed.problem}`);
}
