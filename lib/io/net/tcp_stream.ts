/** Byte streams over TCP: connects, and listens on ports, and says why one cannot be opened. */
import {
  type Endpoint,
  isLinkLocal,
  peerAddress,
  scopeOf,
  UNSPECIFIED_ADDRESS,
  UNSPECIFIED_IPV6_ADDRESS,
  withoutScope,
} from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { descriptorsHint, ShoalError } from "../../errors.ts";
import { sleep } from "../system/deno_clock.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import { denoSubnets } from "./deno_network.ts";
import { ACCEPT_PAUSE_MS } from "./limits.ts";

/** @throws whatever the system says of a connection that does not come about, also after an abort */
export async function connectTcp(
  { address: hostname, port }: Endpoint,
  signal: AbortSignal,
): Promise<ByteStream> {
  const conn = await Deno.connect({ transport: "tcp", hostname, port, signal });
  return new TcpStream(conn, scopeOf(hostname));
}

/**
 * Listens on the first of `ports` that is free; at 0.0.0.0, in both families.
 *
 * @throws ShoalError `port_in_use` or `network`
 */
export function listenTcp(hostname: string, ports: readonly number[]): StreamListener {
  const isEvery = hostname === UNSPECIFIED_ADDRESS || hostname === UNSPECIFIED_IPV6_ADDRESS;
  for (const [i, port] of ports.entries()) {
    try {
      return new TcpListener(isEvery ? listenEverywhere(port) : [listenAt(hostname, port)]);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AddrInUse)) {
        const { message } = ShoalError.from(cause);
        throw new ShoalError("network", `cannot listen on TCP ${hostname}:${port}: ${message}`, {
          hint: "Name an address of this machine, and a port that may be listened on.",
          cause,
          ...descriptorsHint(cause),
        });
      }
      if (i < ports.length - 1) continue;
      throw new ShoalError("port_in_use", `TCP port ${port} is in use by another program`, {
        hint: "Stop that program, or choose another port.",
        cause,
      });
    }
  }
  throw new ShoalError("internal", "no TCP port was named");
}

function listenAt(hostname: string, port: number): Deno.TcpListener {
  return Deno.listen({ transport: "tcp", hostname, port });
}

/** Most systems let one socket of IPv6 take both families, others want one of each; some have no IPv6. */
function listenEverywhere(port: number): Deno.TcpListener[] {
  let both: Deno.TcpListener;
  try {
    both = listenAt(UNSPECIFIED_IPV6_ADDRESS, port);
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return [listenAt(UNSPECIFIED_ADDRESS, port)];
  }
  try {
    return [both, listenAt(UNSPECIFIED_ADDRESS, both.addr.port)];
  } catch {
    return [both];
  }
}

class TcpListener implements StreamListener {
  readonly port: number;
  readonly #listeners: readonly Deno.TcpListener[];
  /** By listener, what it will accept next. */
  readonly #accepting = new Map<Deno.TcpListener, Promise<Accepted>>();
  #isClosed = false;

  constructor(listeners: readonly Deno.TcpListener[]) {
    this.#listeners = listeners;
    this.port = listeners[0]!.addr.port;
  }

  async accept(): Promise<ByteStream | undefined> {
    while (!this.#isClosed) {
      for (const each of this.#listeners) {
        if (!this.#accepting.has(each)) this.#accepting.set(each, acceptedBy(each));
      }
      const { listener, conn, error } = await Promise.race(this.#accepting.values());
      this.#accepting.delete(listener);
      if (this.#isClosed) {
        conn?.close();
        break;
      }
      if (conn !== undefined) return new TcpStream(conn, linkOf(conn.localAddr.hostname));
      if (error instanceof Deno.errors.BadResource) throw error;
      // Out of descriptors, or the peer left before it was accepted: the next may succeed.
      await sleep(ACCEPT_PAUSE_MS);
    }
    return undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const each of this.#listeners) each.close();
  }
}

interface Accepted {
  readonly listener: Deno.TcpListener;
  readonly conn?: Deno.TcpConn;
  readonly error?: unknown;
}

async function acceptedBy(listener: Deno.TcpListener): Promise<Accepted> {
  try {
    return { listener, conn: await listener.accept() };
  } catch (error) {
    return { listener, error };
  }
}

/** The interface by which a peer came that has reached `own`; unknown where several have that address. */
function linkOf(own: string): string | undefined {
  if (!isLinkLocal(own)) return undefined;
  const links = denoSubnets().filter(({ address }) => withoutScope(address) === own);
  return links.length === 1 ? links[0]!.interface : undefined;
}

class TcpStream implements ByteStream {
  readonly peer: Endpoint;
  readonly localAddress: string;
  readonly #conn: Deno.TcpConn;

  /** @param scope of the link by which the peer is reached, if its address is of one */
  constructor(conn: Deno.TcpConn, scope: string | undefined) {
    this.#conn = conn;
    const { hostname, port } = conn.remoteAddr;
    this.peer = { address: peerAddress(hostname, scope), port };
    this.localAddress = peerAddress(conn.localAddr.hostname, scope);
    conn.setNoDelay(true);
  }

  async read(target: Bytes): Promise<number> {
    try {
      return await this.#conn.read(target) ?? 0;
    } catch {
      return 0;
    }
  }

  async write(bytes: Uint8Array): Promise<number> {
    try {
      return await this.#conn.write(bytes);
    } catch {
      return 0;
    }
  }

  async closeWrite(): Promise<void> {
    await this.#conn.closeWrite();
  }

  close(): void {
    try {
      this.#conn.close();
    } catch {
      // Closed from the other side.
    }
  }
}
