/** Where a client's sessions lead, and how a connection there is opened. */
import type { Endpoint } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { Layers } from "../../messages/transport_config.ts";
import type { Clock } from "../system/clock.ts";
import type { ByteStream } from "./byte_stream.ts";
import { type ConnectProblem, connectProblem } from "./connect_outcome.ts";
import type { Net } from "./net.ts";
import { endpointsOf, resolveHost } from "./network.ts";

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
  readonly net: Pick<Net, "connect" | "lookUp" | "subnets">;
}

/**
 * Connects to the first of the host's addresses where somebody takes the connection.
 *
 * Throws ShoalError `usage` for a host that is none or a layer that does not reach TCP, `no_server` if nobody is
 * there, `interrupted` on abort.
 */
export async function openStream(runtime: TcpRuntime, target: TcpTarget): Promise<ByteStream> {
  const { clock } = runtime;
  const { server, port, timeoutMs } = target;
  const endMs = clock.nowMs() + timeoutMs;
  const host = await resolveHost(runtime, server, target);
  const name = `${server}${host.port === undefined ? `, TCP port ${port}` : ""}`;
  const endpoints = endpointsOf(host, port);
  for (let tried = 0;; tried++) {
    const untried = endpoints.length - tried;
    try {
      // One that does not answer leaves time for the others.
      const shareMs = (endMs - clock.nowMs()) / untried;
      return await connected(runtime, target, endpoints[tried]!, name, shareMs);
    } catch (error) {
      const isOver = untried === 1 || ShoalError.from(error).code !== "no_server";
      if (isOver) throw error;
    }
  }
}

/**
 * Where to ask a server that is asked at one endpoint only: the first of its host's where somebody takes a connection, which
 * is found out only where there are several. Throws like {@linkcode openStream}.
 */
export async function reachableEndpoint(runtime: TcpRuntime, target: TcpTarget): Promise<Endpoint> {
  const endpoints = endpointsOf(await resolveHost(runtime, target.server, target), target.port);
  if (endpoints.length === 1) return endpoints[0]!;
  const stream = await openStream(runtime, target);
  stream.close();
  return stream.peer;
}

async function connected(
  { clock, net }: TcpRuntime,
  { layers, signal }: TcpTarget,
  endpoint: Endpoint,
  name: string,
  patienceMs: number,
): Promise<ByteStream> {
  const [late, decided] = [new AbortController(), new AbortController()];
  clock.sleep(patienceMs, decided.signal).then(() => late.abort());
  const ending = signal === undefined ? late.signal : AbortSignal.any([late.signal, signal]);
  try {
    return await net.connect(endpoint, layers, ending);
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause;
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    const problem = late.signal.aborted ? "silent" : connectProblem(cause);
    throw unreachable(TEXTS[problem](name), cause);
  } finally {
    decided.abort();
  }
}

const TEXTS: Readonly<Record<ConnectProblem, (name: string) => string>> = {
  refused: (name) => `${name} refuses the connection`,
  "no route": (name) => `nothing leads to ${name}, or it is off`,
  blocked: (name) => `a firewall on this machine lets nothing out to ${name}`,
  silent: (name) => `${name} does not answer`,
};

function unreachable(message: string, cause?: unknown): ShoalError {
  return new ShoalError("no_server", message, {
    hint: "Start the server there, open its TCP port in the firewall, or name another port.",
    cause,
  });
}
