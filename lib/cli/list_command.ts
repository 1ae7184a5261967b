/** `list`: every file on offer; different contents of one name are listed apart. */
import { parseHostPort, partyOf } from "../address.ts";
import { SHORT_ID_DIGITS } from "./limits.ts";
import type { FileEvent, ListEvent } from "../app/events.ts";
import { EXIT, ShoalError } from "../errors.ts";
import { LIST_DEFAULTS } from "../app/option_defaults.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
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
import { textTable } from "./text_table.ts";

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
    "The last column identifies the content: files with the same value are identical.\n" +
    "get sha256:HEX fetches one by these digits; list --json shows all 64, which nobody can forge.",
  ],
  examples: [
    { line: "list", says: "name, size, hosts and content of each" },
    { line: "list --json", says: "with full digests, for programs" },
    { line: "list --server 192.168.1.7:10526", says: "what one server has" },
  ],
  idle: (options) => [...idleInSearch(options), ...idleSecrets(options)],
  async perform(options, _, { app, pipes, reporter, signal }) {
    const { server: servers, master: masters, timeout: timeoutMs, retries, dialect, port } =
      options;
    const onEvent = (event: ListEvent): void => reporter.report(event);
    const sealing = await secretLayers(options, { app, pipes, reporter });
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
    for (const line of listing(files)) reporter.answer(line);
    return EXIT.done;
  },
});

function listing(files: readonly FileEvent[]): string[] {
  if (files.length === 0) return [];
  const rows = files.map((file) => [
    displayName(file.name),
    sizeText(file.size),
    String(hostCount(file)),
    file.sha256?.slice(0, SHORT_ID_DIGITS) ?? file.md5 ?? "still hashing",
  ]);
  return textTable(["name", "size", "hosts", "content"], rows);
}

/** Whoever has an address may have any number of servers there. */
function hostCount({ servers }: FileEvent): number {
  return new Set(servers.map((server) => partyOf(parseHostPort(server)?.host ?? server))).size;
}
