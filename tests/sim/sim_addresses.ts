/**
 * Addresses of the simulated world. Second paths are IPv6, where every server has a network of its own, so that what is
 * counted by networks is counted by servers.
 */
import { ipv6Bytes } from "../../lib/address.ts";

/** The client's, as the servers see it on this path. */
export function clientAddress(path: number): string {
  return path % 2 === 0 ? `10.${path}.0.200` : `fd00:${path}::200`;
}

export function addressOf(index: number, path: number): string {
  return path % 2 === 0 ? `10.${path}.0.${index + 1}` : `fd00:${path}:0:${index + 1}::1`;
}

/** By which path an address is reached, and of which server it is, if it is one's. */
export function placeOf(address: string): { readonly path: number; readonly index: number } {
  const bytes = ipv6Bytes(address);
  if (bytes !== undefined) return { path: bytes[3]!, index: bytes[7]! - 1 };
  const [, path = 0, , host = 0] = address.split(".").map(Number);
  return { path, index: host - 1 };
}
