/**
 * Typed ports between threads. What arrives is `unknown` to the language; it is narrowed once, here,
 * to the union that the message file promises, because both ends are built from the same source.
 */
import { ShoalError } from "../../errors.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";

/** What changes hands with a message: memory, and ends of channels. */
export type Transferred = ArrayBuffer | ChannelEnd;

/** One end of a boundary: sends `Out`, receives `In`. */
export interface WorkerPort<In, Out> {
  post(message: Out, transfer?: readonly Transferred[]): void;
  /** Replaces the handler. Messages are handled in order. */
  onMessage(handler: (message: In) => void): void;
  /** Called for an error that nobody in the worker caught. */
  onError(handler: (error: ShoalError) => void): void;
  /** Ends the other side at once (for a worker) or the channel (for a port). */
  close(): void;
}

interface Kinded {
  readonly kind: string;
}

export function narrow<In>(data: unknown): In {
  if (typeof data !== "object" || data === null || typeof (data as Kinded).kind !== "string") {
    throw new ShoalError("internal", "a message without a kind crossed a worker boundary");
  }
  return data as In;
}

/** One end of a channel: worker to worker. */
export function channelPort<In, Out>(port: ChannelEnd): WorkerPort<In, Out> {
  return {
    post: (message, transfer = []) => port.postMessage(message, transfer as Transferable[]),
    onMessage(handler) {
      port.onmessage = (event) => handler(narrow<In>(event.data));
    },
    onError() {},
    close: () => port.close(),
  };
}
