/** What a shell completes after `shoal`, from the tables that commands are parsed by. */
import type { HelpTopic } from "./help.ts";
import type { Option } from "./option_table.ts";
import type { Completion } from "./value_types.ts";

/** One way to type an option. */
export interface Spelling {
  /** With its dashes. */
  readonly long: string;
  readonly short?: string;
  readonly summary: string;
  /** What follows it, if anything does. */
  readonly value?: { readonly label: string; readonly completes?: Completion };
  readonly isRepeatable: boolean;
}

export function spellingsOf({ options }: HelpTopic): readonly Spelling[] {
  return Object.entries(options).flatMap(([flag, option]) => spellings(flag, option));
}

function spellings(flag: string, option: Option): readonly Spelling[] {
  const { summary } = option;
  const alone = { summary, isRepeatable: false };
  switch (option.kind) {
    case "toggle":
      return [{ ...alone, ...shortOf(option), long: `--${option.fallback ? "no-" : ""}${flag}` }];
    case "tristate":
      return [{ ...alone, long: `--${flag}` }, { ...alone, long: `--no-${flag}` }];
    case "single":
    case "many": {
      const { label, type: { completes } } = option;
      const value = { label, ...(completes === undefined ? {} : { completes }) };
      const short = option.kind === "single" ? shortOf(option) : {};
      return [{
        long: `--${flag}`,
        ...short,
        summary,
        value,
        isRepeatable: option.kind === "many",
      }];
    }
  }
}

function shortOf({ short }: { readonly short?: string }): Pick<Spelling, "short"> {
  return short === undefined ? {} : { short: `-${short}` };
}
