/**
 * Main thread of a server ⇄ session worker, which owns the TCP port and all sessions on it.
 * The main thread knows what is offered: the worker asks, and answers carry the number of the question.
 *
 * Lifetime: `init → ready → (ask → answer, upload → uploadDone)* → stop → stopped`.
 */
import type { Endpoint } from "../address.ts";
import type { Bytes, HashHex, ModificationTime, SafeFileName } from "../ids.ts";
import type { ErrorMessage } from "../errors.ts";
import type {
  FileQuery,
  LogLevel,
  SessionFile,
  SessionPolicy,
} from "../protocol/session/dialogue.ts";
import type { SentShare } from "../protocol/serve/sent_tally.ts";
import type { UploadQuota } from "../protocol/session/upload_accounts.ts";
import type { ListenConfig } from "./transport_config.ts";

export interface SessionSettings extends ListenConfig {
  /** Absolute path of the folder that uploads go to; undefined where nothing is taken. */
  readonly uploadDir: string | undefined;
  readonly policy: Omit<SessionPolicy, "refusal">;
  readonly quota: UploadQuota;
  /** What is sent to all peers together goes no faster; 0 for no bound. */
  readonly rateBytesPerS: number;
}

/** A file that was uploaded and has its name now, with what it hashed to on its way in. */
export interface UploadedFile {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly sha256: HashHex;
  readonly root: HashHex;
  /** The piece layer and the rows above its pages. */
  readonly tree: Bytes;
  /** 32 lower-case hex digits. */
  readonly md5: string;
}

export interface RefusedUpload {
  /** What the client called it, unchecked; empty if it did not say. */
  readonly name: string;
  /** `IP:PORT` of the client. */
  readonly from: string;
  readonly message: string;
  /** Refusals since the last one that was told. */
  readonly omitted: number;
}

/** What the worker may ask. Answers come in the same order of fields in {@linkcode Answers}. */
export type Question =
  | { readonly kind: "files"; readonly after: SafeFileName | undefined; readonly countMax: number }
  | { readonly kind: "find"; readonly query: FileQuery; readonly party: string }
  | { readonly kind: "layer"; readonly root: HashHex; readonly sizeBytes: number };

export interface Answers {
  readonly files: readonly SessionFile[];
  readonly find: SessionFile | undefined;
  readonly layer: Bytes | undefined;
}
export type Answer = Answers[keyof Answers];

/** One step of an upload that another thread receives; the first one gives it a number. */
export type UploadStep =
  | {
    readonly kind: "begin";
    readonly upload: number;
    /** Unchecked. */
    readonly name: string;
    readonly sizeBytes: number;
    /** Now, if not given. */
    readonly modified: ModificationTime | undefined;
    /** Who sends it, which its connection proves. */
    readonly from: Endpoint;
  }
  /** What follows what is there; the bytes change hands. */
  | { readonly kind: "write"; readonly upload: number; readonly bytes: Bytes }
  | {
    readonly kind: "store";
    readonly upload: number;
    /** What it has to hash to, if that is known. */
    readonly sha256: HashHex | undefined;
  }
  /** Nothing more comes for now: what is there stays for a while. */
  | { readonly kind: "release"; readonly upload: number };

/** What came of a step. */
export type UploadStepDone =
  | { readonly kind: "at"; readonly offset: number }
  | {
    readonly kind: "stored";
    readonly name: SafeFileName;
    readonly sha256: HashHex;
    readonly isPresent: boolean;
  }
  /** The message is for whoever sends it. */
  | { readonly kind: "failed"; readonly error: ErrorMessage };

export type SessionRequest =
  | ({ readonly kind: "init" } & SessionSettings)
  | { readonly kind: "answer"; readonly number: number; readonly answer: Answer }
  | { readonly kind: "upload"; readonly number: number; readonly step: UploadStep }
  | { readonly kind: "stop" };

export type SessionReply =
  | { readonly kind: "ready"; readonly port: number }
  | { readonly kind: "ask"; readonly number: number; readonly question: Question }
  /** The MD5 of a file as it looked then, for the next time that somebody asks. */
  | { readonly kind: "learned"; readonly file: SessionFile; readonly md5: string }
  /** The answer to the step of that number. */
  | { readonly kind: "uploadDone"; readonly number: number; readonly done: UploadStepDone }
  | { readonly kind: "uploaded"; readonly file: UploadedFile; readonly from: string }
  /** A client at this proved address found a chunk bad that it was sent. */
  | {
    readonly kind: "struck";
    readonly party: string;
    readonly root: HashHex;
    readonly sizeBytes: number;
    readonly chunk: number;
  }
  /** Something could not be read as it was indexed. */
  | { readonly kind: "mistrusted"; readonly root: HashHex; readonly sizeBytes: number }
  /** Somebody asked for a file, or is sent one. */
  | { readonly kind: "sending"; readonly name: SafeFileName; readonly to: string }
  /** What was sent whom since this was told last. */
  | { readonly kind: "sent"; readonly shares: readonly SentShare[] }
  /** An upload was refused, and so many before it that were not told. Its name is unchecked. */
  | ({ readonly kind: "refused" } & RefusedUpload)
  | { readonly kind: "log"; readonly level: LogLevel; readonly messages: readonly string[] }
  | { readonly kind: "failed"; readonly error: ErrorMessage }
  | { readonly kind: "stopped" };
