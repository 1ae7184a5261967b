/** What the interfaces of hosts count: bytes as they leave, headers of all layers included. */
import type { Host } from "./bed.ts";
import { must } from "./command.ts";

/** All that a host has sent by its device since it was made. */
export async function sentBytes({ via, device }: Host): Promise<number> {
  return Number(await must(...via, "cat", `/sys/class/net/${device}/statistics/tx_bytes`));
}
