/** By which secret a command seals what it says: the options for that, and what is said of it. */
import { displayName } from "../names.ts";
import type { FoundSecret, LayerConfig } from "../app/options.ts";
import type { Context, IdleFlags } from "./command.ts";
import { SECRET_TYPED_BYTES_MAX } from "./limits.ts";
import { optional, toggle } from "./option_table.ts";
import { FILE, FROM_INPUT } from "./value_types.ts";

export const SECRET_FILE_OPTION = {
  "secret-file": optional(FILE, {
    label: "FILE",
    env: "SHOAL_SECRET_FILE",
    summary: "file of the secret: ~/.config/shoal/secret",
  }),
} as const;

export const SECRET_OPTIONS = {
  ...SECRET_FILE_OPTION,
  secret: optional(FROM_INPUT, {
    label: "-",
    summary: "ask for the secret, or read it from standard input",
  }),
  "no-secret": toggle("speak in clear, whatever secret there is"),
} as const;

interface SecretValues {
  readonly "secret-file": string | undefined;
  readonly secret: "-" | undefined;
  readonly "no-secret": boolean;
}

/**
 * The layer that seals by the user's secret, if there is one, and a line that says so.
 *
 * @throws ShoalError `usage` for a secret that is none, or can be read by others; `interrupted` through the signal
 */
export async function secretLayers(
  options: SecretValues,
  { app, pipes, reporter, signal }: Pick<Context, "app" | "pipes" | "reporter" | "signal">,
): Promise<{ readonly layers?: readonly LayerConfig[] }> {
  const { "secret-file": file, secret, "no-secret": isClear } = options;
  if (isClear) return {};
  const found = secret !== undefined
    ? await app.findSecret({ text: await pipes.secret("Secret: ", SECRET_TYPED_BYTES_MAX, signal) })
    : await app.findSecret(file === undefined ? {} : { file });
  if (found === undefined) return {};
  if (found.isWeak) warnOfWeakness(reporter);
  reporter.report({ event: "notice", level: "info", message: sealedText(found) });
  return { layers: [found.layer] };
}

export function warnOfWeakness(reporter: Context["reporter"]): void {
  const message = "the secret is short, or says one thing again and again: it can be guessed. " +
    "`secret new` makes one that cannot.";
  reporter.report({ event: "notice", level: "warning", message });
}

/** What says nothing beside another of these options. */
export function idleSecrets(options: SecretValues): readonly IdleFlags[] {
  if (options["no-secret"]) {
    return [{ flags: ["secret-file", "secret"], where: "with --no-secret" }];
  }
  return options.secret === undefined ? [] : [{ flags: ["secret-file"], where: "with --secret -" }];
}

/** Where a code seals what goes from one to the other, a secret is for masters. */
export function idleWithoutMaster(
  { master }: { readonly master: readonly string[] },
): readonly IdleFlags[] {
  if (master.length > 0) return [];
  const flags = ["secret-file", "secret", "no-secret"];
  return [{ flags, where: "without --master: a code seals by itself" }];
}

/** Which secret it is, in words that are not the secret. */
export function sealedText({ fingerprints, path }: FoundSecret): string {
  const [first, ...others] = fingerprints.map((words) => `"${words}"`);
  const also = others.length === 0 ? "" : `, and understanding ${others.join(" and ")}`;
  return `Sealed by the secret ${first}${also}${
    path === undefined ? "" : `, from ${displayName(path)}`
  }`;
}
