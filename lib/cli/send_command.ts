/** `send FILE… [DIR…]`: send files to somebody who is told a code, once. */
import { isLoopback } from "../address.ts";
import type { Sending } from "../app/code_options.ts";
import { OFFERED_FILES_MAX } from "../app/limits.ts";
import { EXIT } from "../errors.ts";
import { openRegularFile } from "../io/files/regular_file.ts";
import { DISCOVERY_PORT } from "../limits.ts";
import { defineCommand, given, networkOptions } from "./command.ts";
import { ADDRESSES_SHOWN_MAX } from "./limits.ts";
import {
  broadcastOption,
  masterOption,
  mastersOf,
  NETWORK_OPTIONS,
  OUTPUT_OPTIONS,
  rateOption,
  toggle,
} from "./option_table.ts";
import { hostText } from "./ready_lines.ts";
import { idleSecrets, idleWithoutMaster, SECRET_OPTIONS, secretLayers } from "./secret_options.ts";
import { countText } from "./units.ts";

export const sendCommand = defineCommand({
  command: "send",
  summary: "send files to one person, who is told a code",
  positionals: {
    label: "FILE|DIR…",
    summary: "what to send: files, and folders with all that is in them",
    countMin: 1,
    countMax: OFFERED_FILES_MAX,
    completes: "file",
  },
  options: {
    hidden: toggle("also send what starts with a dot in the folders"),
    ...rateOption("send"),
    ...masterOption("be found through this master as well"),
    ...NETWORK_OPTIONS,
    broadcast: broadcastOption("look for other senders there only, and join no IPv6 group"),
    ...SECRET_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "The code is a number and two words. Tell it to the other person by a way on which nobody else\n" +
    "listens; they type `get CODE`. All is sealed, with keys that follow from the code and are gone\n" +
    "with it: no secret and no account is needed, and nothing of the code is kept.",
    "It is good for one try. If somebody types another code, both sides are told, and it is void; so\n" +
    "it is when all has come. If the other side is interrupted, the same code resumes for as long as\n" +
    "this command runs.",
    "The code is shown where a person sees it. With --json it goes to stderr, and is in no event.",
    "A secret (`secret`) is used for masters alone: whoever has the code needs none.",
    "What a code holds, and what not, is in docs/SECURITY.md.",
  ],
  examples: [
    { line: "send film.mkv", says: "shows a code, and ends when the film has come" },
    { line: "send notes.txt ~/Pictures/2024", says: "a file and a folder" },
    { line: "send report.pdf --master hub.example", says: "to another network, by a master" },
  ],
  idle: (options) => [...idleSecrets(options), ...idleWithoutMaster(options)],
  async perform(options, paths, context) {
    const { app, reporter, signal, terminal } = context;
    const layers = options.master.length === 0 ? {} : await secretLayers(options, context);
    const folders = paths.filter(isFolder);
    const sending = await app.send({
      ...networkOptions(options, signal),
      files: paths.filter((path) => !folders.includes(path)).map((path) => ({ path })),
      folders: folders.map((path) => ({ path })),
      hidden: options.hidden,
      ...mastersOf(options.master),
      ...layers,
      onEvent: (event) => reporter.report(event),
      ...given({ rateBytesPerS: options.rate }),
    });
    const [code, ...others] = codeLines(sending, terminal.invocation);
    // It is in no event: whoever keeps those keeps no code.
    if (options.json) terminal.stderr.write(`${code}\n`);
    else reporter.answer(code!);
    for (const line of others) reporter.say(line);
    const { client, files } = await sending.ended;
    reporter.say(`${client} has everything: ${countText(files, "file")}. The code is void.`);
    return EXIT.done;
  },
});

/** What to tell the other side. */
function codeLines({ code, port, addresses, files }: Sending, invocation: string): string[] {
  const own = port === DISCOVERY_PORT ? "" : ` -p ${port}`;
  const shown = addresses.filter((each) => !isLoopback(each)).slice(0, ADDRESSES_SHOWN_MAX);
  const hosts = shown.map((each) => hostText(each, port)).join(" (or ");
  return [
    `Code: ${code}`,
    `Whoever is told it can fetch ${countText(files, "file")}, once; all is sealed.`,
    `On the other machine: ${invocation} get ${code}${own}`,
    ...(shown.length === 0 ? [] : [
      `If that finds nothing: ${invocation} get ${code} --server ${hosts}${
        shown.length > 1 ? ")" : ""
      }`,
    ]),
  ];
}

/** What is not there is told as a file. */
function isFolder(path: string): boolean {
  const opened = openRegularFile(path, "follow");
  if (opened.ok) opened.file.close();
  return !opened.ok && opened.problem === "folder";
}
