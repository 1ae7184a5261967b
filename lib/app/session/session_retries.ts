/** A client's sessions with one server: a connection that breaks is opened again, and the dialogue resumes. */
import { endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { type ClientHost, runClient } from "../../io/net/client_driver.ts";
import { openStream, type TcpRuntime, type TcpTarget } from "../../io/net/tcp_client.ts";
import { Throttle } from "../../io/net/throttle.ts";
import type { ClientDialogue } from "../../protocol/session/client_dialogue.ts";
import { ServerRefusal } from "../../protocol/session/json_session.ts";
import type { WireCode } from "../../wire/session_codes.ts";
import { RECONNECT_PAUSE_MS, RECONNECT_PAUSE_MS_MAX } from "./limits.ts";

/** Where sessions lead, and how long they wait: `timeoutMs` bounds every wait, connecting included. */
export interface SessionTarget extends TcpTarget {
  /** Connections in a row that may bring nothing; a server that is away is waited for as many timeouts. */
  readonly retries: number;
  /** Of what is sent and received; 0 (the default) for no bound. */
  readonly rateBytesPerS?: number | undefined;
  /** The connection failed, and is opened again soon. */
  readonly onWaiting?: ((attempt: number, attempts: number, message: string) => void) | undefined;
}

/** Refusals that may pass: the same request can succeed a moment later. */
const PASSING: ReadonlySet<WireCode> = new Set(["crowded", "idle"]);

/**
 * Performs a dialogue with a server, on one connection after another until one is not broken off: each begins with
 * a new dialogue, which has to resume where the last one was.
 *
 * A server that was never there is given up at once. One that was is tried again: if it refuses connections meanwhile,
 * for all of the patience, since that takes no time.
 *
 * @param talk the dialogue, with a peer that people are told of by this name
 * @throws ShoalError `no_server` if nobody is there, or whoever is there never says anything; `stalled` if it
 * stopped, `interrupted` on abort, and what the dialogue throws
 */
export async function converse<T>(
  runtime: TcpRuntime,
  target: SessionTarget,
  talk: (peer: string) => ClientDialogue<T>,
  host: ClientHost = {},
): Promise<T> {
  const { clock } = runtime;
  const { retries, timeoutMs, signal, onWaiting } = target;
  const throttle = new Throttle(clock, target.rateBytesPerS);
  let [connectedMs, wasHeard] = [-Infinity, false];
  for (let failures = 0;;) {
    try {
      const stream = await openStream(runtime, target);
      connectedMs = clock.nowMs();
      return await runClient(talk(endpointText(stream.peer)), stream, {
        clock,
        timeoutMs,
        host,
        throttle,
        signal,
        onHeard: () => wasHeard = true,
        onAdvance: () => failures = -1,
      });
    } catch (thrown) {
      if (connectedMs === -Infinity || !isPassing(thrown)) throw thrown;
      failures += 1;
      const awayMs = isRefusal(thrown) ? clock.nowMs() - connectedMs : Infinity;
      if (failures >= retries && awayMs >= timeoutMs * retries) throw lastError(thrown, wasHeard);
      const attempt = Math.max(1, Math.min(failures, retries - 1));
      onWaiting?.(attempt, retries, `${ShoalError.from(thrown).message}: reconnecting`);
      const pauseMs = Math.min(
        RECONNECT_PAUSE_MS_MAX,
        RECONNECT_PAUSE_MS * 2 ** Math.max(0, failures - 1),
      );
      await clock.sleep(pauseMs, signal);
      if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    }
  }
}

/** Whether nobody listens there. */
function isRefusal(thrown: unknown): boolean {
  return thrown instanceof ShoalError && thrown.code === "no_server";
}

function isPassing(thrown: unknown): boolean {
  if (thrown instanceof ServerRefusal) return PASSING.has(thrown.wireCode);
  return thrown instanceof ShoalError && (thrown.code === "stalled" || thrown.code === "no_server");
}

/** A peer that never sent anything counts as no server. */
function lastError(thrown: unknown, wasHeard: boolean): unknown {
  if (thrown instanceof ServerRefusal) return thrown;
  const { message } = ShoalError.from(thrown);
  if (wasHeard) {
    const hint = "Run the same command again; with a longer --timeout, if the server is slow.";
    return new ShoalError("stalled", message, { hint, cause: thrown });
  }
  return new ShoalError("no_server", message, {
    hint:
      "Is that a server? Check the address, the port and the --dialect. One that has a secret answers nobody without it: see `secret --help`.",
    cause: thrown,
  });
}
