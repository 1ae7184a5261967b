/** `service [DIR] [FILE…]`: the unit by which systemd runs such a server for this user. */
import { resolve } from "@std/path/resolve";
import { EXIT, ShoalError } from "../errors.ts";
import { processStart } from "../io/system/invocation.ts";
import { defineCommand } from "./command.ts";
import type { Option } from "./option_table.ts";
import { offeredWith, SERVER_OPTIONS, SERVER_POSITIONALS } from "./server_options.ts";
import { idleSecrets } from "./secret_options.ts";
import { literal, serviceUnit } from "./service_unit.ts";

export const serviceCommand = defineCommand({
  command: "service",
  summary: "print a systemd unit that runs a server for this user",
  otherNames: ["systemd", "daemon", "unit"],
  positionals: { ...SERVER_POSITIONALS, label: "[DIR|FILE]…", summary: "what the server offers" },
  options: SERVER_OPTIONS,
  notes: [
    "The options are those of the server. It may read what the user may, and write into its cache folder\n" +
    "and, with --allow-upload, into DIR. systemd needs unprivileged user namespaces for that.",
    "On a machine where nobody is logged in, such services run after `loginctl enable-linger`.",
  ],
  examples: [
    {
      line: "service ~/Videos > ~/.config/systemd/user/shoal.service",
      says: "then: systemctl --user enable --now shoal",
    },
  ],
  idle: idleSecrets,
  perform(options, paths, { terminal, args, again }) {
    if (options.secret !== undefined) {
      throw new ShoalError(
        "usage",
        "--secret - needs standard input, which a service does not have",
        {
          hint: "Keep the secret in a file: `secret new`, or --secret-file.",
        },
      );
    }
    const { dir } = offeredWith(options, paths, noInput);
    const { words, folder, environment, isBundled } = processStart();
    terminal.stdout.write(serviceUnit({
      words,
      args: ["server", ...args],
      folder,
      environment: {
        ...environment,
        // What Deno keeps of the program is with what the program keeps.
        ...(isBundled && { DENO_DIR: "%C/shoal/deno" }),
        ...variablesOf(SERVER_OPTIONS, (name) => terminal.env(name)),
      },
      writable: options["allow-upload"] && dir !== undefined ? [resolve(folder, dir)] : [],
      again,
    }));
    return Promise.resolve(EXIT.done);
  },
});

function noInput(): never {
  throw new ShoalError("usage", "a service has no standard input", {
    hint: "Name folders and files.",
  });
}

/** The user's services may have another environment than his shell: the secret is to be found where it lies. */
const SECRET_FOLDER_VARIABLE = "XDG_CONFIG_HOME";

/** Those that the options of `table` would take from the environment. */
function variablesOf(
  table: Readonly<Record<string, Option>>,
  env: (name: string) => string | undefined,
): Readonly<Record<string, string>> {
  const names = Object.values(table).flatMap((option) =>
    "env" in option && option.env !== undefined ? [option.env] : []
  );
  const variables = [...names, SERVER_POSITIONALS.env, SECRET_FOLDER_VARIABLE].flatMap((name) => {
    const value = env(name);
    return value ? [[name, literal(value)]] : [];
  });
  return Object.fromEntries(variables);
}
