/** Completions for zsh, for its own system of completion (compinit). */
import { type Spelling, spellingsOf } from "./completions.ts";
import { type HelpTopic, PLAIN_COMMANDS } from "./help.ts";
import type { Completion } from "./value_types.ts";

export function zshCompletions(topics: readonly HelpTopic[]): string {
  const described = [...topics, ...PLAIN_COMMANDS].map(({ command, summary }) =>
    `    ${quoted(`${command}:${summary}`)}`
  );
  return `#compdef shoal
# Completions of shoal for zsh: the file _shoal in a folder of $fpath. Or in ~/.zshrc, after compinit:
# source <(shoal completions zsh)
_shoal() {
  local curcontext=$curcontext state line
  local -A opt_args
  local -a commands=(
${described.join("\n")}
  )
  _arguments -C ': :->command' '*:: :->arguments'
  case $state in
    command) _describe -t commands command commands ;;
    arguments)
      case $words[1] in
        help) _describe -t commands command commands ;;
${topics.map(commandCase).join("\n")}
      esac
      ;;
  esac
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
  _shoal "$@"
else
  compdef _shoal shoal
fi
`;
}

function commandCase(topic: HelpTopic): string {
  const { command, positionals: { label, completes, countMax } } = topic;
  const specs = [
    ...spellingsOf(topic).flatMap(optionSpecs),
    ...(countMax === 0 ? [] : [`*:${escaped(label)}:${action(completes)}`]),
  ];
  const lines = specs.map((spec) => `            ${quoted(spec)}`);
  return `        ${command})
          _arguments -s -S \\
${lines.join(" \\\n")}
          ;;`;
}

/** One for each name; a name that was typed excludes the other, unless it may be typed again. */
function optionSpecs({ long, short, summary, value, isRepeatable }: Spelling): readonly string[] {
  const names = short === undefined ? [long] : [short, long];
  const before = isRepeatable ? "*" : names.length > 1 ? `(${names.join(" ")})` : "";
  const after = value === undefined ? "" : `:${escaped(value.label)}:${action(value.completes)}`;
  return names.map((name) => {
    const join = value === undefined ? "" : name === long ? "=" : "+";
    return `${before}${name}${join}[${escaped(summary)}]${after}`;
  });
}

function action(completes: Completion | undefined): string {
  switch (completes) {
    case undefined:
      return "()";
    case "file":
      return "_files";
    case "folder":
      return "_files -/";
    case "host":
      return "_hosts";
    case "interface":
      return "_net_interfaces";
    default:
      return `(${completes.join(" ")})`;
  }
}

function escaped(text: string): string {
  return text.replace(/[\\[\]:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
