/**
 * A client's side of a session, without the connection (docs/PROTOCOL.md, "Sessions over TCP"). Like a server's
 * dialogue it is a generator: it yields the step that it needs next and is given the result. Errors that end it
 * are thrown as ShoalErrors.
 *
 * **Patience.** Its driver waits for the peer no longer than the user's timeout, however many waits that is spread
 * over. Bytes that travel win a little of that time back (`WaitBudget`); all of it is given back only by `renew`,
 * which a dialogue yields when it asks something new or has come nearer to its end. So nothing that a
 * peer says or repeats without effect keeps a client waiting.
 */
import type { Bytes } from "../../ids.ts";
import type { DescribedFile } from "./described_file.ts";
import type { Ended, LogLevel } from "./dialogue.ts";

/** What a dialogue reports while it goes on. */
export type ClientNews =
  /** So much of the file has passed. */
  | { readonly kind: "progress"; readonly bytes: number }
  /** An upload continues where an earlier one ended. */
  | { readonly kind: "resumes"; readonly offset: number }
  | { readonly kind: "listed"; readonly files: readonly DescribedFile[] }
  | { readonly kind: "log"; readonly level: LogLevel; readonly message: string };

export type ReceiveResult =
  | { readonly kind: "arrived"; readonly bytes: Bytes }
  /** Nothing came within `waitMs`. */
  | { readonly kind: "quiet" }
  | Ended;

interface Steps {
  /**
   * Sends; the result is `answered` if something arrived before all was sent, which ends it early where
   * `untilAnswered` says so.
   */
  send: {
    readonly step: { readonly bytes: Bytes; readonly untilAnswered?: boolean };
    readonly result: "sent" | "answered" | Ended;
  };
  /** What arrives next; it is not read into again. */
  receive: { readonly step: { readonly waitMs?: number }; readonly result: ReceiveResult };
  /** The peer has the whole timeout again, and so much beyond it. */
  renew: { readonly step: { readonly moreMs?: number }; readonly result: void };
  /** What was achieved stays: if the connection breaks now, it has not been in vain. */
  advance: { readonly step: object; readonly result: void };
  /**
   * Bytes of the local file, behind room for a header. They stay as they are until the next `read`.
   *
   * Throws ShoalError `disk` if there are fewer.
   */
  read: {
    readonly step: {
      readonly offset: number;
      readonly lengthBytes: number;
      readonly headerBytes: number;
    };
    readonly result: Bytes;
  };
  /** Throws ShoalError `changed` if the local file is not what it was. */
  confirm: { readonly step: object; readonly result: void };
  /** Writes to the local file; the bytes are lent until then. */
  write: {
    readonly step: { readonly offset: number; readonly bytes: Bytes };
    readonly result: void;
  };
  tell: { readonly step: { readonly news: ClientNews }; readonly result: void };
}

export type ClientStep = {
  [Kind in keyof Steps]: { readonly kind: Kind } & Steps[Kind]["step"];
}[keyof Steps];
export type ClientStepOf<Kind extends keyof Steps> = Extract<ClientStep, { readonly kind: Kind }>;
export type ClientResultOf<Kind extends keyof Steps> = Steps[Kind]["result"];

export type ClientDialogue<Result = void> = Generator<ClientStep, Result, unknown>;

/** Yields one step of a client; returns what came of it. */
export function* perform<Kind extends keyof Steps>(
  kind: Kind,
  step: Steps[Kind]["step"],
): ClientDialogue<ClientResultOf<Kind>> {
  return (yield { kind, ...step } as ClientStep) as ClientResultOf<Kind>;
}
