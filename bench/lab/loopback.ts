/** The bed of those who are not root: everything on 127.0.0.1, nothing shaped, nothing lost. */
import type { Bed, Host } from "./bed.ts";
import { run } from "./command.ts";

const ATTEMPTS_MAX = 100;

export function loopbackBed(serverCount: number, env: Readonly<Record<string, string>>): Bed {
  const host: Host = {
    address: "127.0.0.1",
    via: [],
    env: { ...env, SHOAL_BROADCAST: "127.255.255.255" },
    device: "lo",
  };
  return {
    kind: "loopback",
    client: host,
    clients: [host],
    router: undefined,
    servers: Array.from({ length: serverCount }, () => host),
    port: freePort,
    useCongestion: async () => {
      const { ok, text } = await run("cat", "/proc/sys/net/ipv4/tcp_congestion_control");
      return ok ? text.trim() : "unknown";
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

/** Away from the ports that programs are given at random; even, and the next one is free, too. */
function freePort(): number {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = 12_000 + 2 * (crypto.getRandomValues(new Uint16Array(1))[0]! % 9000);
    if (isFree(port) && isFree(port + 1)) return port;
  }
  throw new Error("no free port");
}

function isFree(port: number): boolean {
  try {
    Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port }).close();
    Deno.listen({ hostname: "0.0.0.0", port }).close();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.AddrInUse) return false;
    throw error;
  }
}
