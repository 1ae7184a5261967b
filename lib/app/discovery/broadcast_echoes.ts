/**
 * Whether a broadcast comes back to the machine that sent it, as broadcasts do: it then gets through this machine's own
 * firewall, out and in, and so would the answer of a server to a port that has asked nobody in particular.
 */
import { UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { DatagramTransport, Received } from "../../io/net/datagram_transport.ts";
import type { Runtime } from "../../io/runtime.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import { ECHO_BYTES, ECHO_PATIENCE_MS, ECHO_SENDS } from "./limits.ts";

interface BroadcastEchoes {
  /** To how many addresses something was sent. */
  readonly sent: number;
  /** From how many of them it has come back. */
  readonly heard: number;
}

/** Tries each of these addresses from a port of its own, which no program answers; `undefined` where no socket can be opened. */
export async function broadcastEchoes(
  { clock, net, random }: Pick<Runtime, "clock" | "net" | "random">,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<BroadcastEchoes | undefined> {
  const heard = await Promise.all(
    addresses.map((address) => comesBack({ clock, net, random }, address, signal)),
  );
  const tried = heard.filter((each) => each !== undefined);
  if (tried.length === 0) return undefined;
  return { sent: tried.length, heard: tried.filter((each) => each).length };
}

async function comesBack(
  { clock, net, random }: Pick<Runtime, "clock" | "net" | "random">,
  address: string,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  let transport: DatagramTransport;
  try {
    const config = transportConfig({ host: UNSPECIFIED_ADDRESS, tune: false, layers: [] });
    transport = net.openDatagrams(config);
  } catch {
    return undefined;
  }
  const [port, text] = [transport.port, random.bytes(ECHO_BYTES)];
  let isHeard = false;
  const onReceived = ({ bytes }: Received): void => {
    isHeard ||= isSame(bytes, text);
  };
  transport.listen(onReceived, () => {});
  try {
    for (let sent = 0; sent < ECHO_SENDS && !isHeard && !signal.aborted; sent++) {
      const outcome = await transport.send(text.slice(), { address, port });
      if (outcome !== "sent") return undefined;
      await clock.sleep(ECHO_PATIENCE_MS / ECHO_SENDS, signal);
    }
    return isHeard || (signal.aborted ? undefined : false);
  } finally {
    await transport.close();
  }
}

function isSame(a: Bytes, b: Bytes): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
