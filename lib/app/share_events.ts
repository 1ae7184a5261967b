/** Who gave what to whom, as a `get` tells it. */

/** One server's part in a finished download. */
export interface ServerShare {
  /** `IP:PORT` that the bytes came from. */
  readonly server: string;
  /**
   * Server id: 32 hexadecimal digits, drawn anew at each start; `classic` or empty where there is
   * none.
   */
  readonly id: string;
  /** Verified bytes that this server delivered. */
  readonly bytes: number;
  /** Chunks from this server that passed their proof. */
  readonly chunks: number;
  /** Chunks from this server that failed their proof. */
  readonly badChunks: number;
  /** Segments requested from it more than once; 0 over TCP. */
  readonly retransmits: number;
  /** Of the bytes, those that did not have to travel because others came packed. */
  readonly savedBytes: number;
  /** Whether it is no server, but fetched the same at the same time and gave what it had; absent otherwise. */
  readonly taker?: true;
}

/** What a run has given to others who fetched the same; told at its end, if it was anything. */
export interface GivenEvent {
  /** Discriminates the union. */
  readonly event: "given";
  /** Bytes of the files, each counted once for each of those who were given it. */
  readonly bytes: number;
}
