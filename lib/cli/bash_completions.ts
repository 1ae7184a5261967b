/** Completions for bash, from version 3.2 on and with nothing else installed. */
import { spellingsOf } from "./completions.ts";
import { type HelpTopic, PLAIN_COMMANDS } from "./help.ts";
import type { Completion } from "./value_types.ts";

export function bashCompletions(topics: readonly HelpTopic[]): string {
  const names = topics.map(({ command }) => command);
  const plain = PLAIN_COMMANDS.map(({ command }) => command);
  return `# Completions of shoal for bash. In ~/.bashrc: source <(shoal completions bash)
_shoal_take() {
  while IFS= read -r; do COMPREPLY+=("$REPLY"); done
}
_shoal_paths() {
  compopt -o filenames 2>/dev/null
  _shoal_take < <(compgen "$1" -- "$cur")
}
_shoal_words() {
  _shoal_take < <(compgen -W "$1" -- "$cur")
}
_shoal() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} i
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _shoal_words '${[...names, ...plain].join(" ")}'
    return
  fi
  # What follows -- is no option.
  for ((i = 2; i < COMP_CWORD; i++)); do
    if [[ \${COMP_WORDS[i]} == -- ]]; then prev=--; fi
  done
  # --flag=value is three words to bash.
  if [[ $cur == = ]]; then
    cur=
  elif [[ $prev == = ]]; then
    prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  case \${COMP_WORDS[1]} in
    help) _shoal_words '${names.join(" ")}' ;;
${topics.map(commandCase).join("\n")}
  esac
}
complete -F _shoal shoal
`;
}

function commandCase(topic: HelpTopic): string {
  const { command, positionals: { completes } } = topic;
  const spellings = spellingsOf(topic);
  const cases = Map.groupBy(
    spellings.filter(({ value }) => value !== undefined),
    ({ value }) => offer(value?.completes),
  );
  const flags = spellings.flatMap(({ long, short }) =>
    short === undefined ? [long] : [short, long]
  );
  return `    ${command})
      case $prev in
${
    [...cases].map(([command, those]) => {
      const names = those.flatMap(({ long, short }) =>
        short === undefined ? [long] : [short, long]
      );
      return `        ${names.join(" | ")})\n${
        command && `          ${command}\n`
      }          return\n          ;;`;
    }).join("\n")
  }
      esac
      if [[ $cur == -* && $prev != -- ]]; then
        _shoal_words '${flags.join(" ")}'
      else
        ${offer(completes) || ":"}
      fi
      ;;`;
}

/** The command that offers it; nothing for what only somebody can know. */
function offer(completes: Completion | undefined): string {
  switch (completes) {
    case undefined:
      return "";
    case "file":
      return "_shoal_paths -f";
    case "folder":
      return "_shoal_paths -d";
    case "host":
      return '_shoal_take < <(compgen -A hostname -- "$cur")';
    case "interface":
      return '_shoal_words "$(ls /sys/class/net 2>/dev/null)"';
    default:
      return `_shoal_words '${completes.join(" ")}'`;
  }
}
