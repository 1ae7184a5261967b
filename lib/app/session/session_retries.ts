/** A session with a server that survives broken connections. */
import { ShoalError } from "../../errors.ts";
import { nowMs, sleep } from "../../io/system/clock.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import { type TcpTarget, withConnection } from "../../io/net/tcp_client.ts";
import { RECONNECT_PAUSE_MS, RECONNECT_PAUSE_MS_MAX } from "./limits.ts";
import { RETRIES_DEFAULT } from "../limits.ts";

export interface PersistentTarget extends TcpTarget {
  /** Connections in a row that may fail; those that lasted for a while don't count. */
  readonly retries?: number | undefined;
  readonly onWaiting: (attempt: number, attempts: number, message: string) => void;
}

/**
 * Hands `talk` one connection after another until one is not broken off: it has to resume where it was.
 * A server that never answered is given up at once, one that did is waited for.
 *
 * Throws ShoalError like {@linkcode withConnection}.
 */
export async function withConnections<T>(
  target: PersistentTarget,
  talk: (connection: SessionConnection) => Promise<T>,
): Promise<T> {
  const { retries = RETRIES_DEFAULT, signal, onWaiting } = target;
  let wasConnected = false;
  for (let attempt = 1;; attempt++) {
    let connectedMs = Infinity;
    try {
      return await withConnection(target, (connection) => {
        wasConnected = true;
        connectedMs = nowMs();
        return talk(connection);
      });
    } catch (thrown) {
      const { code, message } = ShoalError.from(thrown);
      if (!wasConnected || (code !== "stalled" && code !== "no_server")) throw thrown;
      if (nowMs() - connectedMs > RECONNECT_PAUSE_MS_MAX) attempt = 1;
      // It was there: what arrived is worth resuming.
      if (attempt >= retries) throw new ShoalError("stalled", message, { cause: thrown });
      onWaiting(attempt, retries, `${message}: reconnecting`);
      await sleep(
        Math.min(RECONNECT_PAUSE_MS_MAX, RECONNECT_PAUSE_MS * 2 ** (attempt - 1)),
        signal,
      );
      if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    }
  }
}
