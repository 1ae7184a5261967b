/**
 * What the library tells its caller while it works. `--json` prints these objects as they are, one a
 * line; the human displays are made from the same.
 */
import type { ErrorCode } from "../errors.ts";

/** One server's part in a finished download. */
export interface ServerShare {
  /** `IP:PORT` that the bytes came from. */
  readonly server: string;
  readonly id: string;
  readonly bytes: number;
  readonly chunks: number;
  readonly badChunks: number;
  readonly retransmits: number;
}

export interface ReadyEvent {
  readonly event: "ready";
  readonly port: number;
  readonly dataPort: number;
  readonly tcpPort: number;
  readonly id: string;
  readonly dir: string;
  /** Files found by the first scan; some may still be hashing. */
  readonly files: number;
  readonly classic: boolean;
}

/** An answer to our search. */
export interface OfferEvent {
  readonly event: "offer";
  readonly name: string;
  readonly server: string;
  readonly id: string;
  readonly size: number;
  readonly sha256: string;
  readonly root: string;
  /** The master that has told of the server, where one has. */
  readonly master?: string;
}

/** A master answers. */
export interface MasteringEvent {
  readonly event: "mastering";
  readonly port: number;
  readonly store: string;
  readonly metricsPort?: number;
}

export interface ProgressEvent {
  readonly event: "progress";
  readonly name: string;
  /** Verified bytes, those of an earlier run included. */
  readonly bytes: number;
  readonly size: number;
  /** Bytes a second, lately. */
  readonly rate: number;
  /** The servers at work and what each gives. */
  readonly lanes: readonly {
    readonly server: string;
    readonly rate: number;
    readonly bytes: number;
  }[];
}

export interface DoneEvent {
  readonly event: "done";
  readonly name: string;
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  /** Absent when the file came from a classic server, which has no root. */
  readonly root?: string;
  /** From the first FIND sent to the rename. */
  readonly seconds: number;
  readonly resumedBytes: number;
  /** Whether the identical file was there already. */
  readonly present: boolean;
  readonly servers: readonly ServerShare[];
}

export interface FailedEvent {
  readonly event: "failed";
  readonly name: string;
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** A file that was uploaded, verified and written by the server. */
export interface StoredEvent {
  readonly event: "stored";
  /** The path that was given. */
  readonly name: string;
  /** What it is called on the server, where that says so: it may be another name. */
  readonly storedAs?: string;
  readonly server: string;
  readonly size: number;
  readonly sha256: string;
  readonly md5: string;
  /** Whether the identical file was there already. */
  readonly present: boolean;
  readonly seconds: number;
}

/** A file went to a server of the JSON dialect and came back whole. Nothing of it was kept there. */
export interface EchoedEvent {
  readonly event: "echoed";
  /** The path that was given. */
  readonly name: string;
  readonly server: string;
  readonly size: number;
  readonly sha256: string;
  readonly seconds: number;
}

/** One content under one name, in a listing. */
export interface FileEvent {
  readonly event: "file";
  readonly name: string;
  readonly size: number;
  /** Absent while the only servers that have it are still hashing it. */
  readonly sha256?: string;
  /** Where the server tells it. */
  readonly md5?: string;
  readonly servers: readonly string[];
}

/** Nothing has answered yet, or a server is still hashing: what we are waiting for. */
export interface WaitingEvent {
  readonly event: "waiting";
  readonly name: string;
  readonly attempt: number;
  readonly attempts: number;
  readonly message: string;
}

/** A server joined, left or was dropped. */
export interface ServerEvent {
  readonly event: "server";
  readonly server: string;
  readonly id: string;
  readonly state: "active" | "standby" | "silent" | "dropped";
  readonly message: string;
}

/** A server's work: somebody asked, something was sent, the index moved. */
export interface RequestEvent {
  readonly event: "request";
  readonly name: string;
  readonly client: string;
  readonly classic: boolean;
}
export interface SendingEvent {
  readonly event: "sending";
  readonly name: string;
  readonly client: string;
  readonly classic: boolean;
}
/** A file was uploaded and is offered now. */
export interface UploadedEvent {
  readonly event: "uploaded";
  /** What it is called now, which may be another name than was asked for. */
  readonly name: string;
  readonly client: string;
  readonly size: number;
  readonly sha256: string;
  readonly md5: string;
}
export interface IndexingEvent {
  readonly event: "indexing";
  /** Files and bytes that are still to be hashed. */
  readonly filesLeft: number;
  readonly bytesLeft: number;
  /** Bytes a second. */
  readonly rate: number;
}

/** Something worth a line: a skipped file, an ignored offer, what a socket was tuned to. */
export interface NoticeEvent {
  readonly event: "notice";
  readonly level: "info" | "warning" | "verbose";
  readonly message: string;
}

/** What a local file is. */
export interface HashEvent {
  readonly event: "hash";
  readonly path: string;
  readonly size: number;
  readonly sha256: string;
  readonly root: string;
  readonly md5: string;
  readonly chunkBytes: number;
  readonly chunks: number;
}

/** The demo says what it does next. */
export interface StepEvent {
  readonly event: "step";
  readonly message: string;
}
/** How the demo ended. */
export interface ReportEvent {
  readonly event: "report";
  readonly ok: boolean;
  readonly size: number;
  readonly seconds: number;
  /** Of the file as it was made, and of the file as it was read back, each hashed apart from the transfer. */
  readonly expectedSha256: string;
  readonly actualSha256: string;
  /** The part of it that went up and came back in the JSON dialect. */
  readonly echo: {
    readonly size: number;
    readonly expectedSha256: string;
    readonly actualSha256: string;
    readonly chunks: number;
    /** Uploads until all of it was back. */
    readonly rounds: number;
  };
  readonly servers: readonly ServerShare[];
}

export type ServeEvent =
  | ReadyEvent
  | RequestEvent
  | SendingEvent
  | UploadedEvent
  | IndexingEvent
  | NoticeEvent;
export type GetEvent =
  | OfferEvent
  | ProgressEvent
  | DoneEvent
  | FailedEvent
  | WaitingEvent
  | ServerEvent
  | NoticeEvent;
export type ListEvent = FileEvent | WaitingEvent | ServerEvent | NoticeEvent;
export type PutEvent =
  | StoredEvent
  | EchoedEvent
  | FailedEvent
  | ProgressEvent
  | WaitingEvent
  | NoticeEvent;
export type DemoEvent = StepEvent | ReportEvent | GetEvent;
export type ShoalEvent =
  | ServeEvent
  | MasteringEvent
  | GetEvent
  | ListEvent
  | PutEvent
  | DemoEvent
  | HashEvent;
