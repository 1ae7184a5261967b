/** What is reported of files says by which secret they were sealed on the way, if they were. */
import { type Layers, sealOf } from "../messages/transport_config.ts";
import { ShoalError } from "../errors.ts";
import type { Dialect } from "./options.ts";

type Sealed = { readonly event: string; readonly code?: string; readonly hint?: string };

/** Of files that came, went, or are listed. */
const KINDS: ReadonlySet<string> = new Set(["done", "stored", "file"]);

/** What stands in the place of a fingerprint where a code has sealed it. */
export const SEALED_BY_CODE = "code";

/** How it ends where nobody is heard who has the secret. */
const SILENCES: ReadonlySet<string> = new Set(["no_server", "network", "stalled"]);

interface Reporting {
  readonly layers: Layers;
  // A method: each use has events of its own.
  onEvent?(event: unknown): void;
}

/** Runs `work` with handlers that are told of it; so are those who get its result. */
export async function tellingOfSeal<
  Options extends { readonly layers: Layers },
  Event extends Sealed,
>(
  options: Options,
  work: (options: Options) => Promise<readonly Event[]>,
): Promise<readonly Event[]> {
  const sealed = sealOf(options.layers);
  if (sealed === undefined) return await work(options);
  const told = <E>(event: E): E => {
    const { event: kind, code, hint } = event as Sealed;
    if (KINDS.has(kind)) return { ...event, sealed };
    return kind === "failed" ? { ...event, hint: hintOf(code, hint, sealed) } : event;
  };
  const { onEvent } = options as Reporting;
  const telling = onEvent === undefined ? options : {
    ...options,
    onEvent: (event: unknown) => onEvent(told(event)),
  };
  try {
    return (await work(telling)).map(told);
  } catch (thrown) {
    const { code, message, hint, cause } = ShoalError.from(thrown);
    throw new ShoalError(code, message, { hint: hintOf(code, hint, sealed)!, cause });
  }
}

/** Nobody can tell a server of another secret from one that is not there. */
function hintOf(code: string | undefined, hint: string | undefined, sealed: string) {
  if (code === undefined || !SILENCES.has(code) || sealed === SEALED_BY_CODE) return hint;
  return `${hint} Who has another secret than "${sealed}", or none, does not answer.`;
}

/** @throws ShoalError `usage` for an older dialect under a seal: whoever speaks it knows none */
export function requireOwnDialect({ layers, dialect }: { layers: Layers; dialect: Dialect }): void {
  if (dialect === "shoal" || sealOf(layers) === undefined) return;
  throw new ShoalError(
    "usage",
    `the ${dialect} dialect is spoken in clear, and there is a secret`,
    {
      hint: "Add --no-secret to speak in clear this once.",
    },
  );
}
