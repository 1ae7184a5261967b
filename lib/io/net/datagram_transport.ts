/**
 * How drivers send and receive datagrams: the seam between the machines' frames and what
 * carries them. A socket is one implementation; layers (simulated errors, encryption, a test's) implement
 * the same interface around another one; a simulated network is a third. Which ones are used is decided in
 * `transport_factory.ts` alone.
 *
 * A transport may lose, duplicate and reorder datagrams, as a network does, without notice.
 */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { SendRefusal } from "../../protocol/base/send_refusals.ts";
import type { Segments } from "../../wire/segment_runs.ts";

/** How a send went; "lost" is for whatever else, which may go better the next time. */
export type SendOutcome = "sent" | "lost" | SendRefusal;

/** One datagram, or several of one sender that arrived joined. The bytes are the listener's until it returns. */
export interface Received extends Segments {
  readonly from: Endpoint;
}

/**
 * Takes what was received. While the promise that it may return is pending nothing more is handed to it,
 * except through {@linkcode DatagramTransport.takeArrived}; a transport without that goes on.
 */
export type OnReceived = (received: Received) => void | Promise<void>;

export interface DatagramTransport {
  /** Our port. */
  readonly port: number;
  /** Size of the socket's receive buffer as read back from the kernel, or a careful guess. */
  readonly receiveBufferBytes: number;
  /** Whether a burst is one send to the kernel. */
  readonly isTuned: boolean;
  /** Whether segments longer than {@linkcode MTU_BYTES_DEFAULT} leave whole or not at all, and never in fragments. */
  readonly keepsWhole: boolean;
  /** Bytes that each datagram grows by on its way to the wire: what a frame must leave of the MTU. */
  readonly overheadBytes: number;
  /** How long it has waited for something to arrive, in milliseconds. */
  readonly waitedMs: number;
  /**
   * Receives from now on; to be called once. Gives other events of this thread a turn now and then.
   *
   * @param onFailure the transport receives nothing more, or the listener threw
   */
  listen(onReceived: OnReceived, onFailure: (error: ShoalError) => void): void;
  /** Hands what has arrived already to the listener, a bounded number; nothing where that is not possible. */
  takeArrived(): void;
  /** Whether the kernel shall join what arrives, where it can and the config asked for it: it does at first. */
  setJoining(isJoining: boolean): void;
  /**
   * Sends `bytes`, cut into datagrams of `segmentBytes` where it is longer (the last may be shorter). Leave
   * `bytes` alone until this settles. "too long" is what a segment is that exceeds what the network interface takes with
   * the overhead of the layers; no promise comes back where it is done already. Sends keep their order.
   */
  send(bytes: Bytes, to: Endpoint, segmentBytes?: number): SendOutcome | Promise<SendOutcome>;
  /** The longest datagram that a route is known to take, with the overhead of the layers; where that can be told. */
  routeBytes(to: Endpoint): number | undefined;
  /** Resolves when the listener will not be called any more. */
  close(): Promise<void>;
}
