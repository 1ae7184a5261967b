/**
 * Sessions over TCP, without the TCP (docs/PROTOCOL.md, "Sessions over TCP"). A dialogue is a
 * generator: it yields the step that it needs next, such as a line to read or a file to send, and is
 * handed what came of it. It knows no socket, no disk and no clock; its driver does.
 */
import type { Bytes, HashHex, ModificationTime, SafeFileName, ServerId } from "../../ids.ts";
import type { ServedFile } from "../base/served_file.ts";
import type { LineForm } from "../../wire/session_ascii.ts";
import type { WireCode } from "../../wire/session_codes.ts";

/** A file that is offered, as far as it is known. */
export interface SessionFile extends ServedFile {
  /** Absent while the file is being hashed, and of bundles, which have none. */
  readonly sha256?: HashHex;
  /** Absent while the file is being hashed. */
  readonly root?: HashHex;
  /** How far that has got, while it is. */
  readonly hashing?: { readonly hashedBytes: number; readonly rateBytesPerS: number };
  /** 32 lower-case hex digits. Absent unless it was asked for. */
  readonly md5?: string;
}

export type FileQuery =
  | { readonly by: "name"; readonly name: SafeFileName }
  | { readonly by: "sha256"; readonly sha256: HashHex }
  /** A file, a manifest or a bundle. */
  | { readonly by: "content"; readonly root: HashHex; readonly sizeBytes: number }
  /** The manifest of a folder, or of all that is offered. */
  | { readonly by: "tree"; readonly folder: SafeFileName | undefined }
  | { readonly by: "md5"; readonly md5: string };

/** How a body travels: exactly so many bytes, or frames of which the empty one is the last. */
export type Framing = "raw" | "frames";

/** Nothing more can be read. */
export interface Ended {
  readonly kind: "ended";
  /** `idle`: the peer took too long. */
  readonly why: "closed" | "idle";
}

export type LineRead =
  | { readonly kind: "line"; readonly text: string }
  | { readonly kind: "tooLong" | "notText" }
  | Ended;

export type MessageRead =
  | { readonly kind: "message"; readonly bytes: Bytes }
  /** It was not kept; its bytes have still to be skipped. */
  | { readonly kind: "tooLarge"; readonly lengthBytes: number }
  | Ended;

/** What becomes of an upload that somebody wants to begin. */
export type UploadBegun =
  /** So many bytes are there from an earlier try, and hash to this. */
  | { readonly kind: "ready"; readonly offset: number; readonly prefixSha256?: HashHex }
  /** Refused, for this reason. */
  | { readonly kind: "refused"; readonly message: string };

export type BodyRead =
  | { readonly kind: "received" }
  | { readonly kind: "failed"; readonly message: string }
  | Ended;

/** An upload that was verified, brought to the disk and given its name; or not. */
export type UploadEnded =
  | {
    readonly kind: "stored";
    readonly name: SafeFileName;
    readonly sha256: HashHex;
    readonly md5: string;
    /** Whether the same file was there already, so that nothing was stored. */
    readonly isPresent: boolean;
  }
  | { readonly kind: "failed"; readonly code: WireCode; readonly message: string };

/** What a dialogue may ask for, and what it is handed. */
interface Steps {
  /** The next byte, without taking it. */
  peek: { readonly step: object; readonly result: number | undefined };
  line: { readonly step: { readonly form: LineForm }; readonly result: LineRead };
  message: { readonly step: { readonly bytesMax: number }; readonly result: MessageRead };
  /** Passes over bytes that nobody wants; `false` if they did not come. */
  skip: { readonly step: { readonly lengthBytes: number }; readonly result: boolean };
  send: { readonly step: { readonly bytes: Bytes }; readonly result: void };
  /** Up to `countMax` files in the order of their names, from the first one after `after`. */
  files: {
    readonly step: {
      readonly after: SafeFileName | undefined;
      readonly countMax: number;
      readonly withMd5: boolean;
    };
    readonly result: readonly SessionFile[];
  };
  find: {
    readonly step: { readonly query: FileQuery; readonly withMd5: boolean };
    readonly result: SessionFile | undefined;
  };
  layer: {
    readonly step: { readonly root: HashHex; readonly sizeBytes: number };
    readonly result: Bytes | undefined;
  };
  /** Sends bytes of an offered file; `false` if it is not what it was, or cannot be read. */
  sendFile: {
    readonly step: {
      readonly file: SessionFile;
      readonly offset: number;
      readonly lengthBytes: number;
      readonly framing: Framing;
    };
    readonly result: boolean;
  };
  /** The peer found this chunk bad: it counts if all of it was sent on this connection, once. */
  strike: {
    readonly step: { readonly root: HashHex; readonly sizeBytes: number; readonly chunk: number };
    readonly result: void;
  };
  /** Sends these bytes as a body of frames. */
  sendBody: { readonly step: { readonly bytes: Bytes }; readonly result: void };
  beginUpload: {
    readonly step: {
      readonly name: SafeFileName;
      readonly sizeBytes: number;
      /** Now, if not given. */
      readonly modified: ModificationTime | undefined;
      /** Whether an earlier attempt may be resumed, and what this one leaves is kept. */
      readonly isResumable: boolean;
    };
    readonly result: UploadBegun;
  };
  /** Takes the body of the upload that was begun, from `offset` to its end. */
  receiveUpload: {
    readonly step: { readonly offset: number; readonly framing: Framing };
    readonly result: BodyRead;
  };
  /** Publishes what was received, if it hashes to `sha256`. */
  endUpload: { readonly step: { readonly sha256?: HashHex }; readonly result: UploadEnded };
  /** An upload was refused before it began: for whoever runs this server. */
  refuse: {
    readonly step: {
      /** What the peer called it, unchecked; empty if it did not say. */
      readonly name: string;
      readonly message: string;
    };
    readonly result: void;
  };
  /** Lines for the log, all of one level. */
  log: {
    readonly step: { readonly level: LogLevel; readonly messages: readonly string[] };
    readonly result: void;
  };
}

/** DEBUG is shown only with `--verbose`. */
export type LogLevel = "DEBUG" | "INFO" | "WARNING" | "ERROR";

export type SessionStep = {
  [Kind in keyof Steps]: { readonly kind: Kind } & Steps[Kind]["step"];
}[keyof Steps];
export type StepOf<Kind extends keyof Steps> = Extract<SessionStep, { readonly kind: Kind }>;
export type ResultOf<Kind extends keyof Steps> = Steps[Kind]["result"];
export type StepKind = keyof Steps;

export type Dialogue<Result = void> = Generator<SessionStep, Result, unknown>;

/** Yields one step; returns what came of it. */
export function* ask<Kind extends StepKind>(
  kind: Kind,
  step: Steps[Kind]["step"],
): Dialogue<ResultOf<Kind>> {
  return (yield { kind, ...step } as SessionStep) as ResultOf<Kind>;
}

/** What a server lets its peers do. */
export interface SessionPolicy {
  /** Who we are, for clients that know us over UDP as well; nobody in particular if it is absent. */
  readonly server?: ServerId;
  readonly allowsUpload: boolean;
  readonly uploadBytesMax: number;
  /** Why there is no room for this peer, which is only told so; `undefined` if there is. */
  readonly refusal: string | undefined;
  /** Of what the JSON dialect sends back. */
  readonly chunkBytes: number;
  /** Probability that such a chunk is lost or damaged on purpose. */
  readonly errorRate: number;
  readonly seed: number;
}
