/** What the library takes and gives back. Times are in milliseconds, rates in bytes per second. */
import type { LayerConfig } from "../messages/transport_config.ts";
import type { FoundSecret, SecretPlace } from "./found_secret.ts";
import type {
  ContentToOffer,
  FileToOffer,
  FolderToOffer,
  StreamToOffer,
} from "./things_to_offer.ts";
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
import type { Offering } from "./offering.ts";
import type { Receiving } from "./receiving.ts";

export type { FoundSecret, LayerConfig, SecretPlace };
export type * from "./things_to_offer.ts";

/** What everything that uses the network takes. */
export interface NetworkOptions {
  /** UDP port of discovery; 10526 by default. 0 lets the system choose one. */
  readonly port?: number;
  /**
   * Addresses that FIND goes to, and nowhere else; by default every interface's broadcast address, the group of
   * discovery on every link that has IPv6, and loopback. A server that is given any joins no group.
   */
  readonly broadcast?: readonly string[];
  /** Interfaces, by name, on which clients look for servers and servers are found; all of them by default. */
  readonly interfaces?: readonly string[];
  /** … and those on which they do not and are not; none by default. */
  readonly exceptInterfaces?: readonly string[];
  /** Whether sockets are tuned through FFI where possible; true by default. */
  readonly tune?: boolean;
  /**
   * What lies between what is said and the sockets of UDP and TCP, by the names in the runtime's table of layers;
   * nothing by default. Both sides need the same, and masters, too.
   */
  readonly layers?: readonly LayerConfig[];
  /** Ends the work in order; what arrived is kept. */
  readonly signal?: AbortSignal;
}

/** What to offer, of which there must be something, and how. No two things may have one name. */
export interface ServeOptions extends NetworkOptions {
  /** A folder, with everything below it; none by default. */
  readonly dir?: string;
  /** Folders, each with everything below it, under their own names; none by default. Not beside `dir`. */
  readonly folders?: readonly FolderToOffer[];
  /** Single files; none by default. */
  readonly files?: readonly FileToOffer[];
  /** Bytes in memory; none by default. */
  readonly contents?: readonly ContentToOffer[];
  /** Streams; none by default. */
  readonly streams?: readonly StreamToOffer[];
  /** Address to listen on; 0.0.0.0, the default, is for all, of IPv6 as well. */
  readonly host?: string;
  /** Whether to answer the classic protocol, too; true by default. */
  readonly classic?: boolean;
  /** Chunk size in bytes of the classic protocol and the JSON dialect; 1,024 by default. */
  readonly classicChunkBytes?: number;
  /** Whether to offer what starts with a dot in the folder; false by default. */
  readonly hidden?: boolean;
  /**
   * UDP port of data, which also answers searches that are sent to it: all that has to reach a server through a firewall
   * or an address translator. By default a free one from 10530 to 10545.
   */
  readonly dataPort?: number;
  /**
   * TCP port of sessions; by default the number of the discovery port, or any free one if that is
   * taken.
   */
  readonly tcpPort?: number;
  /** Whether peers may upload into the folder, which there must be; false by default. */
  readonly allowUpload?: boolean;
  /** Largest upload accepted, in bytes; 1 GB by default. */
  readonly uploadBytesMax?: number;
  /** Bytes that all uploads together may take on the disk, until they are gone; unlimited by default. */
  readonly uploadQuotaBytes?: number;
  /** Bytes that those of one host may take; unlimited by default. */
  readonly uploadQuotaPerHostBytes?: number;
  /** Files and folders that all uploads together may leave, until they are gone; 100,000 by default. */
  readonly uploadEntriesMax?: number;
  /** … and those of one host; 25,000 by default. */
  readonly uploadEntriesPerHostMax?: number;
  /**
   * Cap on what is sent, in bytes per second, over UDP and over TCP each; 0 (the default) for none.
   */
  readonly rateBytesPerS?: number;
  /**
   * Simulated errors: probability, from 0 to 1, that a datagram is dropped or damaged; 0 by
   * default.
   */
  readonly errorRate?: number;
  /** Makes the simulated errors repeatable; random by default. */
  readonly seed?: number;
  /** Masters (`HOST` or `HOST:PORT`) to register with; none by default. */
  readonly masters?: readonly string[];
  /** TCP port of `GET /metrics` and `GET /healthz`; neither is answered by default. */
  readonly metricsPort?: number;
  /** Address of the metrics; 127.0.0.1 by default, so that only this machine sees them. */
  readonly metricsHost?: string;
  /** Folder of the hash index and of streams; by default one in the user's cache folder. */
  readonly cacheDir?: string;
  /** Called for every event, in order. */
  readonly onEvent?: (event: ServeEvent) => void;
}

/** A running server, what it offers, and what it takes. */
export interface Server extends Offering, Receiving {
  /** Where it listens and what it found. */
  readonly ready: ReadyEvent;
  /** Resolves when the server has stopped; rejects with a {@linkcode ShoalError} if it broke. */
  readonly closed: Promise<void>;
  /** Stops the server; resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** Where to look for files, and how long. */
export interface FindOptions extends NetworkOptions {
  /** Ask these hosts (`HOST` or `HOST:PORT`) only; by default, everybody is asked by broadcast. */
  readonly servers?: readonly string[];
  /** Ask these masters (`HOST` or `HOST:PORT`), too; none by default. */
  readonly masters?: readonly string[];
  /**
   * How long to look for servers while nobody has answered, in milliseconds; by default 15,000, or as long as all attempts
   * take if that is less. Where it is given, it is waited even for hosts at which nothing listens yet.
   */
  readonly waitMs?: number;
  /**
   * How long a server that was found may bring nothing in one attempt, in milliseconds; 10,000 by default, 3,000 for
   * `list`.
   */
  readonly timeoutMs?: number;
  /** Such attempts in a row before giving up; 10 by default, 1 for `list`. */
  readonly retries?: number;
  /**
   * Whether the addresses of this machine's own /24 networks are asked one by one as well, once and slowly, where
   * broadcasts are filtered; false by default.
   */
  readonly sweep?: boolean;
}

/**
 * Is given a file's bytes in order, each proved, one piece at a time. The next piece comes when it resolves with `true`; `false`
 * ends the get, as what it throws does. It is given the end of a file only if the whole is what was offered.
 */
export type ByteSink = (bytes: Uint8Array) => Promise<boolean>;

/** Files to fetch over UDP. */
export interface GetOptions extends FindOptions {
  /**
   * `NAME` (or `./NAME`, for one that looks like something else), `sha256:HEX` (8 to 64 digits, as in `sha256`), a glob over what is offered (`photos/*.jpg`, `**` for everything) or a
   * folder (`photos/`); with `sha256`, plain names only.
   */
  readonly names: readonly string[];
  /**
   * Folder that files are written to, with their own folders below it; created if it is missing. No folder by default: then
   * `file` or `sink` is needed.
   */
  readonly outDir?: string;
  /** What the one file that is fetched is called: a path, whose folder is there; by default, what its server calls it. */
  readonly file?: string;
  /** Who takes the bytes of the one file that is fetched; the disk by default. Not for the `ascii` dialect, or classic servers. */
  readonly sink?: ByteSink;
  /**
   * Fetch only this content: 64 hexadecimal digits; or at least 8, which are looked up in what servers list and, unlike all 64,
   * can be forged. By default, whatever the name stands for.
   */
  readonly sha256?: string;
  /**
   * Replace a different file of that name, instead of writing `NAME (2)` beside it or, where `file` says the name,
   * failing; false by default.
   */
  readonly force?: boolean;
  /** Keep the symbolic links of a folder as links, where they lead to something in it; as files by default. */
  readonly links?: boolean;
  /** Read again what an earlier run has written of a folder, instead of trusting its size and times; false by default. */
  readonly check?: boolean;
  /**
   * Replace what differs here, and afterwards remove what no server has from the folders that are fetched; false by
   * default. Nothing is removed where that is not certain. For folders alone.
   */
  readonly mirror?: boolean;
  /** Only say, by events, what would be fetched, replaced and removed; false by default. For folders alone. */
  readonly dryRun?: boolean;
  /** Where manifests and records of folders are kept; the user's cache folder by default. */
  readonly cacheDir?: string;
  /**
   * Leave blocks of zeros out as holes where the disk can, so that a sparse file takes no more than its
   * data; true by default.
   */
  readonly sparse?: boolean;
  /**
   * Write files under names that every file system takes: what some cannot hold (`< > : " | ? * \`, a dot or a space
   * at the end) as `%` and two hexadecimal digits; false by default.
   */
  readonly portableNames?: boolean;
  /** Whether servers are asked to pack what packs, where the network is slower than that; true by default. */
  readonly pack?: boolean;
  /**
   * Whether others who fetch the same file at the same time are given what is here of it; true by default. What others
   * have of it is fetched from them in any case.
   */
  readonly share?: boolean;
  /** Cap on what is given to them, in bytes per second; 0 (the default) for none. */
  readonly shareRateBytesPerS?: number;
  /** Files to fetch at a time; 16 by default. */
  readonly jobs?: number;
  /** The largest data datagram (UDP payload) in bytes; by default 1,400, and more where it passes in one piece. */
  readonly mtuBytes?: number;
  /** Cap on what is requested, in bytes per second; 0 (the default) for none. */
  readonly rateBytesPerS?: number;
  /** Called for every event, in order. */
  readonly onEvent?: (event: GetEvent) => void;
}

/** Files to fetch over TCP, from one server. */
export interface TcpGetOptions extends Pick<GetOptions, "mirror" | "dryRun"> {
  /**
   * `NAME`, `sha256:HEX`, `md5:HEX`, a bare digest, or globs and folders as in {@linkcode
   * GetOptions}.
   */
  readonly names: readonly string[];
  /** Folder that files are written to; created if it is missing. No folder by default: then `file` or `sink` is needed. */
  readonly outDir?: string;
  /** What the one file that is fetched is called: a path, whose folder is there; by default, what its server calls it. */
  readonly file?: string;
  /** Who takes the bytes of the one file that is fetched; the disk by default. Not for the `ascii` dialect, or classic servers. */
  readonly sink?: ByteSink;
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port if `server` names none; 10526 by default. */
  readonly port?: number;
  /** How the session is spoken; `shoal` by default. */
  readonly dialect?: Dialect;
  /** As in {@linkcode NetworkOptions}; nothing by default. A layer that does not reach TCP is a `usage` error. */
  readonly layers?: readonly LayerConfig[];
  /**
   * Fetch only this content: 64 hexadecimal digits; or at least 8, which are looked up in what servers list and, unlike all 64,
   * can be forged. By default, whatever the name stands for.
   */
  readonly sha256?: string;
  /** Replace a different file of that name, as in {@linkcode GetOptions}; false by default. */
  readonly force?: boolean;
  /** Keep the symbolic links of a folder as links, where they lead to something in it; as files by default. */
  readonly links?: boolean;
  /** Read again what an earlier run has written of a folder, instead of trusting its size and times; false by default. */
  readonly check?: boolean;
  /** Where manifests and records of folders are kept; the user's cache folder by default. */
  readonly cacheDir?: string;
  /**
   * Leave blocks of zeros out as holes where the disk can, so that a sparse file takes no more than its
   * data; true by default.
   */
  readonly sparse?: boolean;
  /**
   * Write files under names that every file system takes: what some cannot hold (`< > : " | ? * \`, a dot or a space
   * at the end) as `%` and two hexadecimal digits; false by default.
   */
  readonly portableNames?: boolean;
  /** Files to fetch at a time; 16 by default. In the `ascii` dialect it is always one. */
  readonly jobs?: number;
  /** How long a wait for the server may be, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number;
  /** Connections in a row that may bring nothing before it is given up; 10 by default. */
  readonly retries?: number;
  /** Cap on what is read, in bytes per second; 0 (the default) for none. */
  readonly rateBytesPerS?: number;
  /** Ends the work in order; what arrived is kept. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: GetEvent) => void;
}

/** What became of each: one event per name, in the order of the names; for a pattern, one per file that it matches; for a folder, one per file that it has. */
export type GetResult = readonly (DoneEvent | FailedEvent)[];

/** What to list, and where. */
export interface ListOptions extends FindOptions {
  /** Called for every event, in order. */
  readonly onEvent?: (event: ListEvent) => void;
}

/** A listing over TCP, of one server. */
export interface TcpListOptions {
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port if `server` names none; 10526 by default. */
  readonly port?: number;
  /** How the session is spoken; `shoal` by default. `json` has no listing. */
  readonly dialect?: Dialect;
  /** As in {@linkcode NetworkOptions}; nothing by default. A layer that does not reach TCP is a `usage` error. */
  readonly layers?: readonly LayerConfig[];
  /** How long a wait for the server may be, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number;
  /** Connections in a row that may bring nothing before it is given up; 1 by default. */
  readonly retries?: number;
  /** Ends the work in order; what arrived is kept. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: ListEvent) => void;
}

/** One event per content and name. */
export type ListResult = readonly FileEvent[];

/** The language of a TCP session: Shoal's own, or one of two older protocols. */
export type Dialect = "shoal" | "json" | "ascii";

/** Files to upload, and to whom. */
export interface PutOptions {
  /** Paths of regular files. */
  readonly files: readonly string[];
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port if `server` names none; 10526 by default. */
  readonly port?: number;
  /** How the session is spoken; `shoal` by default. */
  readonly dialect?: Dialect;
  /** As in {@linkcode NetworkOptions}; nothing by default. A layer that does not reach TCP is a `usage` error. */
  readonly layers?: readonly LayerConfig[];
  /** How long a wait for the server may be, in milliseconds; 10,000 by default. */
  readonly timeoutMs?: number;
  /** Connections in a row that may bring nothing before it is given up; 10 by default. */
  readonly retries?: number;
  /**
   * Cap on what is sent, in bytes per second; 0 (the default) for none. Not applied in the JSON
   * dialect.
   */
  readonly rateBytesPerS?: number;
  /** Ends the work in order; what arrived is kept. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: PutEvent) => void;
}

/** What became of each: one event per file, in the order of the files. */
export type PutResult = readonly (StoredEvent | EchoedEvent | FailedEvent)[];

/** The server of the older round-trip tool. */
export interface EchoServerOptions {
  /** Address to listen on. */
  readonly host: string;
  /** TCP port; 0 lets the system choose one. */
  readonly port: number;
  /** As in {@linkcode NetworkOptions}; nothing by default. A layer that does not reach TCP is a `usage` error. */
  readonly layers?: readonly LayerConfig[];
  /** Size of a chunk that is sent back, in bytes; 1,024 by default. */
  readonly chunkBytes?: number;
  /** Probability, from 0 to 1, that a chunk is lost or damaged on purpose; 0 by default. */
  readonly errorRate?: number;
  /** Makes the errors repeatable; random by default. */
  readonly seed?: number;
  /** Ends the work in order. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: NoticeEvent) => void;
}

/** The client of the older round-trip tool. */
export interface EchoClientOptions {
  /** `HOST` or `HOST:PORT`. */
  readonly server: string;
  /** TCP port if `server` names none. */
  readonly port: number;
  /** As in {@linkcode NetworkOptions}; nothing by default. A layer that does not reach TCP is a `usage` error. */
  readonly layers?: readonly LayerConfig[];
  /** Path of a file small enough for one message. */
  readonly file: string;
  /** Uploads after the first before giving up. */
  readonly retriesMax: number;
  /** Ends the work in order. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: NoticeEvent) => void;
}

/** A file that made the round trip. */
export interface EchoResult {
  /** Where the copy is kept: `received_NAME` in the current folder. */
  readonly path: string;
  /** Size of the file in bytes. */
  readonly sizeBytes: number;
  /** SHA-256: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** Chunks it came back in. */
  readonly chunkCount: number;
  /** Uploads in all. */
  readonly rounds: number;
}

/** What a local file is, in every way that somebody may ask for it. */
export interface FileHashes {
  /** Size of the file in bytes. */
  readonly sizeBytes: number;
  /** SHA-256: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** BEP 52 Merkle root (`pieces root`): 64 lowercase hexadecimal digits. */
  readonly root: string;
  /** MD5: 32 lowercase hexadecimal digits. */
  readonly md5: string;
  /** Size of a chunk in bytes. */
  readonly chunkBytes: number;
  /** Number of chunks. */
  readonly chunks: number;
}

/** How large and how bad the demo should be. */
export interface DemoOptions {
  /** Size of the file that is made, in bytes. */
  readonly sizeBytes: number;
  /** Probability, from 0 to 1, that a datagram is dropped or damaged; 0 for a clean network. */
  readonly errorRate: number;
  /** Makes the file and the errors repeatable. */
  readonly seed: number;
  /** Ends the work in order; nothing is kept. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: DemoEvent) => void;
}

/** Where a master listens, and where it keeps its registry. */
export interface MasterOptions {
  /** Address to listen on; 0.0.0.0, the default, is for all, of IPv6 as well. */
  readonly host?: string;
  /** TCP port; 10527 by default. 0 lets the system choose one. */
  readonly port?: number;
  /** As in {@linkcode NetworkOptions}; nothing by default. A layer that does not reach TCP is a `usage` error. */
  readonly layers?: readonly LayerConfig[];
  /**
   * `memory`, `sqlite:PATH` or `redis://HOST:PORT`; by default a file in the user's cache folder.
   */
  readonly store?: string;
  /** TCP port of `GET /metrics` and `GET /healthz`; neither is answered by default. */
  readonly metricsPort?: number;
  /** Address of the metrics; 127.0.0.1 by default, so that only this machine sees them. */
  readonly metricsHost?: string;
  /** Ends the work in order; leases stay in the store. */
  readonly signal?: AbortSignal;
  /** Called for every event, in order. */
  readonly onEvent?: (event: NoticeEvent) => void;
}

/** A running master. */
export interface Master {
  /** TCP port. */
  readonly port: number;
  /**
   * The store as it would be named in {@linkcode MasterOptions}, without a password; `sqlite:` for the file in the
   * cache folder.
   */
  readonly store: string;
  /** TCP port of the metrics; undefined if there are none. */
  readonly metricsPort: number | undefined;
  /** Four words that tell which secret all is sealed by; undefined if it speaks in clear. */
  readonly sealed: string | undefined;
  /** Resolves when the master has stopped; rejects with a {@linkcode ShoalError} if it broke. */
  readonly closed: Promise<void>;
  /** Stops the master; resolves when nothing of it is left. */
  close(): Promise<void>;
}
