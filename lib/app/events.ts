/** What the library reports to its caller. `--json` prints these objects as they are, one per line; displays are made of them. */
import type { ErrorCode } from "../errors.ts";
import type { CodeEvent, OfferedEvent } from "./code_events.ts";
import type { GivenEvent, ServerShare } from "./share_events.ts";
import type {
  IndexingEvent,
  ReadyEvent,
  RefusedEvent,
  RequestEvent,
  SendingEvent,
  TransferEvent,
  UploadedEvent,
  WebEvent,
} from "./server_events.ts";

export type * from "./code_events.ts";
export type * from "./server_events.ts";
export type * from "./share_events.ts";

/** A server answered a search: it has the file. */
export interface OfferEvent {
  /** Discriminates the union. */
  readonly event: "offer";
  /** Name of the file, as the server calls it. */
  readonly name: string;
  /** `IP:PORT` of the server. */
  readonly server: string;
  /** Server id: 32 hexadecimal digits. */
  readonly id: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256 of the content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** BEP 52 Merkle root (`pieces root`): 64 lowercase hexadecimal digits. */
  readonly root: string;
  /** The master that told of this server; absent if a broadcast found it. */
  readonly master?: string;
}

/** A master answers from now on. */
export interface MasteringEvent {
  /** Discriminates the union. */
  readonly event: "mastering";
  /** TCP port. */
  readonly port: number;
  /**
   * The store as it would be named on the command line: `memory`, `sqlite:PATH` or
   * `redis://HOST:PORT`.
   */
  readonly store: string;
  /** TCP port of `GET /metrics` and `GET /healthz`; absent if neither is answered. */
  readonly metricsPort?: number;
  /** Four words that tell which secret all is sealed by; absent if it speaks in clear. */
  readonly sealed?: string;
}

/** How far a transfer is; several per second for each file. */
export interface ProgressEvent {
  /** Discriminates the union. */
  readonly event: "progress";
  /** The name as it was asked for; of an upload, the path. */
  readonly name: string;
  /** Verified bytes so far, those of an earlier run included. */
  readonly bytes: number;
  /** Size of the file in bytes. */
  readonly size: number;
  /** Bytes per second, averaged over the last moments. */
  readonly rate: number;
  /** Seconds that the rest will take at this pace; absent while nothing arrives, and for more than a day. */
  readonly secondsLeft?: number;
  /** How far a folder is with its files; absent for a file. */
  readonly folder?: {
    /** Files that it is to have. */
    readonly files: number;
    /** Files that are there or have arrived; those just arrived may not have their names yet. */
    readonly filesDone: number;
    /** Files per second, averaged over the last moments. */
    readonly fileRate: number;
    /** One that is at work. */
    readonly current?: string;
  };
  /** The servers at work, over all files of the run. */
  readonly lanes: readonly {
    /** `IP:PORT` of the server. */
    readonly server: string;
    /** Bytes per second. */
    readonly rate: number;
    /** Bytes from this server in this run. */
    readonly bytes: number;
    /** Whether it is no server, but fetches the same; absent otherwise. */
    readonly taker?: true;
  }[];
  /** Bytes that this run has given to others who fetch the same; absent while there are none. */
  readonly givenBytes?: number;
}

/** How far a run of several names is with all of them; several per second. */
export interface TotalEvent {
  /** Discriminates the union. */
  readonly event: "total";
  /** Files that are wanted, of folders each. */
  readonly files: number;
  /** How many of these are here. */
  readonly filesDone: number;
  /** How many of them cannot be had. */
  readonly filesFailed: number;
  /** Bytes that are here. */
  readonly bytes: number;
  /** Bytes of all of them; absent while the size of some is not known. */
  readonly size?: number;
  /** Bytes per second, averaged over the last moments. */
  readonly rate: number;
  /** Files per second, averaged over the last moments. */
  readonly fileRate: number;
  /** Seconds that the rest will take at this pace; absent while nothing arrives, and for more than a day. */
  readonly secondsLeft?: number;
}

/** A file is complete, verified, and at its place. */
export interface DoneEvent {
  /** Discriminates the union. */
  readonly event: "done";
  /** The name as it was asked for. */
  readonly name: string;
  /** Where it was written; it may be `NAME (2)` if another file had the name. */
  readonly path: string;
  /** Where it would have been, had that been free and nameable; absent if that is where it is. */
  readonly usualPath?: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256 of the content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /**
   * BEP 52 Merkle root: 64 hexadecimal digits. Absent from servers that know none (classic, ASCII).
   */
  readonly root?: string;
  /** Seconds from the first request sent to the final rename. */
  readonly seconds: number;
  /** How many of these passed before anybody offered it; absent if it was known who has it. */
  readonly waitedSeconds?: number;
  /** Bytes kept from an earlier run. */
  readonly resumedBytes: number;
  /** Bytes that did not have to travel because the file came packed, or parts of it. */
  readonly savedBytes: number;
  /** Whether the identical file was already there, so that nothing was fetched. */
  readonly present: boolean;
  /** Whether it is the beginning of a file that was being appended to on its server; absent otherwise. */
  readonly growing?: boolean;
  /** The folder that was asked for, of a file that came with it; {@linkcode FolderEvent} says who delivered that. */
  readonly folder?: string;
  /** Who delivered it. */
  readonly servers: readonly ServerShare[];
  /** Four words that tell which secret it was sealed by on the way; absent if it went in clear. */
  readonly sealed?: string;
}

/**
 * A folder that was asked for has come, or what could be had of it: after the {@linkcode DoneEvent} of each of its files that
 * are here, and the {@linkcode FailedEvent} of each that is not. If the whole fails, there is a {@linkcode FailedEvent} of its name instead.
 */
export interface FolderEvent {
  /** Discriminates the union. */
  readonly event: "folder";
  /** The folder as it was asked for. */
  readonly name: string;
  /** Where it is now. */
  readonly path: string;
  /** Files that it has here now. */
  readonly files: number;
  /** How many of them were there already. */
  readonly presentFiles: number;
  /** Bytes of all of them. */
  readonly size: number;
  /** Bytes of those that were there already. */
  readonly presentBytes: number;
  /** Files that could not be had. */
  readonly failedFiles: number;
  /** Files, folders and links that are here no more, since no server has them; {@linkcode ChangeEvent} names each. */
  readonly removed: number;
  /** What a run would do that was told to do nothing; absent otherwise. */
  readonly planned?: {
    /** Files that are not here. */
    readonly fetch: number;
    /** Files that are here with something else in them, and would be replaced. */
    readonly replace: number;
    /** Files, folders and links that no server has. */
    readonly remove: number;
    /** Bytes of the files to fetch and to replace. */
    readonly bytes: number;
  };
  /** Bytes that did not have to travel because they came packed. */
  readonly savedBytes: number;
  /** Seconds from the first request sent to the last name given. */
  readonly seconds: number;
  /** Who delivered what came. */
  readonly servers: readonly ServerShare[];
}

/** A mirror has removed something, or a run that is told to do nothing says what it would do. */
export interface ChangeEvent extends Pick<DoneEvent, "usualPath"> {
  /** Discriminates the union. */
  readonly event: "change";
  /** What is done with it. */
  readonly action: "fetch" | "replace" | "remove";
  /** Whether it has been done; otherwise it would be. */
  readonly isDone: boolean;
  /** The folder as it was asked for. */
  readonly folder: string;
  /** Where it is, or was, or would be. */
  readonly path: string;
  /** Size in bytes, of what is fetched. */
  readonly size?: number;
}

/** A file could not be fetched or uploaded. */
export interface FailedEvent {
  /** Discriminates the union. */
  readonly event: "failed";
  /** The name as it was asked for; of an upload, the path. Empty if the whole command failed. */
  readonly name: string;
  /** What kind of failure; {@linkcode EXIT} has the exit codes. */
  readonly code: ErrorCode;
  /** What happened, in one line. */
  readonly message: string;
  /** What to do about it, in one line. */
  readonly hint: string;
}

/** A file was uploaded; the server has verified it and written it to disk. */
export interface StoredEvent {
  /** Discriminates the union. */
  readonly event: "stored";
  /** The path that was given. */
  readonly name: string;
  /** What it is called on the server, if the server says so and it differs. */
  readonly storedAs?: string;
  /** `IP:PORT` of the server. */
  readonly server: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256 of the content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** MD5 of the content: 32 lowercase hexadecimal digits. */
  readonly md5: string;
  /** Whether the server already had the identical file. */
  readonly present: boolean;
  /** Seconds from the first connection to the answer. */
  readonly seconds: number;
  /** Four words that tell which secret it was sealed by on the way; absent if it went in clear. */
  readonly sealed?: string;
}

/** A file went to a server of the JSON dialect and came back intact. The server keeps nothing. */
export interface EchoedEvent {
  /** Discriminates the union. */
  readonly event: "echoed";
  /** The path that was given. */
  readonly name: string;
  /** `IP:PORT` of the server. */
  readonly server: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256 of the content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** Seconds for the whole round trip. */
  readonly seconds: number;
}

/** One content under one name, in a listing. */
export interface FileEvent {
  /** Discriminates the union. */
  readonly event: "file";
  /** Name of the file. */
  readonly name: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256: 64 hexadecimal digits. Absent while every server that has it is still hashing it. */
  readonly sha256?: string;
  /** MD5: 32 hexadecimal digits. Present if the server tells it. */
  readonly md5?: string;
  /** `IP:PORT` of each server that has it. */
  readonly servers: readonly string[];
  /** Four words that tell which secret it was sealed by on the way; absent if it went in clear. */
  readonly sealed?: string;
}

/** Nothing has answered yet, or a server is still hashing. */
export interface WaitingEvent {
  /** Discriminates the union. */
  readonly event: "waiting";
  /** The name as it was asked for; of an upload, the path. Empty in a listing. */
  readonly name: string;
  /** Number of this attempt, from 1. */
  readonly attempt: number;
  /** Attempts before giving up. */
  readonly attempts: number;
  /** What is being waited for. */
  readonly message: string;
}

/** A server joined, left or was dropped. */
export interface ServerEvent {
  /** Discriminates the union. */
  readonly event: "server";
  /** `IP:PORT` of the server. */
  readonly server: string;
  /** Server id: 32 hexadecimal digits. */
  readonly id: string;
  /**
   * `active`: delivers. `standby`: has the file, gets no requests now. `silent`: stopped answering.
   * `resumed`: delivers again, after it was silent or only TCP brought anything of it. `dropped`: sent
   * bad chunks and is not asked again.
   */
  readonly state: "active" | "standby" | "silent" | "resumed" | "dropped";
  /** The same in words. */
  readonly message: string;
}

/** Something worth a line: a skipped file, an ignored offer, how a socket was tuned. */
export interface NoticeEvent {
  /** Discriminates the union. */
  readonly event: "notice";
  /** How much it matters; `verbose` is printed with `--verbose` only. */
  readonly level: "info" | "warning" | "verbose";
  /** One line for people. */
  readonly message: string;
}

/** What a local file is. */
export interface HashEvent {
  /** Discriminates the union. */
  readonly event: "hash";
  /** The path that was given. */
  readonly path: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256 of the content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** BEP 52 Merkle root (`pieces root`): 64 lowercase hexadecimal digits. */
  readonly root: string;
  /** MD5 of the content: 32 lowercase hexadecimal digits. */
  readonly md5: string;
  /** Size of a chunk in bytes: what is leased, verified and written at once. */
  readonly chunkBytes: number;
  /** Number of chunks. */
  readonly chunks: number;
}

/** What `doctor` has found. */
export interface FindingEvent {
  /** Discriminates the union. */
  readonly event: "finding";
  /** What was looked at. */
  readonly check:
    | "deno"
    | "interfaces"
    | "firewall"
    | "broadcast"
    | "sockets"
    | "clock"
    | "disk"
    | "ports"
    | "servers"
    | "server"
    | "secret";
  /**
   * `ok`: as it should be. `note`: worth knowing, and nothing is wrong. `warning`: in somebody's way, now or later.
   * `problem`: something does not work.
   */
  readonly severity: "ok" | "note" | "warning" | "problem";
  /** One line for people. */
  readonly message: string;
  /** What to do, in one line; absent where nothing has to be done. */
  readonly advice?: string;
}

/** The demo says what it does next. */
export interface StepEvent {
  /** Discriminates the union. */
  readonly event: "step";
  /** One line for people. */
  readonly message: string;
}
/** How the demo ended. */
export interface ReportEvent {
  /** Discriminates the union. */
  readonly event: "report";
  /** What size, contents, and all of `echo` follow from: they are the same on every run with it. */
  readonly seed: number;
  /** Whether everything arrived as it was sent. */
  readonly ok: boolean;
  /** Size of the file in bytes. */
  readonly size: number;
  /** Seconds that the download took; this and the servers' shares are measured, and differ from run to run. */
  readonly seconds: number;
  /** SHA-256 of the file as it was made. */
  readonly expectedSha256: string;
  /** SHA-256 of the file as it was read back, computed apart from the transfer. */
  readonly actualSha256: string;
  /** The part of the file that made the round trip in the JSON dialect. */
  readonly echo: {
    /** Size of that part in bytes. */
    readonly size: number;
    /** SHA-256 of what was sent. */
    readonly expectedSha256: string;
    /** SHA-256 of what came back. */
    readonly actualSha256: string;
    /** Chunks it came back in. */
    readonly chunks: number;
    /** Uploads until all of it was back. */
    readonly rounds: number;
  };
  /** Who delivered it. */
  readonly servers: readonly ServerShare[];
}

/** Which secret is used on this machine, or was made for it; without `sealed` there is none. */
export interface SecretEvent {
  /** Discriminates the union. */
  readonly event: "secret";
  /** The file of it. */
  readonly path?: string;
  /** Four words by which people tell it from other secrets. */
  readonly sealed?: string;
  /** Whether it was made just now. */
  readonly isNew: boolean;
}

/** What a server reports. */
export type ServeEvent =
  | ReadyEvent
  | RequestEvent
  | SendingEvent
  | TransferEvent
  | UploadedEvent
  | RefusedEvent
  | IndexingEvent
  | NoticeEvent;
/** What a download reports. */
export type GetEvent =
  | OfferEvent
  | ProgressEvent
  | TotalEvent
  | DoneEvent
  | FolderEvent
  | ChangeEvent
  | FailedEvent
  | WaitingEvent
  | ServerEvent
  | GivenEvent
  | NoticeEvent;
/** What whoever sends by a code reports. */
export type SendEvent = CodeEvent | TransferEvent | IndexingEvent | NoticeEvent;
/** What whoever fetches by a code reports. */
export type CodeGetEvent = OfferedEvent | GetEvent;
/** What a listing reports. */
export type ListEvent = FileEvent | WaitingEvent | ServerEvent | NoticeEvent;
/** What an upload reports. */
export type PutEvent =
  | StoredEvent
  | EchoedEvent
  | FailedEvent
  | ProgressEvent
  | WaitingEvent
  | NoticeEvent;
/** What a look at the machine and its network reports. */
export type DoctorEvent = FindingEvent | NoticeEvent;
/** What the demo reports. */
export type DemoEvent = StepEvent | ReportEvent | GetEvent;
/** Every event of the library: what `--json` prints. */
export type ShoalEvent =
  | ServeEvent
  | WebEvent
  | MasteringEvent
  | SendEvent
  | CodeGetEvent
  | ListEvent
  | PutEvent
  | DemoEvent
  | FindingEvent
  | HashEvent
  | SecretEvent;
