/** What only servers report, beside notices. */

/** The server answers from now on. */
export interface ReadyEvent {
  /** Discriminates the union. */
  readonly event: "ready";
  /** UDP port of discovery. */
  readonly port: number;
  /** UDP port of data. */
  readonly dataPort: number;
  /** TCP port of sessions. */
  readonly tcpPort: number;
  /** Server id: 32 hexadecimal digits, drawn anew at each start. */
  readonly id: string;
  /** The folder that is served, if there is one. */
  readonly dir?: string;
  /** What is offered beside what is in a folder, as far as it was given a name. */
  readonly names: readonly string[];
  /** Files found by the first scan; some may still be hashing. */
  readonly files: number;
  /** Files and folders that the first scan left out because their names begin with a dot; what is in such a folder is not counted. */
  readonly hidden: number;
  /** Addresses by which other machines may reach this one, IPv4 first: those of its interfaces, or the only one that is listened on. */
  readonly addresses: readonly string[];
  /** Whether the classic protocol is answered, too; never by a server that has a secret. */
  readonly classic: boolean;
  /** Four words that tell which secret all is sealed by; absent if it speaks in clear. */
  readonly sealed?: string;
}

/** Somebody asked a server for a file. */
export interface RequestEvent {
  /** Discriminates the union. */
  readonly event: "request";
  /** Name of the file. */
  readonly name: string;
  /** `IP:PORT` of the client. */
  readonly client: string;
  /** Whether it was asked for in the classic protocol. */
  readonly classic: boolean;
}

/** A server begins to send a file. */
export interface SendingEvent {
  /** Discriminates the union. */
  readonly event: "sending";
  /** Name of the file. */
  readonly name: string;
  /** `IP:PORT` of the client. */
  readonly client: string;
  /** Whether it is sent in the classic protocol. */
  readonly classic: boolean;
}

/**
 * A server sends somebody something, over UDP or TCP: a file, a folder that is fetched as one, or many small files. There is no
 * connection that would end; a transfer is over when nothing more has been asked for in three seconds.
 */
export interface TransferEvent {
  /** Discriminates the union. */
  readonly event: "transfer";
  /** `moving` is told once a second, of a few transfers at a time. */
  readonly state: "started" | "moving" | "ended";
  /** The same for all events of one transfer. */
  readonly id: number;
  /** `IP:PORT` of the client, by its last request. */
  readonly client: string;
  /** What is sent: one file, one folder, or many files. */
  readonly what: "file" | "folder" | "files";
  /** Name of the file or the folder, `.` for all that is offered; empty for many files. */
  readonly name: string;
  /** Size of a file in bytes; absent otherwise. A client may get the rest from other servers, or have it. */
  readonly size?: number;
  /** Bytes that were sent, each counted once. */
  readonly bytes: number;
  /** Files of which something was sent. */
  readonly files: number;
  /** Bytes per second, averaged over the last moments. */
  readonly rate: number;
  /** Seconds from the first byte sent to the last so far. */
  readonly seconds: number;
  /** Transfers, to whomever, that were begun and not told of, since the last one that was. */
  readonly omitted: number;
}

/** A file was uploaded and is offered from now on. */
export interface UploadedEvent {
  /** Discriminates the union. */
  readonly event: "uploaded";
  /** Name it is offered under; it may be `NAME (2)` if another file had the name. */
  readonly name: string;
  /** `IP:PORT` of the client. */
  readonly client: string;
  /** Size of the file in bytes. */
  readonly size: number;
  /** SHA-256 of the content: 64 lowercase hexadecimal digits. */
  readonly sha256: string;
  /** MD5 of the content: 32 lowercase hexadecimal digits. */
  readonly md5: string;
}

/** A server refused an upload. Told a few times per client; the rest are counted. */
export interface RefusedEvent {
  /** Discriminates the union. */
  readonly event: "refused";
  /** What the client called the file, unchecked; empty if it did not say. */
  readonly name: string;
  /** `IP:PORT` of the client. */
  readonly client: string;
  /** Why: one line for people. */
  readonly message: string;
  /** Refused uploads, of whomever, since the last one that was told. */
  readonly omitted: number;
}

/** How far a server is with hashing its folder. */
export interface IndexingEvent {
  /** Discriminates the union. */
  readonly event: "indexing";
  /** Files still to be hashed. */
  readonly filesLeft: number;
  /** Bytes still to be hashed. */
  readonly bytesLeft: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Seconds that it will take at this pace; absent while nothing is hashed, and for more than a day. */
  readonly secondsLeft?: number;
}

/** A page for browsers answers from now on. */
export interface WebEvent {
  /** Discriminates the union. */
  readonly event: "web";
  /** TCP port. */
  readonly port: number;
  /** What to type in a browser of another device, the best one first. */
  readonly urls: readonly string[];
}
