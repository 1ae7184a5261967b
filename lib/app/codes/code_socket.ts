/** A socket of an exchange by a code: what comes is told for what it is, and what is sent leaves in order. */
import { type Endpoint, isGroupAddress, isIpv4 } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { ShoalError } from "../../errors.ts";
import type { DatagramTransport } from "../../io/net/datagram_transport.ts";
import { SendQueue } from "../../io/net/send_queue.ts";
import type { CodeArrival } from "../../protocol/codes/code_messages.ts";
import { isSealed } from "../../protocol/codes/code_session.ts";
import { type SendRefusal, SendRefusals } from "../../protocol/base/send_refusals.ts";
import { framesIn } from "../../wire/packed_frames.ts";

type Arrived = Exclude<CodeArrival, { readonly kind: "wakeup" }>;

interface CodeSocketHandlers {
  /** Whether what comes from an address is for us. */
  readonly isHeard: (address: string) => boolean;
  readonly onArrived: (arrived: Arrived) => void;
  /** The system does not send something, for people; each of its kind once. */
  readonly onRefused: (message: string) => void;
  readonly onFailure: (error: ShoalError) => void;
}

export class CodeSocket {
  readonly #transport: DatagramTransport;
  readonly #queue: SendQueue;
  readonly #refusals = new SendRefusals();

  constructor(transport: DatagramTransport, handlers: CodeSocketHandlers) {
    this.#transport = transport;
    this.#queue = new SendQueue(transport, (refusal: SendRefusal, to: Endpoint) => {
      // A link may have addresses of IPv6 and no groups; that is nobody's mistake.
      if (refusal === "no route" && !isIpv4(to.address) && isGroupAddress(to.address, [])) return;
      const message = this.#refusals.notice(refusal, to);
      if (message !== undefined) handlers.onRefused(message);
    });
    transport.listen(({ from, bytes }) => {
      if (!handlers.isHeard(from.address)) return;
      if (isSealed(bytes)) return handlers.onArrived({ kind: "sealed", from, datagram: bytes });
      for (const frame of framesIn(bytes)) handlers.onArrived({ kind: "frame", from, frame });
    }, handlers.onFailure);
  }

  get port(): number {
    return this.#transport.port;
  }

  /** Leave `datagram` alone from now on. */
  send(datagram: Bytes, to: Endpoint): void {
    this.#queue.push(datagram, to);
  }

  async close(): Promise<void> {
    await this.#transport.close();
  }
}
