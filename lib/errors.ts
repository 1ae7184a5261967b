/**
 * The closed list of things that can go wrong for a user: one code, one message, one hint, one exit
 * code. A worker sends `{code, message, hint}`, and the receiving side restores the error.
 */
import { denialIn, denialOfThread } from "./denial.ts";
import { udpPortsText } from "./port_texts.ts";
import { systemErrorText } from "./system_error.ts";

/**
 * The exit codes of the command line, by what they mean.
 *
 * @example Exit with the code of an error
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { EXIT, ShoalError } from "@shoal/shoal";
 *
 * assertEquals(new ShoalError("disk_full", "no space left").exitCode, EXIT.disk);
 * ```
 */
export const EXIT = {
  /** Everything was done. */
  done: 0,
  /** Something failed, or several things failed in different ways. */
  failed: 1,
  /** The command line was wrong. */
  usage: 2,
  /** No server has it. */
  notFound: 3,
  /** It could not be verified, or servers disagree about what it is. */
  unverified: 4,
  /** The local disk is full or not writable. */
  disk: 5,
  /** Interrupted; what arrived is kept. */
  interrupted: 130,
} as const;
/** One of {@linkcode EXIT}. */
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** What kind of failure it is; programs compare this, people read the message. */
export type ErrorCode =
  /** The command line or the options are wrong. */
  | "usage"
  /** A name that is not valid, or that cannot be offered. */
  | "bad_name"
  /** No server has it. */
  | "not_found"
  /** No server answered. */
  | "no_server"
  /** Servers disagree about what the name stands for. */
  | "ambiguous"
  /** What arrived is not what was offered. */
  | "unverified"
  /** The server refused. */
  | "refused"
  /** The file changed while it was being read. */
  | "changed"
  /** Nothing more arrives. */
  | "stalled"
  /** No space is left on the disk. */
  | "disk_full"
  /** A file or folder cannot be written. */
  | "not_writable"
  /** The target's file system cannot hold the name. */
  | "unnameable"
  /** Something else is writing the target file. */
  | "busy_target"
  /** Any other failure of the local disk. */
  | "disk"
  /** The folder to serve cannot be read. */
  | "folder"
  /** Another program uses the port. */
  | "port_in_use"
  /** Deno was not given a permission that this needs. */
  | "permission"
  /** A socket cannot be opened, or a peer speaks something else. */
  | "network"
  /** Interrupted by the user; what arrived is kept. */
  | "interrupted"
  /** A bug in Shoal. */
  | "internal";

const TABLE: Readonly<Record<ErrorCode, { readonly exit: ExitCode; readonly hint: string }>> = {
  usage: { exit: EXIT.usage, hint: "Run the command with --help to see its options." },
  bad_name: {
    exit: EXIT.usage,
    hint: "Names are relative, with forward slashes, and stay inside the served folder.",
  },
  not_found: { exit: EXIT.notFound, hint: "Run `list` to see what is offered." },
  no_server: {
    exit: EXIT.notFound,
    hint:
      `Start \`server\` on the machine that has the file, and allow ${udpPortsText()} in its firewall; \`doctor\` looks for what is in the way. Servers that have a secret answer nobody without it: see \`secret --help\`.`,
  },
  ambiguous: { exit: EXIT.unverified, hint: "Choose one with --sha256." },
  unverified: {
    exit: EXIT.unverified,
    hint: "Nothing wrong was kept. Fetch it again, or from other servers with --server.",
  },
  refused: {
    exit: EXIT.failed,
    hint: "Ask the server's owner, or choose another server.",
  },
  changed: {
    exit: EXIT.failed,
    hint:
      "The file changed while it was being sent. Run the same command again to fetch the new one.",
  },
  stalled: {
    exit: EXIT.failed,
    hint: "What arrived is kept: run the same command again to resume.",
  },
  disk_full: {
    exit: EXIT.disk,
    hint: "Free some space and run the same command again to resume: what arrived is kept.",
  },
  not_writable: { exit: EXIT.disk, hint: "Choose another folder with --out." },
  unnameable: {
    exit: EXIT.disk,
    hint:
      "Add --portable-names, which writes it under a name that every file system takes, or choose another folder with --out.",
  },
  busy_target: {
    exit: EXIT.disk,
    hint:
      "Another get, or another name in this one, is writing this file: let it finish, or choose another folder with --out.",
  },
  disk: { exit: EXIT.disk, hint: "Check the disk; what could be written is kept." },
  folder: { exit: EXIT.usage, hint: "Name a folder that exists and is readable." },
  port_in_use: {
    exit: EXIT.failed,
    hint: "Another program uses the port: stop it, or choose another port with --port.",
  },
  permission: {
    exit: EXIT.usage,
    hint: "Add -A to the flags of `deno run`, which allows all that Shoal needs.",
  },
  network: {
    exit: EXIT.failed,
    hint: "Check that this machine has a network interface that is up.",
  },
  interrupted: {
    exit: EXIT.interrupted,
    hint: "Run the same command again to resume.",
  },
  internal: { exit: EXIT.failed, hint: "This is a bug in Shoal; --verbose shows where." },
};

/** An error as it crosses a worker boundary. */
export interface ErrorMessage {
  /** What kind of failure it is. */
  readonly code: ErrorCode;
  /** What happened, in one line. */
  readonly message: string;
  /** What to do about it, in one line. */
  readonly hint: string;
}

/**
 * What every function of the library throws: a code, what happened and what to do, each in one line, and
 * the exit code that goes with it.
 *
 * @example Tell failures apart
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hashFile, ShoalError } from "@shoal/shoal";
 *
 * try {
 *   await hashFile("/no/such/file");
 * } catch (error) {
 *   if (!(error instanceof ShoalError)) throw error;
 *   assertEquals([error.code, error.exitCode], ["usage", 2]);
 * }
 * ```
 */
export class ShoalError extends Error {
  /** `ShoalError`, whatever module it was loaded from. */
  override readonly name = "ShoalError";
  /** What kind of failure it is. */
  readonly code: ErrorCode;
  /** What to do about it, in one line. */
  readonly hint: string;

  /**
   * An error with the hint of its code, unless another is given. What Deno has denied is `permission`, whatever was to be
   * done with it.
   *
   * @param code what kind of failure it is
   * @param message what happened, in one line
   * @param options a hint in place of the one that goes with the code, and the cause
   */
  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    const denial = code === "permission" ? undefined : denialIn(options.cause) ??
      (code === "internal" ? denialOfThread(message) : undefined);
    super(
      denial === undefined ? message : `Deno does not allow ${denial.what}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.code = denial === undefined ? code : "permission";
    this.hint = denial === undefined
      ? options.hint ?? TABLE[code].hint
      : `Add ${denial.flag} to the flags of \`deno run\`, or -A, which allows all that Shoal needs.`;
  }

  /** The exit code of a command that fails with this error. */
  get exitCode(): ExitCode {
    return TABLE[this.code].exit;
  }

  /** The error as plain data, without its cause. */
  toMessage(): ErrorMessage {
    return { code: this.code, message: this.message, hint: this.hint };
  }

  /** The error that {@linkcode toMessage} was called on. */
  static fromMessage(message: ErrorMessage): ShoalError {
    return new ShoalError(message.code, message.message, { hint: message.hint });
  }

  /** Any thrown value as a ShoalError; what is not one already is `internal`. */
  static from(thrown: unknown): ShoalError {
    if (thrown instanceof ShoalError) return thrown;
    return new ShoalError("internal", systemErrorText(thrown), {
      cause: thrown,
      ...descriptorsHint(thrown),
    });
  }
}

/** What to do where the system has no file descriptor left for us; nothing where it is something else. */
export function descriptorsHint(cause: unknown): { readonly hint?: string } {
  const code = (cause as { code?: unknown } | null | undefined)?.code;
  if (code !== "EMFILE" && code !== "ENFILE") return {};
  return { hint: "Allow more open files, as with `ulimit -n 1024`, or end what has many open." };
}
