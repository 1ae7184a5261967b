/** The server of the existing round-trip tool: uploads are sent back, and nothing is kept. */
import { endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { runDialogue, type SessionLibrary } from "../../io/workers/session_host.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import { AnswerTurns } from "../../protocol/session/answer_turns.ts";
import { RefusalNews } from "../../protocol/session/refusal_news.ts";
import { SESSION_WORK_PER_S } from "../../protocol/session/limits.ts";
import { SessionListener } from "../../io/net/session_listener.ts";
import { Throttle } from "../../io/net/throttle.ts";
import { resolveEchoServer } from "../option_defaults.ts";
import { UPLOAD_MESSAGE_BYTES_MAX } from "../../protocol/session/limits.ts";
import { SESSION_REQUESTS_PER_S, SESSIONS_MAX } from "../../io/net/limits.ts";
import { answerUpload, serveJson } from "../../protocol/session/serve_json.ts";
import { logNotice } from "../log_notice.ts";
import type { EchoServerOptions } from "../options.ts";

/** A running server of the older round-trip tool. */
export interface EchoServer {
  /** TCP port. */
  readonly port: number;
  /** Resolves when the server has stopped; rejects with a ShoalError if it broke. */
  readonly closed: Promise<void>;
  /** Stops the server; resolves when nothing of it is left. */
  close(): Promise<void>;
}

/**
 * Starts the server of the older round-trip tool: what a client uploads goes back in chunks, and nothing is kept.
 *
 * @param options where to listen, and how many errors to simulate
 * @returns the running server, with the port it listens on
 * @throws {ShoalError} `port_in_use` or `network` if the port cannot be opened
 *
 * @example Wait for clients
 * ```ts
 * import { assert } from "@std/assert";
 * import { serveEcho } from "@shoal/shoal";
 *
 * const server = serveEcho({ host: "127.0.0.1", port: 0 });
 * assert(server.port > 0);
 * await server.close();
 * ```
 */
export function serveEcho(options: EchoServerOptions): EchoServer {
  return serveEchoIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export function serveEchoIn(
  runtime: Pick<Runtime, "clock" | "random" | "net">,
  given: EchoServerOptions,
): EchoServer {
  const options = resolveEchoServer(given);
  const { host, port, layers, chunkBytes, errorRate } = options;
  const seed = options.seed ?? runtime.random.u32();
  const ended = Promise.withResolvers<void>();
  let connections = 0;
  const refusals = new RefusalNews();
  const nobody = (): never => {
    throw new ShoalError("internal", "a server that keeps nothing was asked for something");
  };
  const library: SessionLibrary = {
    clock: runtime.clock,
    get disk() {
      return nobody();
    },
    get uploads() {
      return nobody();
    },
    ask: nobody,
    md5Of: nobody,
    onUploaded: nobody,
    onSending: nobody,
    onSent: nobody,
    onChanged: nobody,
    get sent() {
      return nobody();
    },
    onStruck: nobody,
    onRefused: (name, from, message) => {
      const omitted = refusals.told(runtime.clock.nowMs(), from.address);
      if (omitted === undefined) return;
      const why = `Refused ${name === "" ? "an upload" : name} from ${
        endpointText(from)
      }: ${message}`;
      library.log("INFO", why);
    },
    turns: new AnswerTurns(),
    throttle: new Throttle(runtime.clock),
    log: (level, ...messages) => {
      for (const message of messages) options.onEvent?.(logNotice(level, message));
    },
  };
  const listener = new SessionListener({
    net: runtime.net,
    host,
    ports: [port],
    layers,
    portName: "the port of a round-trip server",
    speaksLines: false,
    connectionsMax: SESSIONS_MAX,
    clock: runtime.clock,
    requestsPerS: SESSION_REQUESTS_PER_S,
    workPerS: SESSION_WORK_PER_S,
    talk(connection, refusal, pace) {
      const dialogue = serveJson({
        allowsUpload: true,
        uploadBytesMax: UPLOAD_MESSAGE_BYTES_MAX,
        refusal,
        chunkBytes,
        errorRate,
        // Each connection draws other chances.
        seed: seed + 1_000 * connections++,
      }, answerUpload);
      library.log("DEBUG", `Connection established with ${connection.peer}`);
      return runDialogue(dialogue, connection, library, pace);
    },
    onProblem: (message) => library.log("ERROR", message),
    onFailure: (error) => ended.reject(error),
  });
  const close = async (): Promise<void> => {
    listener.hangUp();
    await listener.closed();
    ended.resolve();
    await ended.promise;
  };
  ended.promise.catch(() => {});
  options.signal?.addEventListener("abort", () => void close().catch(() => {}), { once: true });
  return { port: listener.port, closed: ended.promise, close };
}
