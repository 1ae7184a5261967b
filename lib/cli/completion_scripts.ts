/** The script for each shell that completes what is typed after `shoal`. */
import { bashCompletions } from "./bash_completions.ts";
import { fishCompletions } from "./fish_completions.ts";
import type { HelpTopic } from "./help.ts";
import type { Shell } from "./value_types.ts";
import { zshCompletions } from "./zsh_completions.ts";

export const COMPLETION_SCRIPTS: Readonly<Record<Shell, (topics: readonly HelpTopic[]) => string>> =
  { bash: bashCompletions, zsh: zshCompletions, fish: fishCompletions };
