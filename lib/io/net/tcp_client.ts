/** Where a client's sessions lead, and how a connection there is opened. */
import type { Endpoint } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { Layers } from "../../messages/transport_config.ts";
import type { Clock } from "../system/clock.ts";
import type { ByteStream } from "./byte_stream.ts";
import type { Net } from "./net.ts";
import { resolveHost } from "./network.ts";

export interface TcpTarget {
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** Where none is named. */
  readonly port: number;
  /** What lies between sessions and the socket; the server has the same. */
  readonly layers: Layers;
  /** How long connecting may take. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** What connecting needs of the platform. */
export interface TcpRuntime {
  readonly clock: Clock;
  readonly net: Pick<Net, "connect">;
}

/**
 * Throws ShoalError `usage` for a host that is none or a layer that does not reach TCP, `no_server` if nobody is
 * there, `interrupted` on abort.
 */
export async function openStream(
  { clock, net }: TcpRuntime,
  target: TcpTarget,
): Promise<ByteStream> {
  const { server, port, layers, timeoutMs, signal } = target;
  const startMs = clock.nowMs();
  const host = await clock.within(resolveHost(server), timeoutMs);
  if (host === undefined) throw unreachable(`the address of ${server} cannot be found out`);
  const endpoint: Endpoint = { address: host.address, port: host.port ?? port };
  const name = `${server}${host.port === undefined ? `, TCP port ${port}` : ""}`;
  const [late, decided] = [new AbortController(), new AbortController()];
  const leftMs = timeoutMs - (clock.nowMs() - startMs);
  clock.sleep(leftMs, decided.signal).then(() => late.abort());
  const ending = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  try {
    return await net.connect(endpoint, layers, ending);
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause;
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    const why = late.signal.aborted ? "does not answer" : "refuses the connection";
    throw unreachable(`${name} ${why}`, cause);
  } finally {
    decided.abort();
  }
}

function unreachable(message: string, cause?: unknown): ShoalError {
  return new ShoalError("no_server", message, {
    hint: "Start the server there, open its TCP port in the firewall, or name another port.",
    cause,
  });
}
