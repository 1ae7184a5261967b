/** The addresses by which other machines reach this one, for people to type. Pure. */
import {
  isLinkLocal,
  isLoopback,
  preferenceOf,
  type Subnet,
  UNSPECIFIED_ADDRESS,
  UNSPECIFIED_IPV6_ADDRESS,
} from "../../address.ts";
import type { InterfaceChoice } from "../../messages/transport_config.ts";
import { OWN_ADDRESSES_MAX } from "./limits.ts";

/** IPv4 before IPv6; what only a link knows is left out. */
export function ownAddresses(
  host: string,
  subnets: readonly Subnet[],
  { only, except }: InterfaceChoice,
): readonly string[] {
  if (host !== UNSPECIFIED_ADDRESS && host !== UNSPECIFIED_IPV6_ADDRESS) return [host];
  const meant = subnets.filter(({ interface: name = "" }) =>
    (only.length === 0 || only.includes(name)) && !except.includes(name)
  );
  const addresses = new Set(meant.map(({ address }) => address));
  return [...addresses]
    .filter((address) => !isLoopback(address) && !isLinkLocal(address))
    .toSorted((a, b) => preferenceOf(a) - preferenceOf(b))
    .slice(0, OWN_ADDRESSES_MAX);
}
