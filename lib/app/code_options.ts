/** What the library takes and gives back where files go by a code. Times are in milliseconds, rates in bytes per second. */
import type { CodeGetEvent, SendEvent } from "./events.ts";
import type {
  ContentToOffer,
  FileToOffer,
  FolderToOffer,
  GetOptions,
  LayerConfig,
  NetworkOptions,
} from "./options.ts";

/** What to send by a code, of which there must be something. No two things may have one name. */
export interface SendOptions extends NetworkOptions {
  /** Single files; none by default. */
  readonly files?: readonly FileToOffer[];
  /** Folders, each with everything below it, under their own names; none by default. */
  readonly folders?: readonly FolderToOffer[];
  /** Bytes in memory; none by default. */
  readonly contents?: readonly ContentToOffer[];
  /** Whether to send what starts with a dot in the folders; false by default. */
  readonly hidden?: boolean;
  /** Cap on what is sent, in bytes per second; 0 (the default) for none. */
  readonly rateBytesPerS?: number;
  /** Masters (`HOST` or `HOST:PORT`) by which the sender can be found as well; none by default. */
  readonly masters?: readonly string[];
  /** What lies between this and masters, nothing by default: a code seals by itself what is sent. */
  readonly layers?: readonly LayerConfig[];
  /** Folder of the hash index; by default one in the user's cache folder. */
  readonly cacheDir?: string;
  /** Called for every event, in order. */
  readonly onEvent?: (event: SendEvent) => void;
}

/** What is being sent by a code. */
export interface Sending {
  /** What the other side has to type, and nobody else should know: `7-guidance-apollo`. */
  readonly code: string;
  /** How many files are sent. */
  readonly files: number;
  /** UDP port of discovery. */
  readonly port: number;
  /** Addresses by which other machines may reach this one, IPv4 first. */
  readonly addresses: readonly string[];
  /**
   * Resolves when all has come, to who has it; rejects with a {@linkcode ShoalError}: `refused` if somebody tried another code,
   * or did not want what was sent, `interrupted` if it was stopped.
   */
  readonly ended: Promise<SendResult>;
  /** Stops it: the code is void. Resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** How a sending by a code ended well. */
export interface SendResult {
  /** `IP:PORT` of who has it. */
  readonly client: string;
  /** How many files were sent. */
  readonly files: number;
}

/** A file that a code leads to. */
export interface IncomingFile {
  /** Its name, as whoever sends it says; below the folder of `outDir` in any case. */
  readonly name: string;
  /** Its size in bytes. */
  readonly size: number;
}

/** What a code leads to. */
export interface Incoming {
  /** `IP:PORT` of who sends. */
  readonly server: string;
  /** All of it, by name. */
  readonly files: readonly IncomingFile[];
  /** The sizes together, in bytes. */
  readonly bytes: number;
}

/** What to fetch by a code, and where to. */
export interface CodeGetOptions extends
  Omit<
    GetOptions,
    | ("names" | "file" | "sink" | "sha256" | "mirror" | "dryRun" | "sweep" | "outDir" | "onEvent")
    | ("share" | "shareRateBytesPerS")
  > {
  /** The code: a number and two words, in any case, with spaces or hyphens between them. */
  readonly code: string;
  /** Folder that files are written to, with their own folders below it; created if it is missing. */
  readonly outDir: string;
  /** What lies between this and masters, nothing by default: a code seals by itself what it brings. */
  readonly layers?: readonly LayerConfig[];
  /** Asked once what a code leads to is known: `false` declines it, and the code is void. All is fetched by default. */
  readonly onIncoming?: (incoming: Incoming) => boolean | Promise<boolean>;
  /** Called for every event, in order. */
  readonly onEvent?: (event: CodeGetEvent) => void;
}
