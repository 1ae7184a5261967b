/**
 * The closed list of things that can go wrong for a user: one code, one message, one hint, one exit
 * code. A worker sends `{code, message, hint}` and the other side makes the same error again.
 */

export const EXIT = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unverified: 4,
  disk: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const TABLE = {
  usage: { exit: EXIT.usage, hint: "Run the command with --help to see what it takes." },
  bad_name: {
    exit: EXIT.usage,
    hint: "Names are relative, with forward slashes, and stay inside the served folder.",
  },
  not_found: { exit: EXIT.notFound, hint: "Run `list` to see what is offered." },
  no_server: {
    exit: EXIT.notFound,
    hint:
      "Start `server` on the machine that has the file, allow UDP 10526 and 10530-10545 in its firewall, or name it with --server HOST.",
  },
  ambiguous: { exit: EXIT.unverified, hint: "Choose one with --sha256." },
  unverified: {
    exit: EXIT.unverified,
    hint: "Nothing wrong was kept. Fetch it again, or from other servers with --server.",
  },
  refused: {
    exit: EXIT.failed,
    hint: "The server says why; whoever runs it can change that.",
  },
  changed: {
    exit: EXIT.failed,
    hint: "The file changed while it was served. Run the same command again for the new one.",
  },
  stalled: {
    exit: EXIT.failed,
    hint: "What arrived is kept: run the same command again to go on from there.",
  },
  disk_full: {
    exit: EXIT.disk,
    hint: "Free some space and run the same command again: what arrived is kept.",
  },
  not_writable: { exit: EXIT.disk, hint: "Choose another folder with --out." },
  busy_target: {
    exit: EXIT.disk,
    hint:
      "Another get, or another name of this one, is writing this file: let it finish, or choose another folder with --out.",
  },
  disk: { exit: EXIT.disk, hint: "Look at the disk; what arrived is kept where it could be." },
  folder: { exit: EXIT.usage, hint: "Name a folder that exists and that you may read." },
  port_in_use: {
    exit: EXIT.failed,
    hint: "Another program holds the port: stop it, or choose another with --port.",
  },
  network: {
    exit: EXIT.failed,
    hint: "Check that this machine has a network interface that is up.",
  },
  interrupted: {
    exit: EXIT.interrupted,
    hint: "Run the same command again to go on from there.",
  },
  internal: { exit: EXIT.failed, hint: "This is a bug in Shoal; --verbose shows where." },
} as const satisfies Record<string, { exit: ExitCode; hint: string }>;

export type ErrorCode = keyof typeof TABLE;

/** An error as it crosses a worker boundary. */
export interface ErrorMessage {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string;
}

/** What happened, in one line; what to do, in one line; and the exit code that goes with it. */
export class ShoalError extends Error {
  override readonly name = "ShoalError";
  readonly code: ErrorCode;
  readonly hint: string;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.hint = options.hint ?? TABLE[code].hint;
  }

  get exitCode(): ExitCode {
    return TABLE[this.code].exit;
  }

  toMessage(): ErrorMessage {
    return { code: this.code, message: this.message, hint: this.hint };
  }

  static fromMessage(message: ErrorMessage): ShoalError {
    return new ShoalError(message.code, message.message, { hint: message.hint });
  }

  /** Any thrown value as a ShoalError; what is not one already is `internal`. */
  static from(thrown: unknown): ShoalError {
    if (thrown instanceof ShoalError) return thrown;
    const message = thrown instanceof Error ? thrown.message : String(thrown);
    return new ShoalError("internal", message, { cause: thrown });
  }
}
