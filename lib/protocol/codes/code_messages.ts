/** What the two machines of a code are told, and ask for. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { Frame, FrameOf } from "../../wire/frames.ts";

/** How it goes, by the word of who receives. */
export type ReceiverState = FrameOf<"code_state">["state"];

/** What came, for both. */
export type CodeArrival =
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: Frame }
  | { readonly kind: "sealed"; readonly from: Endpoint; readonly datagram: Bytes }
  | { readonly kind: "wakeup" };

export interface CodeSend {
  readonly kind: "send";
  readonly to: Endpoint;
  readonly datagram: Bytes;
}

/** What a code leads to: by which key, and at which port of the sender, its files are served. */
export interface CodeServing {
  readonly group: Bytes;
  readonly dataPort: number;
}
