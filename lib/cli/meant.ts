/** What somebody meant who typed a command or an option that there is not. */
import { closest } from "./closest.ts";
import type { HelpTopic } from "./help.ts";
import type { Option, OptionTable } from "./option_table.ts";
import { MEANT_FLAGS_MAX } from "./limits.ts";

/** Those that do what another tool calls `typed`; otherwise the one that is spelled most like it, if any. */
export function meantCommands(typed: string, topics: readonly HelpTopic[]): readonly string[] {
  const word = typed.replace(/^-+/, "").toLowerCase();
  const alike = topics.filter(({ otherNames }) => otherNames?.includes(word));
  if (alike.length > 0) return alike.map(({ command }) => command);
  const near = closest(word, topics.map(({ command }) => command));
  return near === undefined ? [] : [near];
}

/** `typed` with its dashes; of one letter, it is the first of each. */
export function meantFlags(typed: string, options: OptionTable): readonly string[] {
  const word = typed.replace(/^--?|=.*$/gs, "").toLowerCase();
  const flags = Object.keys(options);
  if (word.length === 1) {
    const shorts = flags.filter((flag) => shortOf(options[flag]) === word).map(() => `-${word}`);
    const longs = flags.filter((flag) => flag.startsWith(word)).map((flag) =>
      spelled(flag, options)
    );
    const meant = shorts.length > 0 ? shorts : longs;
    return meant.length <= MEANT_FLAGS_MAX ? meant : [];
  }
  const near = closest(word, flags) ?? closest(word.replace(/^no-/, ""), flags);
  return near === undefined ? [] : [spelled(near, options)];
}

/** Which of `topics` have that very option. */
export function ownersOf(typed: string, topics: readonly HelpTopic[]): readonly string[] {
  const word = typed.replace(/^--?|=.*$/gs, "");
  const has = (options: OptionTable): boolean =>
    typed.startsWith("--")
      ? word in options
      : Object.values(options).some((option) => shortOf(option) === word);
  return topics.filter(({ options }) => has(options)).map(({ command }) => command);
}

function shortOf(option: Option | undefined): string | undefined {
  return option?.kind === "single" || option?.kind === "toggle" ? option.short : undefined;
}

function spelled(flag: string, options: OptionTable): string {
  const option = options[flag];
  return `--${option?.kind === "toggle" && option.fallback ? "no-" : ""}${flag}`;
}
