/**
 * A UDP socket as the drivers see it. The encryption that is to come sits here: between the frames
 * that a machine makes and the socket that carries them.
 */
import type { Bytes, Endpoint } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { RECEIVE_FAILURES_MAX, SOCKET_BUFFER_BYTES_UNKNOWN } from "./limits.ts";
import { type Received, tuneSocket, type Tuning } from "./tuned_socket.ts";

export type { Received };

export type SendOutcome = "sent" | "lost" | "too long";

export interface UdpPort {
  readonly port: number;
  /** As read back from the kernel, or a careful guess. */
  readonly receiveBufferBytes: number;
  readonly isTuned: boolean;
  readonly canReceiveNow: boolean;
  /**
   * The next datagram, or several joined ones, in `buffer`. Keep exactly one receive pending.
   * `undefined` once the port is closed.
   */
  receive(buffer: Bytes): Promise<Received | undefined>;
  /**
   * The same without waiting, while no receive is pending: `undefined` when nothing has arrived, and
   * always where {@linkcode canReceiveNow} is false.
   */
  receiveNow(buffer: Bytes): Received | undefined;
  /**
   * Sends `bytes`, cut into datagrams of `segmentBytes` where it is longer (the last may be
   * shorter). Leave `bytes` alone until this settles. What the network refuses is lost, as on any
   * wire, except that a datagram too long for the path's interface is reported. No promise comes
   * back where it is done already.
   */
  send(
    bytes: Bytes,
    to: Endpoint,
    segmentBytes?: number,
  ): SendOutcome | Promise<SendOutcome>;
  close(): void;
}

export interface UdpPortOptions {
  readonly host?: string;
  /** 0 for any free one. */
  readonly port: number;
  /** Share the port with others that do the same. */
  readonly share?: boolean;
  readonly tune?: boolean;
}

/** Throws ShoalError `port_in_use`, or `network` for whatever else keeps a socket from opening. */
export function openUdpPort(options: UdpPortOptions): UdpPort {
  const hostname = options.host ?? "0.0.0.0";
  const socket = listen(hostname, options);
  const port = (socket.addr as Deno.NetAddr).port;
  return new DenoUdpPort(
    socket,
    port,
    options.tune ?? true ? tuneSocket(hostname, port) : undefined,
  );
}

function listen(hostname: string, options: UdpPortOptions): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({
      transport: "udp",
      hostname,
      port: options.port,
      reuseAddress: options.share ?? false,
    });
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new ShoalError("port_in_use", `UDP port ${options.port} is held by another program`, {
        cause,
      });
    }
    if (cause instanceof Deno.errors.AddrNotAvailable) {
      throw new ShoalError("network", `${hostname} is not an address of this machine`, { cause });
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new ShoalError("network", `this user may not open UDP port ${options.port}`, {
        hint: "Ports below 1024 are for administrators: choose another with --port.",
        cause,
      });
    }
    const { message } = ShoalError.from(cause);
    throw new ShoalError("network", `no UDP socket can be opened: ${message}`, { cause });
  }
}

class DenoUdpPort implements UdpPort {
  readonly port: number;
  readonly #socket: Deno.DatagramConn;
  readonly #tuning: Tuning | undefined;
  #isClosed = false;
  #lastSend: Promise<unknown> = Promise.resolve();
  #sendsWaiting = 0;

  constructor(socket: Deno.DatagramConn, port: number, tuning: Tuning | undefined) {
    this.#socket = socket;
    this.port = port;
    this.#tuning = tuning;
  }

  get receiveBufferBytes(): number {
    return this.#tuning?.receiveBufferBytes ?? SOCKET_BUFFER_BYTES_UNKNOWN;
  }

  get isTuned(): boolean {
    return this.#tuning?.isTuned ?? false;
  }

  get canReceiveNow(): boolean {
    return this.#tuning?.canReceiveNow ?? false;
  }

  receiveNow(buffer: Bytes): Received | undefined {
    return this.#isClosed ? undefined : this.#tuning?.receiveNow(buffer);
  }

  async receive(buffer: Bytes): Promise<Received | undefined> {
    for (let failures = 0;; failures++) {
      try {
        const [bytes, address] = await this.#socket.receive(buffer);
        const { hostname, port } = address as Deno.NetAddr;
        return { bytes: bytes as Bytes, from: { address: hostname, port } };
      } catch (cause) {
        if (this.#isClosed) return undefined;
        // An ICMP error of an earlier send can surface here on some platforms; the socket lives on.
        if (failures >= RECEIVE_FAILURES_MAX) {
          throw new ShoalError("network", `UDP port ${this.port} receives nothing more`, { cause });
        }
        if (cause instanceof Deno.errors.BadResource) return undefined;
        if (cause instanceof Deno.errors.Interrupted) return undefined;
      }
    }
  }

  /** Sends take turns: what one is cut into is a property of the socket, not of the send. */
  send(bytes: Bytes, to: Endpoint, segmentBytes = 0): SendOutcome | Promise<SendOutcome> {
    if (this.#sendsWaiting === 0 && this.#sendNow(bytes, to, segmentBytes)) return "sent";
    this.#sendsWaiting += 1;
    const sent = this.#lastSend.then(() => this.#sendCut(bytes, to, segmentBytes));
    this.#lastSend = sent.then(() => this.#sendsWaiting -= 1);
    return sent;
  }

  #sendNow(bytes: Bytes, to: Endpoint, segmentBytes: number): boolean {
    if (this.#tuning === undefined || this.#isClosed) return false;
    return this.#cut(bytes, segmentBytes) && this.#tuning.sendNow(bytes, to);
  }

  /** Has the next send cut as it should be; `false` if this socket cannot. */
  #cut(bytes: Bytes, segmentBytes: number): boolean {
    const isOne = segmentBytes === 0 || bytes.length <= segmentBytes;
    return (this.#tuning?.setSegmentBytes(isOne ? 0 : segmentBytes) ?? false) || isOne;
  }

  async #sendCut(bytes: Bytes, to: Endpoint, segmentBytes: number): Promise<SendOutcome> {
    if (this.#cut(bytes, segmentBytes)) return await this.#sendOne(bytes, to);
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const outcome = await this.#sendOne(bytes.subarray(at, at + segmentBytes), to);
      if (outcome === "too long") return outcome;
    }
    return "sent";
  }

  async #sendOne(bytes: Bytes, to: Endpoint): Promise<SendOutcome> {
    try {
      await this.#socket.send(bytes, { transport: "udp", hostname: to.address, port: to.port });
      return "sent";
    } catch (cause) {
      const code = (cause as { code?: unknown }).code;
      return code === "EMSGSIZE" ? "too long" : "lost";
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
  }
}
