/** What Deno has denied to this program: which permission, and the flag that gives it. Pure. */

interface Denial {
  /** What was denied, as in `write access to "/x"`. */
  readonly what: string;
  /** The flag of `deno run` that allows it, as in `--allow-write=/x`. */
  readonly flag: string;
}

/** By Deno's own words. */
const DENIED = /Requires (\w+) access(?: to (?:"([^"]*)"|(<\w+>)))?.*, run again with the --allow-/;

/** The denial that an error tells of, or what caused it; `undefined` where it is about something else. */
export function denialIn(thrown: unknown): Denial | undefined {
  let cause = thrown;
  // Errors have been seen that are their own causes.
  for (let depth = 0; depth < 8 && cause !== undefined; depth++) {
    if (typeof cause === "string") return denialOf(cause);
    if (!(cause instanceof Error)) return undefined;
    const denial = cause.name === "NotCapable" ? denialOf(cause.message) : undefined;
    if (denial !== undefined) return denial;
    cause = cause.cause;
  }
  return undefined;
}

/** The same of a message of a thread that could not start: it needs more files than the one that it names. */
export function denialOfThread(message: string): Denial | undefined {
  const denial = denialOf(message);
  return denial && { ...denial, flag: denial.flag.replace(/=.*$/s, "") };
}

function denialOf(message: string): Denial | undefined {
  const match = DENIED.exec(message);
  if (match === null) return undefined;
  const [, kind = "", target, place] = match;
  // Others would have to be quoted, by the rules of some shell.
  const isPlain = target !== undefined && /^[\w./\\:@+-]+$/.test(target);
  const isPath = (kind === "read" || kind === "write") && isPlain;
  const to = target === undefined ? place : `"${target}"`;
  return {
    what: `${kind} access${to === undefined ? "" : ` to ${to}`}`,
    flag: `--allow-${kind}${isPath ? `=${target}` : ""}`,
  };
}
