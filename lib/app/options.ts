/** What the library's functions take. Times are in milliseconds, rates in bytes a second. */
import type { LayerConfig } from "../messages/transport_config.ts";
import type {
  DemoEvent,
  DoneEvent,
  EchoedEvent,
  FailedEvent,
  FileEvent,
  GetEvent,
  ListEvent,
  NoticeEvent,
  PutEvent,
  ReadyEvent,
  ServeEvent,
  StoredEvent,
} from "./events.ts";

export interface NetworkOptions {
  /** Discovery port; 10526 by default. */
  readonly port?: number;
  /** Addresses that FIND goes to, instead of every interface's broadcast address and loopback. */
  readonly broadcast?: readonly string[];
  /** Whether sockets are tuned through FFI where that is possible; yes by default. */
  readonly tune?: boolean;
  /**
   * What lies between frames and UDP sockets, by the names in the runtime's table of layers; nothing by
   * default. Both sides need the same.
   */
  readonly layers?: readonly LayerConfig[];
  readonly signal?: AbortSignal;
}

export interface ServeOptions extends NetworkOptions {
  readonly dir: string;
  /** Address to listen on; 0.0.0.0 by default. */
  readonly host?: string;
  readonly classic?: boolean;
  readonly classicChunkBytes?: number;
  /** Whether dot-names are offered. */
  readonly hidden?: boolean;
  /** TCP port of sessions; the number of the discovery port, or any other if that is taken. */
  readonly tcpPort?: number;
  /** Whether peers may upload into the folder. */
  readonly allowUpload?: boolean;
  /** Largest file that is taken. */
  readonly uploadBytesMax?: number;
  /** What all uploads together may take. */
  readonly uploadQuotaBytes?: number;
  /** Cap on what is sent; 0 for none. */
  readonly rateBytesPerS?: number;
  /** Simulated errors: probability that a datagram is hit; 0 for none. */
  readonly errorRate?: number;
  readonly seed?: number;
  /** Masters (`HOST` or `HOST:PORT`) to register with. */
  readonly masters?: readonly string[];
  /** Where `GET /metrics` and `GET /healthz` are answered; nowhere by default. */
  readonly metricsPort?: number;
  /** Where the index lives; the user's cache folder by default. */
  readonly cacheDir?: string;
  readonly onEvent?: (event: ServeEvent) => void;
}

/** A running server. */
export interface Server {
  readonly ready: ReadyEvent;
  /** Resolves when the server has stopped; rejects with a ShoalError if it had to. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}

export interface FindOptions extends NetworkOptions {
  /** Ask these hosts (`HOST` or `HOST:PORT`) and nobody else. */
  readonly servers?: readonly string[];
  /** Ask these masters (`HOST` or `HOST:PORT`) as well. */
  readonly masters?: readonly string[];
  readonly timeoutMs?: number;
  readonly retries?: number;
}

export interface GetOptions extends FindOptions {
  /**
   * `NAME` or `sha256:HEX`; a glob over what is offered (`photos/*.jpg`, `**` for everything) or a folder
   * (`photos/`), unless `sha256` is given.
   */
  readonly names: readonly string[];
  readonly outDir: string;
  /** Fetch only this content. */
  readonly sha256?: string;
  readonly force?: boolean;
  readonly jobs?: number;
  /** Size of a data datagram (UDP payload). */
  readonly mtuBytes?: number;
  readonly rateBytesPerS?: number;
  readonly onEvent?: (event: GetEvent) => void;
}

/** A download over TCP, from one server. */
export interface TcpGetOptions {
  /** `NAME`, `sha256:HEX`, `md5:HEX`, a bare digest, or globs and folders as above. */
  readonly names: readonly string[];
  readonly outDir: string;
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port where `server` names none; 10526 by default. */
  readonly port?: number;
  readonly dialect?: Dialect;
  readonly sha256?: string;
  readonly force?: boolean;
  /** How long to wait for a connection. */
  readonly timeoutMs?: number;
  /** Connections that may break off before it is given up. */
  readonly retries?: number;
  /** Fetch no faster; 0 for no bound. */
  readonly rateBytesPerS?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GetEvent) => void;
}

/** One a name, in the order of the names; of a pattern, one a file that it matches. */
export type GetResult = readonly (DoneEvent | FailedEvent)[];

export interface ListOptions extends FindOptions {
  readonly onEvent?: (event: ListEvent) => void;
}

/** A listing over TCP, of one server. */
export interface TcpListOptions {
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port where `server` names none; 10526 by default. */
  readonly port?: number;
  readonly dialect?: Dialect;
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: ListEvent) => void;
}

export type ListResult = readonly FileEvent[];

/** How a TCP session is spoken: as between ours, or as one of the programs that were there before. */
export type Dialect = "shoal" | "json" | "ascii";

export interface PutOptions {
  /** Paths of regular files. */
  readonly files: readonly string[];
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port where `server` names none; 10526 by default. */
  readonly port?: number;
  readonly dialect?: Dialect;
  /** How long to wait for a connection. */
  readonly timeoutMs?: number;
  /** Connections that may break off before it is given up; in the JSON dialect, uploads. */
  readonly retries?: number;
  /** Send no faster, but in the JSON dialect; 0 for no bound. */
  readonly rateBytesPerS?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: PutEvent) => void;
}
/** One a file, in the order of the files. */
export type PutResult = readonly (StoredEvent | EchoedEvent | FailedEvent)[];

/** The server of the existing round-trip tool. */
export interface EchoServerOptions {
  readonly host: string;
  readonly port: number;
  readonly chunkBytes?: number;
  /** Probability that a chunk is lost or spoilt on purpose. */
  readonly errorRate?: number;
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: NoticeEvent) => void;
}

/** Its client. */
export interface EchoClientOptions {
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  readonly port: number;
  /** Path of a file that one message can hold. */
  readonly file: string;
  /** Uploads after the first. */
  readonly retriesMax: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: NoticeEvent) => void;
}

export interface EchoResult {
  /** Where what came back is kept: `received_NAME` in the current folder. */
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly chunkCount: number;
  /** Uploads in all. */
  readonly rounds: number;
}

export interface FileHashes {
  readonly sizeBytes: number;
  readonly sha256: string;
  readonly root: string;
  readonly md5: string;
  readonly chunkBytes: number;
  readonly chunks: number;
}

export interface DemoOptions {
  readonly sizeBytes: number;
  /** Probability that a datagram is hit; 0 for a clean network. */
  readonly errorRate: number;
  /** Makes the file and the errors. */
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: DemoEvent) => void;
}

export interface MasterOptions {
  /** Address to listen on; 0.0.0.0 by default. */
  readonly host?: string;
  /** 10527 by default. */
  readonly port?: number;
  /** `memory`, `sqlite:PATH` or `redis://HOST:PORT`; a file in the user's cache folder by default. */
  readonly store?: string;
  /** Where `GET /metrics` and `GET /healthz` are answered; nowhere by default. */
  readonly metricsPort?: number;
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: NoticeEvent) => void;
}

/** A running master. */
export interface Master {
  readonly port: number;
  /** As it would be named; `sqlite:` for the file in the cache folder. */
  readonly store: string;
  readonly metricsPort: number | undefined;
  /** Resolves when it has stopped; rejects with a ShoalError if it had to. */
  readonly closed: Promise<void>;
  close(): Promise<void>;
}
