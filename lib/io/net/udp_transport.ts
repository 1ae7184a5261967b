/**
 * Datagrams over a UDP socket: the transport without layers, and the one loop that receives.
 *
 * Whatever arrives is passed on with the size of its segments. An ordinary socket brings datagrams one by
 * one; where the kernel joins them, it says the size beside each receive (`tuned_socket.ts`). Nobody has to
 * guess it from the bytes, which may be sealed.
 */
import { type Endpoint, isLoopback, peerAddress, scopeOf } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { descriptorsHint, ShoalError } from "../../errors.ts";
import type { TransportConfig } from "../../messages/transport_config.ts";
import { MTU_BYTES_DEFAULT, RECEIVE_BUFFER_BYTES } from "../../wire/limits.ts";
import { isRefusal } from "../../protocol/base/send_refusals.ts";
import { nowMs, sleep, yieldToEvents } from "../system/deno_clock.ts";
import type { DatagramTransport, OnReceived, Received, SendOutcome } from "./datagram_transport.ts";
import { routeBytes } from "./route_bytes.ts";
import { systemSend } from "./system_send.ts";
import {
  ADDRESSES_MEMORY_MS,
  BRIEF_WAIT_MS,
  RECEIVE_FAILURES_MAX,
  RECEIVES_PER_TURN,
  SOCKET_BUFFER_BYTES_UNKNOWN,
  TURN_MS_MAX,
} from "./limits.ts";
import { denoSubnets } from "./deno_network.ts";
import { hasSeveralAddresses } from "./network.ts";
import { socketsAt, tuneSocket, type Tuning } from "./tuned_socket.ts";

const NONE: ReadonlySet<number> = new Set();

/** Whether others may reach this machine at more than one address of IPv4, now. */
export type MayBeAskedAtSeveral = () => boolean;

/** A socket of its own: one address of this machine, or all of a family. */
interface UdpSocketOptions
  extends Pick<TransportConfig, "share" | "tune" | "joins" | "answers" | "loops"> {
  /** What it is bound to, with its scope. Who sends to it has its `askedAt`. */
  readonly endpoint: Endpoint;
  readonly mayBeAskedAtSeveral?: MayBeAskedAtSeveral;
}

/**
 * Opens a socket.
 *
 * @throws ShoalError `port_in_use`, or `network` for whatever else keeps a socket from opening
 */
export function openUdpSocket(options: UdpSocketOptions): UdpTransport {
  const { tune, share, loops, endpoint: wanted, mayBeAskedAtSeveral = severalNow } = options;
  const before = tune && share ? socketsAt(wanted) : NONE;
  const socket = bind(wanted.address, wanted.port, {
    reuseAddress: share,
    loopback: loops === true,
  });
  const { port } = socket.addr as Deno.NetAddr;
  const endpoint: Endpoint = { ...wanted, port };
  const tuning = tune ? tuneSocket({ ...options, endpoint }, before) : undefined;
  return new UdpTransport({ socket, endpoint, tuning, mayBeAskedAtSeveral });
}

/**
 * What `open` makes of the first of `ports` that is free.
 *
 * @throws ShoalError `port_in_use`, or whatever `open` throws
 */
export function openFirst<T>(ports: readonly number[], open: (port: number) => T): T {
  let problem: ShoalError | undefined;
  for (const port of ports) {
    try {
      return open(port);
    } catch (error) {
      if (!(error instanceof ShoalError) || error.code !== "port_in_use") throw error;
      problem = error;
    }
  }
  throw problem ?? new ShoalError("internal", "no UDP port was named");
}

function severalNow(): boolean {
  return hasSeveralAddresses(denoSubnets());
}

function bind(
  hostname: string,
  port: number,
  sharing: Pick<Deno.UdpListenOptions, "reuseAddress" | "loopback">,
): Deno.DatagramConn {
  try {
    return Deno.listenDatagram({ transport: "udp", hostname, port, ...sharing });
  } catch (cause) {
    if (cause instanceof Deno.errors.AddrInUse) {
      throw new ShoalError("port_in_use", `UDP port ${port} is in use by another program`, {
        cause,
      });
    }
    if (cause instanceof Deno.errors.AddrNotAvailable) {
      throw new ShoalError("network", `${hostname} is not an address of this machine`, { cause });
    }
    if (cause instanceof Deno.errors.PermissionDenied) {
      throw new ShoalError("network", `this user may not open UDP port ${port}`, {
        hint: "Ports below 1024 are for administrators: choose another with --port.",
        cause,
      });
    }
    const { message } = ShoalError.from(cause);
    throw new ShoalError("network", `no UDP socket can be opened: ${message}`, {
      cause,
      ...descriptorsHint(cause),
    });
  }
}

interface OpenSocket {
  readonly socket: Deno.DatagramConn;
  readonly endpoint: Endpoint;
  readonly tuning: Tuning | undefined;
  readonly mayBeAskedAtSeveral: MayBeAskedAtSeveral;
}

export class UdpTransport implements DatagramTransport {
  readonly port: number;
  readonly overheadBytes = 0;
  waitedMs = 0;
  readonly #socket: Deno.DatagramConn;
  readonly #tuning: Tuning | undefined;
  readonly #mayBeAskedAtSeveral: MayBeAskedAtSeveral;
  /** The interface that it is bound to, which Deno leaves out of what it received. */
  readonly #scope: string | undefined;
  readonly #asked: Pick<Endpoint, "askedAt">;
  readonly #buffer: Bytes = new Uint8Array(RECEIVE_BUFFER_BYTES);
  #onReceived: OnReceived = () => {};
  #ended: Promise<void> = Promise.resolve();
  /** Whether Deno's own receive is pending, or has brought a datagram that was not passed on yet. */
  #isReceiving = false;
  /** Whether it is read by polling, in which it has to be woken. */
  #isPolling = false;
  #isClosed = false;
  #isSocketClosed = false;
  #hasSeveralAddresses = false;
  #addressesKnownUntilMs = -Infinity;
  /** Whether what arrives follows so closely that waiting for it is a matter of a moment. */
  #isDense = false;
  /** When other events of this thread last had their turn. */
  #turnMs = 0;
  #lastSend: Promise<unknown> = Promise.resolve();
  #sendsWaiting = 0;

  constructor({ socket, endpoint, tuning, mayBeAskedAtSeveral }: OpenSocket) {
    this.#socket = socket;
    this.port = endpoint.port;
    this.#tuning = tuning;
    this.#mayBeAskedAtSeveral = mayBeAskedAtSeveral;
    this.#scope = scopeOf(endpoint.address);
    const { askedAt } = endpoint;
    this.#asked = askedAt === undefined ? {} : { askedAt };
  }

  /** Takes part in what is sent to `group` on the interface of this number, and which the socket is bound to. */
  async joinGroup(group: string, interfaceIndex: number): Promise<void> {
    await this.#socket.joinMulticastV6(group, interfaceIndex);
  }

  get receiveBufferBytes(): number {
    return this.#tuning?.receiveBufferBytes ?? SOCKET_BUFFER_BYTES_UNKNOWN;
  }

  get isTuned(): boolean {
    return this.#tuning?.cuts ?? false;
  }

  get keepsWhole(): boolean {
    return this.#tuning?.keepsWhole ?? false;
  }

  routeBytes(to: Endpoint): number | undefined {
    // Within this machine one send carries dozens of datagrams, however long each is.
    return this.#tuning === undefined || isLoopback(to.address) ? undefined : routeBytes(to);
  }

  // — Receiving —————————————————————————————————————————————————————————————————————————————————

  listen(onReceived: OnReceived, onFailure: (error: ShoalError) => void): void {
    this.#onReceived = onReceived;
    this.#ended = this.#receive().catch((error: unknown) => onFailure(ShoalError.from(error)));
  }

  takeArrived(): void {
    if (this.#isReceiving) return;
    for (let receives = 0; receives < RECEIVES_PER_TURN; receives++) {
      const received = this.#receiveNow();
      if (received === undefined) return;
      this.#onReceived(received);
    }
  }

  setJoining(isJoining: boolean): void {
    this.#tuning?.setJoining(isJoining);
  }

  async close(): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      if (this.#isPolling) this.#tuning?.wake();
      else this.#closeSocket();
    }
    await this.#ended;
  }

  async #receive(): Promise<void> {
    try {
      for (let failures = 0; !this.#isClosed && failures <= RECEIVE_FAILURES_MAX; failures++) {
        const startMs = nowMs();
        const first = await (this.#mustPoll() ? this.#polled(this.#tuning!) : this.#single());
        this.waitedMs += nowMs() - startMs;
        this.#isReceiving = false;
        if (first === undefined) continue;
        failures = 0;
        await this.#handOn(first);
      }
    } finally {
      this.#closeSocket();
    }
    if (this.#isClosed) return;
    throw new ShoalError("network", `UDP port ${this.port} stopped receiving`);
  }

  /** Hands on what was received and what arrives meanwhile, until nothing more has. */
  async #handOn(first: Received): Promise<void> {
    let next: Received | undefined = first;
    for (let receives = 1; next !== undefined && !this.#isClosed; receives++) {
      const handled = this.#onReceived(next);
      // Where it cannot take what arrives meanwhile by itself, it must be told of it.
      if (handled !== undefined && this.#tuning !== undefined) await handled;
      // Whatever else happens in this thread gets its turn, however fast datagrams come.
      if (receives % RECEIVES_PER_TURN === 0) await this.#yield();
      next = this.#receiveNow();
    }
  }

  #receiveNow(): Received | undefined {
    return this.#isClosed ? undefined : this.#tuning?.receiveNow(this.#buffer);
  }

  /** Whether Deno's own receive would not do: it tells neither joined datagrams apart nor our own addresses. */
  #mustPoll(): boolean {
    this.#isPolling = false;
    if (this.#tuning === undefined || this.#tuning.joins) return this.#tuning !== undefined;
    if (!this.#tuning.notesAsked) return false;
    const now = nowMs();
    if (now >= this.#addressesKnownUntilMs) {
      this.#addressesKnownUntilMs = now + ADDRESSES_MEMORY_MS;
      this.#hasSeveralAddresses = this.#mayBeAskedAtSeveral();
    }
    return this.#hasSeveralAddresses;
  }

  #closeSocket(): void {
    if (this.#isSocketClosed) return;
    this.#isSocketClosed = true;
    this.#socket.close();
  }

  /** Waits for the kernel to have something. */
  async #polled(tuning: Tuning): Promise<Received | undefined> {
    this.#isPolling = true;
    while (!this.#isClosed) {
      if (nowMs() - this.#turnMs > TURN_MS_MAX) await this.#yield();
      if (await this.#isReadable(tuning)) return this.#receiveNow();
    }
    return undefined;
  }

  /** Waits in this thread as long as that has been short, and elsewhere as soon as it is not. */
  #isReadable(tuning: Tuning): boolean | Promise<boolean> {
    this.#isDense = this.#isDense && tuning.readableSoon();
    return this.#isDense || this.#isReadableLater(tuning);
  }

  async #isReadableLater(tuning: Tuning): Promise<boolean> {
    const startMs = nowMs();
    const isReadable = await tuning.readable();
    this.#turnMs = nowMs();
    this.#isDense = this.#turnMs - startMs < BRIEF_WAIT_MS;
    return isReadable;
  }

  async #yield(): Promise<void> {
    await yieldToEvents();
    this.#turnMs = nowMs();
  }

  /** Waits for a datagram by Deno's own receive; `undefined` when it failed or the socket was closed. */
  async #single(): Promise<Received | undefined> {
    try {
      this.#isReceiving = true;
      const [bytes, address] = await this.#socket.receive(this.#buffer);
      const { hostname, port } = address as Deno.NetAddr;
      const from = { address: peerAddress(hostname, this.#scope), port, ...this.#asked };
      return { bytes: bytes as Bytes, from, segmentBytes: bytes.length };
    } catch {
      // An ICMP error of an earlier send can surface here on some platforms; the socket lives on.
      return undefined;
    }
  }

  // — Sending ———————————————————————————————————————————————————————————————————————————————————

  /** Sends take turns: what one is cut into is a property of the socket, not of the send. */
  send(bytes: Bytes, to: Endpoint, segmentBytes = 0): SendOutcome | Promise<SendOutcome> {
    if (this.#isClosed) return "lost";
    if (this.#sendsWaiting === 0 && this.#sendNow(bytes, to, segmentBytes)) return "sent";
    this.#sendsWaiting += 1;
    const sent = this.#lastSend.then(() => this.#sendCut(bytes, to, segmentBytes));
    // A send that failed keeps none back that come after it.
    const ended = (): void => void (this.#sendsWaiting -= 1);
    this.#lastSend = sent.then(ended, ended);
    return sent;
  }

  #sendNow(bytes: Bytes, to: Endpoint, segmentBytes: number): boolean {
    if (this.#tuning === undefined) return false;
    return this.#cut(bytes, segmentBytes) && this.#tuning.sendNow(bytes, to);
  }

  /** Has the next send cut as it should be; `false` if this socket cannot. */
  #cut(bytes: Bytes, segmentBytes: number): boolean {
    this.#tuning?.setWhole(segmentBytes > MTU_BYTES_DEFAULT);
    const isOne = segmentBytes === 0 || bytes.length <= segmentBytes;
    // Who asks for short segments may be behind something that looks at how long datagrams are, and would see a
    // burst as one.
    const isCut = !isOne && segmentBytes >= MTU_BYTES_DEFAULT;
    return (this.#tuning?.setSegmentBytes(isCut ? segmentBytes : 0) ?? false) && isCut || isOne;
  }

  async #sendCut(bytes: Bytes, to: Endpoint, segmentBytes: number): Promise<SendOutcome> {
    if (this.#cut(bytes, segmentBytes)) {
      const outcome = await this.#sendOne(bytes, to);
      // A kernel refuses to cut what is longer than the route allows, and yet sends each of these, in fragments.
      if (outcome !== "too long" || segmentBytes === 0 || bytes.length <= segmentBytes) {
        return outcome;
      }
      this.#tuning?.setSegmentBytes(0);
    }
    for (let at = 0; at < bytes.length; at += segmentBytes) {
      const segment = bytes.subarray(at, at + segmentBytes);
      if (this.#tuning?.sendNow(segment, to)) continue;
      const outcome = await this.#sendOne(segment, to);
      if (isRefusal(outcome)) return outcome;
    }
    return "sent";
  }

  async #sendOne(bytes: Bytes, to: Endpoint): Promise<SendOutcome> {
    // Deno's own send knows no address to leave from: it is for what cannot leave from there, and for errors.
    const isFromAddress = this.#tuning?.notesAsked === true && to.askedAt !== undefined;
    if (isFromAddress && await this.#tuning?.writable() && !this.#isClosed) {
      if (this.#tuning?.sendNow(bytes, to)) return "sent";
    }
    return await systemSend(this.#socket, bytes, to, sleep);
  }
}
