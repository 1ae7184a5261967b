/**
 * One send by Deno's own API, and what the system says of it. What it has no room for now is tried again in a moment,
 * which slows down whoever sends; what it refuses is told apart, so that people can be told what to do.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { SendOutcome } from "./datagram_transport.ts";
import { NO_ROOM_PAUSES_MS } from "./limits.ts";

/** By the names of Linux and macOS. EINVAL is what older kernels say of segments that they are to cut. */
const OUTCOMES: Readonly<Record<string, SendOutcome>> = {
  EPERM: "blocked",
  EACCES: "forbidden",
  ENETUNREACH: "no route",
  EHOSTUNREACH: "no route",
  ENETDOWN: "no route",
  EHOSTDOWN: "no route",
  EADDRNOTAVAIL: "no route",
  EMSGSIZE: "too long",
  EINVAL: "too long",
};

/** The queue of a network interface is full, or memory is short: neither says anything of the network. */
const NO_ROOM: ReadonlySet<unknown> = new Set(["ENOBUFS", "ENOMEM"]);

/** Resolves to how it went; never rejects. */
export async function systemSend(
  socket: Pick<Deno.DatagramConn, "send">,
  bytes: Bytes,
  to: Endpoint,
  sleep: (ms: number) => Promise<unknown>,
): Promise<SendOutcome> {
  for (const pauseMs of [...NO_ROOM_PAUSES_MS, undefined]) {
    try {
      await socket.send(bytes, { transport: "udp", hostname: to.address, port: to.port });
      return "sent";
    } catch (cause) {
      const { code } = cause as { code?: unknown };
      if (!NO_ROOM.has(code)) return OUTCOMES[String(code)] ?? "lost";
      if (pauseMs !== undefined) await sleep(pauseMs);
    }
  }
  return "lost";
}
