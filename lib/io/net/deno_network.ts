/** What the platform says of this machine's network: its interfaces, and what names stand for. */
import { lookup } from "node:dns/promises";
import type { Subnet } from "../../address.ts";

/** The subnets of this machine's interfaces; none where Deno may not look (`--allow-sys`). IPv4 only. */
export function denoSubnets(): readonly Subnet[] {
  const permission = Deno.permissions.querySync({ name: "sys", kind: "networkInterfaces" });
  if (permission.state !== "granted") return [];
  return Deno.networkInterfaces()
    .filter((each) => each.family === "IPv4")
    .map(({ address, netmask }) => ({ address, netmask }));
}

/** Rejects with whatever the resolver says of a name that stands for nothing. IPv4 only. */
export async function denoLookUp(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { family: 4, all: true });
  return found.map(({ address }) => address);
}
