/** Fetching by a code: finds who sends, shows what comes, and fetches it as from any server, under the key that the code leads to. */
import { endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import { marked } from "../../marked_name.ts";
import { getIn } from "../client/get_files.ts";
import { resolveTargets } from "../discovery/targets.ts";
import type { CodeGetEvent, DoneEvent } from "../events.ts";
import { requireAll } from "../files_error.ts";
import { listIn } from "../list/list.ts";
import { resolveCodeGet, type ResolvedCodeGetOptions } from "../option_defaults.ts";
import type { CodeGetOptions, Incoming } from "../code_options.ts";
import type { GetResult } from "../options.ts";
import { CodeExchange, type Found } from "./code_exchange.ts";
import { codeLayer } from "./code_layer.ts";
import { codeMeant } from "./meant_code.ts";

/**
 * Fetches what somebody sends by a code, once. Each file is verified before it appears in the folder; what an earlier try has
 * brought is not fetched again.
 *
 * @param options the code, and where the files go
 * @returns where each file is, and what it is
 * @throws {FilesError} if a file failed; the code can be used again then, as long as its sender runs
 * @throws {ShoalError} `usage` for what is no code, with words that it is like; `no_server` if nobody sends under its number;
 * `refused` if it is another code, was used, or `onIncoming` says no; `stalled` if the sender is gone; `interrupted`
 *
 * @example Look at what comes first
 * ```ts
 * import { assertEquals, assertRejects } from "@std/assert";
 * import { getByCode, send, ShoalError } from "@shoal/shoal";
 *
 * const contents = [{ name: "notes.txt", bytes: new TextEncoder().encode("hello") }];
 * const here = { broadcast: ["127.255.255.255"] }; // this machine alone
 * const sending = await send({ contents, port: 0, ...here });
 * const { code, port } = sending;
 * const to = { code, port, outDir: await Deno.makeTempDir(), ...here };
 *
 * await assertRejects(
 *   () => getByCode({ ...to, onIncoming: ({ bytes }) => bytes > 5 }),
 *   ShoalError,
 * );
 * const declined = await sending.ended.catch((error) => error.code);
 * assertEquals(declined, "refused");
 * ```
 */
export async function getByCode(options: CodeGetOptions): Promise<readonly DoneEvent[]> {
  return requireAll(await getByCodeSettled(options));
}

/**
 * The same, without rejecting for a file that failed.
 *
 * @param options the code, and where the files go
 * @returns one event per file, `done` or `failed`
 * @throws {ShoalError} as {@linkcode getByCode} does where the code leads to nothing
 *
 * @example Say which files failed
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getByCodeSettled, send } from "@shoal/shoal";
 *
 * const contents = [{ name: "notes.txt", bytes: new TextEncoder().encode("hello") }];
 * const here = { broadcast: ["127.255.255.255"] }; // this machine alone
 * const sending = await send({ contents, port: 0, ...here });
 *
 * const { code, port } = sending;
 * const results = await getByCodeSettled({
 *   ...{ code, port, ...here },
 *   outDir: await Deno.makeTempDir(),
 * });
 * assertEquals(results.filter(({ event }) => event === "failed"), []);
 * await sending.ended;
 * ```
 */
export async function getByCodeSettled(options: CodeGetOptions): Promise<GetResult> {
  return await getByCodeIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function getByCodeIn(runtime: Runtime, given: CodeGetOptions): Promise<GetResult> {
  const options = resolveCodeGet(given);
  const code = codeMeant(options.code, true)!;
  const { signal } = options;
  if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
  const targets = await resolveTargets({ ...options, sweep: false }, runtime);
  const exchange = new CodeExchange(runtime, options, { code, targets });
  let ending: "done" | "declined" | "stopped" = "stopped";
  try {
    const results = await fetched(
      runtime,
      options,
      exchange,
      await interruptible(exchange.found, signal),
    );
    if (results === undefined) {
      ending = "declined";
      throw new ShoalError("refused", "declined: nothing was fetched, and the code is void", {
        hint: "To fetch it after all, ask for a new code.",
      });
    }
    if (results.every(({ event }) => event === "done")) ending = "done";
    return results;
  } finally {
    await exchange.end(ending);
  }
}

/** `undefined` where the user does not want it. */
async function fetched(
  runtime: Runtime,
  options: ResolvedCodeGetOptions,
  exchange: CodeExchange,
  found: Found,
): Promise<GetResult | undefined> {
  const { signal, onEvent, onIncoming, code: _, ...rest } = options;
  const server = endpointText({ address: found.by.address, port: found.dataPort });
  const ending = signal === undefined ? exchange.lost : AbortSignal.any([signal, exchange.lost]);
  const network = {
    ...{ port: found.dataPort, servers: [server], masters: [], layers: [codeLayer(found.group)] },
    signal: ending,
  };
  try {
    const { tune, timeoutMs } = options;
    const files = await listIn(runtime, { tune, timeoutMs, retries: 2, ...network }, true);
    const incoming = incomingOf(endpointText(found.by), files);
    const { bytes } = incoming;
    onEvent?.({ event: "offered", server: incoming.server, files: files.length, bytes });
    const isWanted = onIncoming === undefined ||
      await interruptible(Promise.resolve(onIncoming(incoming)), ending);
    if (!isWanted) return undefined;
    exchange.say("fetching");
    const silences = new Silences(onEvent);
    const results = await getIn(runtime, {
      ...rest,
      ...network,
      onEvent: silences.onEvent,
      // Nobody else has the code.
      share: false,
      names: namesOf(incoming),
    });
    exchange.lost.throwIfAborted();
    // Of a sender that is gone, one thing is to be said, and not of each file that nobody answers.
    if (silences.held.length > 0 && !signal?.aborted) await exchange.answered();
    silences.tell();
    return results;
  } catch (error) {
    exchange.lost.throwIfAborted();
    throw error;
  }
}

/** How files fail of which nothing is heard. */
const SILENT: ReadonlySet<string> = new Set(["no_server", "stalled", "network"]);

/** Keeps back what is said of those until it is known whether the sender is there. */
class Silences {
  readonly held: CodeGetEvent[] = [];
  readonly #onEvent: CodeGetOptions["onEvent"];

  constructor(onEvent: CodeGetOptions["onEvent"]) {
    this.#onEvent = onEvent;
  }

  readonly onEvent = (event: CodeGetEvent): void => {
    if (event.event === "failed" && SILENT.has(event.code)) this.held.push(event);
    else this.#onEvent?.(event);
  };

  tell(): void {
    for (const event of this.held.splice(0)) this.#onEvent?.(event);
  }
}

function incomingOf(
  server: string,
  listed: readonly { readonly name: string; readonly size: number }[],
): Incoming {
  const files = listed.map(({ name, size }) => ({ name, size }));
  return { server, files, bytes: files.reduce((bytes, { size }) => bytes + size, 0) };
}

/** What is in a folder is fetched with it. */
function namesOf({ files }: Incoming): readonly string[] {
  const names = files.map(({ name }) => {
    const slash = name.indexOf("/");
    return slash === -1 ? marked(name) : `${name.slice(0, slash)}/`;
  });
  return [...new Set(names)];
}

/** @throws ShoalError `interrupted`, or what the signal was aborted for */
async function interruptible<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await promise;
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(new ShoalError("interrupted", "interrupted"));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
