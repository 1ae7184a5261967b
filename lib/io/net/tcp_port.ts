/** Opens TCP ports, and says why one cannot be opened. */
import { ShoalError } from "../../errors.ts";

/**
 * Listens on the first of `ports` that is free.
 *
 * Throws ShoalError `port_in_use` or `network`.
 */
export function listenTcp(hostname: string, ports: readonly number[]): Deno.TcpListener {
  for (const [i, port] of ports.entries()) {
    try {
      return Deno.listen({ transport: "tcp", hostname, port });
    } catch (cause) {
      if (!(cause instanceof Deno.errors.AddrInUse)) {
        throw new ShoalError("network", `cannot listen on TCP ${hostname}:${port}`, {
          hint: "Name an address of this machine, and a port that may be listened on.",
          cause,
        });
      }
      if (i < ports.length - 1) continue;
      throw new ShoalError("port_in_use", `TCP port ${port} is used by another program`, {
        hint: "Stop that program, or choose another port.",
        cause,
      });
    }
  }
  throw new ShoalError("internal", "no TCP port was named");
}
