/** What is reported of files that go by a code. No event has anything of the code in it. */

/** How it goes with a code, for who has sent by it. */
export interface CodeEvent {
  /** Discriminates the union. */
  readonly event: "code";
  /**
   * `waiting` for who has the code; `taken` by somebody who has proved it, and is asked whether to fetch; `fetching`; `left`, where
   * whoever took it is gone, and may come again with the same code. Then it is void: `done`, `declined`, or `wrong`, where
   * somebody tried another code.
   */
  readonly state: "waiting" | "taken" | "fetching" | "left" | "done" | "declined" | "wrong";
  /** `IP:PORT` of the other side; absent while nobody has tried. */
  readonly client?: string;
  /** Files that are sent, as the first scan found them. */
  readonly files: number;
}

/** What a code leads to, before any of it is fetched. */
export interface OfferedEvent {
  /** Discriminates the union. */
  readonly event: "offered";
  /** `IP:PORT` of who sends. */
  readonly server: string;
  /** How many files. */
  readonly files: number;
  /** Their sizes together, in bytes. */
  readonly bytes: number;
}
