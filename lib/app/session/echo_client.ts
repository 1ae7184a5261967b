/** The client of the existing round-trip tool: keeps what came back as `received_NAME`. */
import { basename } from "@std/path";
import { writeWholeFile } from "../../io/files/whole_file.ts";
import { TIMEOUT_MS_DEFAULT } from "../limits.ts";
import type { EchoClientOptions, EchoResult } from "../options.ts";
import { readWhole } from "./put_dialects.ts";
import { roundTrip } from "./round_trip.ts";

/** Throws ShoalError `unverified` when the file does not come back as it was. */
export async function echo(options: EchoClientOptions): Promise<EchoResult> {
  const { server, port, retriesMax, signal } = options;
  const file = readWhole(options.file);
  const name = basename(options.file);
  const result = await roundTrip({
    server,
    port,
    timeoutMs: TIMEOUT_MS_DEFAULT,
    signal,
    file,
    path: name,
    retriesMax,
    log: (level, message) =>
      options.onEvent?.({ event: "notice", level: level === "INFO" ? "info" : "warning", message }),
  });
  const path = `received_${name}`;
  await writeWholeFile(path, result.file);
  const { sha256, chunkCount, rounds } = result;
  return { path, sizeBytes: file.length, sha256, chunkCount, rounds };
}
