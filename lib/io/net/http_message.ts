/** What is asked over HTTP, and what is answered, whoever decides about it. */
import type { Endpoint } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import type { HttpRequestHead } from "../../wire/http_request.ts";

export interface HttpRequest {
  readonly head: HttpRequestHead;
  /** Who asks. */
  readonly peer: Endpoint;
  /** Our address, as the peer has reached it. */
  readonly localAddress: string;
  /** Resolves when so much work may be done for whoever asks. */
  readonly work: (units: number) => Promise<void>;
  /**
   * The body, piece by piece as it comes, if it is to be read at all. It fails with an error when it breaks off, or comes too slowly.
   */
  readonly body: AsyncIterable<Bytes>;
}

export interface HttpResponse {
  readonly status: number;
  readonly fields: readonly (readonly [string, string | number])[];
  readonly body?: Bytes | HttpStream;
}

/** A body that is made while it is sent. */
export interface HttpStream {
  /**
   * How long it will be. What ends early breaks the connection, so that nobody takes it for the whole. `undefined` for what goes on until
   * either side ends it.
   */
  readonly lengthBytes: number | undefined;
  /** Not called for an answer that has no body; read piece by piece, and cancelled when the peer is gone. */
  readonly open: () => ReadableStream<Bytes>;
  /** So much of it was taken by the system. */
  readonly onSent?: (bytes: number) => void;
  /** It is over; whether all of it was sent. */
  readonly onEnd?: (isWhole: boolean) => void;
}
