/** Byte streams over TCP: connects, and listens on ports, and says why one cannot be opened. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { sleep } from "../system/deno_clock.ts";
import type { ByteStream, StreamListener } from "./byte_stream.ts";
import { ACCEPT_PAUSE_MS } from "./limits.ts";

/** @throws whatever the system says of a connection that does not come about, also after an abort */
export async function connectTcp(
  { address: hostname, port }: Endpoint,
  signal: AbortSignal,
): Promise<ByteStream> {
  return new TcpStream(await Deno.connect({ transport: "tcp", hostname, port, signal }));
}

/**
 * Listens on the first of `ports` that is free.
 *
 * @throws ShoalError `port_in_use` or `network`
 */
export function listenTcp(hostname: string, ports: readonly number[]): StreamListener {
  for (const [i, port] of ports.entries()) {
    try {
      return new TcpListener(Deno.listen({ transport: "tcp", hostname, port }));
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AddrInUse)) {
        throw new ShoalError("network", `cannot listen on TCP ${hostname}:${port}`, {
          hint: "Name an address of this machine, and a port that may be listened on.",
          cause,
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

class TcpListener implements StreamListener {
  readonly port: number;
  readonly #listener: Deno.TcpListener;
  #isClosed = false;

  constructor(listener: Deno.TcpListener) {
    this.#listener = listener;
    this.port = listener.addr.port;
  }

  async accept(): Promise<ByteStream | undefined> {
    while (!this.#isClosed) {
      try {
        return new TcpStream(await this.#listener.accept());
      } catch (error) {
        if (this.#isClosed) break;
        if (error instanceof Deno.errors.BadResource) throw error;
        // Out of descriptors, or the peer left before it was accepted: the next may succeed.
        await sleep(ACCEPT_PAUSE_MS);
      }
    }
    return undefined;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#listener.close();
  }
}

class TcpStream implements ByteStream {
  readonly peer: Endpoint;
  readonly localAddress: string;
  readonly #conn: Deno.TcpConn;

  constructor(conn: Deno.TcpConn) {
    this.#conn = conn;
    this.peer = { address: conn.remoteAddr.hostname, port: conn.remoteAddr.port };
    this.localAddress = conn.localAddr.hostname;
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
