/** What a connection that does not come about says of the way to its other end. */

/**
 * "refused": the host is there and nobody listens. "no route": nothing leads there, or nobody on the link has the address.
 * "blocked": a firewall or a rule of this machine. "silent": nothing comes back.
 */
export type ConnectProblem = "refused" | "no route" | "blocked" | "silent";

/** By the names of Linux and macOS, and those of Windows' sockets. */
const PROBLEMS: Readonly<Record<string, ConnectProblem>> = {
  ECONNREFUSED: "refused",
  ENETUNREACH: "no route",
  EHOSTUNREACH: "no route",
  ENETDOWN: "no route",
  EHOSTDOWN: "no route",
  EADDRNOTAVAIL: "no route",
  EPERM: "blocked",
  EACCES: "blocked",
  ETIMEDOUT: "silent",
};

/** What the system says of it; "refused" where it says something else, as where a connection is ended at once. */
export function connectProblem(cause: unknown): ConnectProblem {
  const { code } = (cause ?? {}) as { code?: unknown };
  return PROBLEMS[String(code)] ?? "refused";
}
