/** This machine's network interfaces, by name and by number. They come and go, so they are looked at again. */
import { isIpv6, type Subnet } from "../../address.ts";
import { nowMs } from "../system/deno_clock.ts";
import { denoSubnets } from "./deno_network.ts";
import { INTERFACES_MEMORY_MS } from "./limits.ts";

/** Of these subnets, those of IPv6. */
export function ipv6Among(subnets: readonly Subnet[]): readonly Subnet[] {
  return subnets.filter(({ address }) => isIpv6(address));
}

/** The number of an interface; `undefined` where none has that name. */
export function interfaceIndex(name: string | undefined): number | undefined {
  if (name === undefined) return undefined;
  return table((each) => each.byName.has(name)).byName.get(name) ?? numbered(name);
}

/** The name of an interface, or its number where none has it. */
export function interfaceName(index: number): string {
  return table((each) => each.byIndex.has(index)).byIndex.get(index) ?? String(index);
}

interface Table {
  readonly readMs: number;
  readonly byName: ReadonlyMap<string, number>;
  readonly byIndex: ReadonlyMap<number, string>;
}

let known: Table = { readMs: -Infinity, byName: new Map(), byIndex: new Map() };

/** The table as it is known; read again, but not all the time, where it lacks what is looked for. */
function table(has: (each: Table) => boolean): Table {
  if (has(known) || nowMs() - known.readMs < INTERFACES_MEMORY_MS) return known;
  const found = denoSubnets().flatMap(({ interface: name, interfaceIndex: index }) =>
    name === undefined || index === undefined ? [] : [[name, index] as const]
  );
  const byIndex = new Map(found.map(([name, index]) => [index, name]));
  return known = { readMs: nowMs(), byName: new Map(found), byIndex };
}

function numbered(name: string): number | undefined {
  return /^[1-9]\d{0,8}$/.test(name) ? Number(name) : undefined;
}
