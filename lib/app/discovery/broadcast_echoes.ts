/**
 * Whether a broadcast comes back to the machine that sent it, as broadcasts do: it then gets through this machine's own
 * firewall, out and in, and so would the answer of a server to a port that has asked nobody in particular.
 */
import { type Endpoint, isIpv4, UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { ALL_INTERFACES } from "../../io/net/interface_choice.ts";
import type { DatagramTransport, Received } from "../../io/net/datagram_transport.ts";
import type { Runtime } from "../../io/runtime.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import { ECHO_BYTES, ECHO_PATIENCE_MS, ECHO_SENDS } from "./limits.ts";

type EchoRuntime = Pick<Runtime, "clock" | "net" | "random">;

export interface BroadcastEchoes {
  /** To how many addresses something was sent. */
  readonly sent: number;
  /** From how many of them it has come back. */
  readonly heard: number;
}

/**
 * Tries each of these addresses, of broadcasts or of groups; `undefined` where no socket can be opened, or nothing sent.
 *
 * @param port the one that it is sent to, and heard at; by default one that no program answers at
 */
export async function broadcastEchoes(
  runtime: EchoRuntime,
  addresses: readonly string[],
  signal: AbortSignal,
  port = 0,
): Promise<BroadcastEchoes | undefined> {
  const heard = await Promise.all(
    addresses.map((address) => comesBack(runtime, { address, port }, signal)),
  );
  const tried = heard.filter((each) => each !== undefined);
  if (tried.length === 0) return undefined;
  return { sent: tried.length, heard: tried.filter((each) => each).length };
}

async function comesBack(
  { clock, net, random }: EchoRuntime,
  { address, port: wanted }: Endpoint,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  let transport: DatagramTransport;
  try {
    const config = transportConfig({ host: UNSPECIFIED_ADDRESS, tune: false, layers: [] });
    const isGroup = !isIpv4(address);
    transport = net.openDatagrams({
      ...{ ...config, ports: [wanted], share: wanted !== 0 },
      // Only who has joined a group hears what is sent to it.
      ...(isGroup && { answers: true, group: ALL_INTERFACES, loops: true }),
    });
  } catch {
    return undefined;
  }
  const { port } = transport;
  // It begins like nothing that a server at this port would answer.
  const text = random.bytes(ECHO_BYTES);
  text[0] = 0;
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
