/** `list`: every file on offer; different contents of one name are listed apart. */
import { HOST_NAMES_MS_MAX, HOSTS_LISTED_MAX } from "./limits.ts";
import type { ListEvent } from "../app/events.ts";
import { EXIT, ShoalError } from "../errors.ts";
import { sleep } from "../io/system/deno_clock.ts";
import { LIST_DEFAULTS } from "../app/option_defaults.ts";
import { type App, defineCommand, given, networkOptions } from "./command.ts";
import {
  DIALECT_OPTION,
  idleInSearch,
  isOverTcp,
  masterOption,
  mastersOf,
  NETWORK_OPTIONS,
  oneServer,
  OUTPUT_OPTIONS,
  retryOption,
  searchOptions,
  toggle,
} from "./option_table.ts";
import { idleSecrets, SECRET_OPTIONS, secretLayers } from "./secret_options.ts";
import { hostCounts, hostLines, listingTable } from "./list_table.ts";

export const listCommand = defineCommand({
  command: "list",
  summary: "list every file on offer",
  otherNames: ["ls", "dir", "find", "search"],
  positionals: { label: "", summary: "", countMin: 0, countMax: 0 },
  options: {
    ...searchOptions(LIST_DEFAULTS),
    ...retryOption(LIST_DEFAULTS.retries),
    ...masterOption("also list what it knows (not over TCP)"),
    tcp: toggle("use TCP, with one --server, where UDP is blocked"),
    ...DIALECT_OPTION,
    ...NETWORK_OPTIONS,
    ...SECRET_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "The last column identifies the content: files with the same value are identical. `get sha256:HEX`\n" +
    "fetches one by these digits; list --json shows all 64, which nobody can forge. Below it stands who\n" +
    "has how many of the files.",
  ],
  examples: [
    { line: "list", says: "name, size, number of hosts and content of each" },
    { line: "list --json", says: "with full digests, for programs" },
    { line: "list --server 192.168.1.7:10526", says: "what one server has" },
  ],
  idle: (options) => [...idleInSearch(options), ...idleSecrets(options)],
  async perform(options, _, { app, pipes, reporter, signal, terminal }) {
    const { server: servers, master: masters, timeout: timeoutMs, retries, dialect, port } =
      options;
    const onEvent = (event: ListEvent): void => reporter.report(event);
    const sealing = await secretLayers(options, { app, pipes, reporter, signal });
    const files = await (isOverTcp(options)
      ? app.listOverTcp({
        server: oneServer(servers),
        port,
        dialect,
        timeoutMs,
        retries,
        signal,
        onEvent,
        ...sealing,
      })
      : app.list({
        ...networkOptions(options, signal),
        ...(options.sweep && { sweep: true }),
        ...given({ waitMs: options.wait }),
        servers,
        timeoutMs,
        retries,
        onEvent,
        ...mastersOf(masters),
        ...sealing,
      }));
    if (signal.aborted) {
      throw new ShoalError("interrupted", "interrupted while listing");
    }
    if (files.length === 0) reporter.say("No files are offered.");
    const { stdout } = terminal;
    const columns = stdout.isTerminal ? terminal.size().columns : Infinity;
    for (const line of listingTable(files, columns)) reporter.answer(line);
    const hosts = hostCounts(files);
    const names = await namesOf([...hosts.keys()].slice(0, HOSTS_LISTED_MAX), app);
    for (const line of hostLines(hosts, names)) reporter.say(line);
    return EXIT.done;
  },
});

/** What the system calls these hosts, as far as it says so soon. */
async function namesOf(
  hosts: readonly string[],
  app: Pick<App, "hostName">,
): Promise<ReadonlyMap<string, string>> {
  const names = new Map<string, string>();
  const all = Promise.all(hosts.map(async (host) => {
    const name = await app.hostName(host);
    if (name !== undefined) names.set(host, name);
  }));
  const over = new AbortController();
  await Promise.race([all, sleep(HOST_NAMES_MS_MAX, over.signal)]);
  over.abort();
  return new Map(names);
}
