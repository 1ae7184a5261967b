/** What the platform says of this machine's network: its interfaces, and what names stand for. */
import { canonicalAddress, isIpv6, isLinkLocal, type Subnet, withoutScope } from "../../address.ts";

/** What they were when they could last be read. */
let lastSubnets: readonly Subnet[] | undefined;

/**
 * The subnets of this machine's interfaces, of both families; none where Deno may not look (`--allow-sys`).
 *
 * Reading them takes a descriptor. While there is none left, they are what they were before: timers and sends ask for
 * them all the time, and a lack that passes must end nobody.
 *
 * @throws what the system says, where this thread has never been able to read them
 */
export function denoSubnets(): readonly Subnet[] {
  const permission = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  if (permission.state !== "granted") return [];
  try {
    return lastSubnets = readSubnets();
  } catch (error) {
    if (lastSubnets === undefined) throw error;
    return lastSubnets;
  }
}

function readSubnets(): readonly Subnet[] {
  return Deno.networkInterfaces().flatMap(({ name, address: text, netmask, scopeid }) => {
    const isOfLink = isIpv6(text) && isLinkLocal(text);
    const address = canonicalAddress(isOfLink ? `${text}%${name}` : text);
    if (address === undefined) return [];
    const number = scopeid === null || scopeid === 0 ? {} : { interfaceIndex: scopeid };
    return [{ address, netmask, interface: name, ...number }];
  });
}

/** Rejects with whatever the resolver says of a name that stands for nothing. */
export async function denoLookUp(host: string): Promise<readonly string[]> {
  // Few have names to look up, and every thread would load it.
  const { lookup } = await import("node:dns/promises");
  // The resolver tells of this denial as if a firewall were in the way.
  if (Deno.permissions.querySync({ name: "net", host }).state !== "granted") {
    const message = `Requires net access to "${host}", run again with the --allow-net flag`;
    throw new Deno.errors.NotCapable(message);
  }
  const found = await lookup(host, { all: true });
  return found.map(({ address }) => canonicalAddress(address)).filter((each) => each !== undefined);
}

/** What the resolver, or the file of hosts, calls the host at an address; `undefined` where they do not know, or may not be asked. */
export async function denoNameOf(address: string): Promise<string | undefined> {
  if (Deno.permissions.querySync({ name: "net" }).state !== "granted") return undefined;
  const { lookupService } = await import("node:dns/promises");
  try {
    const { hostname } = await lookupService(withoutScope(address), 0);
    return hostname === "" || hostname === address ? undefined : hostname;
  } catch {
    return undefined;
  }
}
