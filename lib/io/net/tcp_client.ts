/** A client's end of a TCP session, in any dialect. */
import { ShoalError } from "../../errors.ts";
import { ConnectionLost, SessionConnection } from "./session_connection.ts";
import { resolveHost } from "./network.ts";
import { denoNet, type Net } from "./net.ts";
import { denoClock } from "../system/clock.ts";

export interface TcpTarget {
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** Where none is named. */
  readonly port: number;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** The platform's by default. */
  readonly net?: Net;
}

/**
 * Connects, hands the connection to `talk`, and closes it. What the connection fails of is told as a
 * ShoalError: `no_server` if there never was one, `stalled` if it broke off, `interrupted` on abort.
 */
export async function withConnection<T>(
  target: TcpTarget,
  talk: (connection: SessionConnection) => Promise<T>,
): Promise<T> {
  const { server, signal } = target;
  const connection = await connect(target);
  const onAbort = (): void => connection.close();
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal?.aborted) onAbort();
    return await talk(connection);
  } catch (error) {
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    if (!(error instanceof ConnectionLost)) throw error;
    throw new ShoalError("stalled", `${server}: ${error.message}`, { cause: error });
  } finally {
    signal?.removeEventListener("abort", onAbort);
    connection.close();
  }
}

async function connect(target: TcpTarget): Promise<SessionConnection> {
  const { server, port, timeoutMs, signal, net = denoNet() } = target;
  const host = await resolveHost(server);
  const patience = AbortSignal.timeout(timeoutMs);
  const ending = signal === undefined ? patience : AbortSignal.any([patience, signal]);
  const name = `${server}${host.port === undefined ? `, TCP port ${port}` : ""}`;
  try {
    const endpoint = { address: host.address, port: host.port ?? port };
    return new SessionConnection(await net.connect(endpoint, ending), denoClock);
  } catch (cause) {
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    const why = patience.aborted ? "does not answer" : "refuses the connection";
    throw new ShoalError("no_server", `${name} ${why}`, {
      hint: "Start the server there, open its TCP port in the firewall, or name another port.",
      cause,
    });
  }
}
