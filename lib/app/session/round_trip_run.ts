/** The round trip of the older JSON dialect, as far as it concerns options and events. */
import type { TcpRuntime } from "../../io/net/tcp_client.ts";
import { JsonSession } from "../../protocol/session/json_session.ts";
import type { LogLevel } from "../../protocol/session/dialogue.ts";
import { UPLOAD_MESSAGE_BYTES_MAX } from "../../protocol/session/limits.ts";
import {
  RoundTripClient,
  type RoundTripFile,
  type RoundTripResult,
} from "../../protocol/session/round_trip_client.ts";
import { converse, type SessionTarget } from "./session_retries.ts";

interface RoundTripOptions extends SessionTarget, RoundTripFile {
  readonly log: (level: LogLevel, message: string) => void;
}

/**
 * @throws ShoalError `usage` for a file that is too large for one message, `unverified` when it does not come back as
 * it was, `refused`, `network`, `no_server`, `stalled`, `interrupted`
 */
export async function roundTrip(
  runtime: TcpRuntime,
  options: RoundTripOptions,
): Promise<RoundTripResult> {
  const client = new RoundTripClient(options);
  const session = (peer: string): JsonSession =>
    new JsonSession({
      peer,
      messageBytesMax: UPLOAD_MESSAGE_BYTES_MAX,
      language: "the JSON dialect",
      hint: "Check the address and the port, or try another --dialect.",
    });
  const { clock } = runtime;
  const startedMs = clock.nowMs();
  const result = await converse(runtime, options, (peer) => {
    options.log("DEBUG", `Connected to server at ${peer}`);
    return client.talk(session(peer));
  }, {
    tell: (news) => {
      if (news.kind === "log") options.log(news.level, news.message);
    },
  });
  const seconds = ((clock.nowMs() - startedMs) / 1000).toFixed(2);
  options.log("DEBUG", `Transfer Successful! Time taken: ${seconds} seconds`);
  return result;
}
