/**
 * What is typed: `shoal` for a POSIX shell, `shoal.cmd` for Windows. Each finds a Deno, beside itself, in the PATH
 * or where Deno's own installer puts it, and becomes it. Relative paths stay the user's.
 */
import type { StartPlan } from "./start_plan.ts";

const NEEDED = "shoal needs Deno, beside it or in the PATH: https://deno.com";

export function posixLauncher({ flags, heapFlags, environment }: StartPlan): string {
  return `#!/bin/sh
# Starts Shoal with the Deno of this machine. Nothing is looked up anywhere.
self=$0
while [ -L "$self" ]; do
  target=$(readlink -- "$self")
  case $target in
    /*) self=$target ;;
    *) self=\${self%/*}/$target ;;
  esac
done
case $self in
  */*) here=\${self%/*} ;;
  *) here=. ;;
esac
here=$(CDPATH='' cd -- "$here" && pwd -P) || exit

if [ -n "$SHOAL_DENO" ]; then
  deno=$SHOAL_DENO
elif [ -x "$here/deno" ]; then
  deno=$here/deno
elif command -v deno >/dev/null; then
  deno=deno
elif [ -x "\${DENO_INSTALL:-$HOME/.deno}/bin/deno" ]; then
  deno=\${DENO_INSTALL:-$HOME/.deno}/bin/deno
else
  echo "error: ${NEEDED}" >&2
  exit 127
fi

# What somebody types to get here: the name alone where the PATH leads to this very file.
if [ -z "$SHOAL_STARTED_AS" ]; then
  name=\${0##*/}
  if [ "$(command -v "$name")" = "$0" ]; then SHOAL_STARTED_AS=$name; else SHOAL_STARTED_AS=$0; fi
fi
export SHOAL_STARTED_AS
${Object.entries(environment).map(([name, value]) => `export ${name}=${value}`).join("\n")}

heap=
case $1 in
${heapCases(heapFlags).map(([names, flag]) => `  ${names.join(" | ")}) heap=${flag} ;;`).join("\n")}
esac
# shellcheck disable=SC2086 # without a flag there is no word
exec "$deno" run ${flags.join(" ")} $heap "$here/shoal.js" "$@"
`;
}

export function windowsLauncher({ flags, heapFlags, environment }: StartPlan): string {
  const heap = heapCases(heapFlags).flatMap(([names, flag]) =>
    names.map((name) => `if "%~1"=="${name}" set "SHOAL_HEAP=${flag}"`)
  );
  return [
    "@echo off",
    "setlocal",
    `if not defined SHOAL_DENO if exist "%~dp0deno.exe" set "SHOAL_DENO=%~dp0deno.exe"`,
    `if not defined SHOAL_DENO where /q deno && set "SHOAL_DENO=deno"`,
    `if not defined SHOAL_DENO if exist "%USERPROFILE%\\.deno\\bin\\deno.exe" ` +
    `set "SHOAL_DENO=%USERPROFILE%\\.deno\\bin\\deno.exe"`,
    "if not defined SHOAL_DENO (",
    `  echo error: ${NEEDED} 1>&2`,
    "  exit /b 127",
    ")",
    `if not defined SHOAL_STARTED_AS set "SHOAL_STARTED_AS=%~n0"`,
    ...Object.entries(environment).map(([name, value]) => `set "${name}=${value}"`),
    `set "SHOAL_HEAP="`,
    ...heap,
    `"%SHOAL_DENO%" run ${flags.join(" ")} %SHOAL_HEAP% "%~dp0shoal.js" %*`,
    "",
  ].join("\r\n");
}

/** Which commands have which flag, so that each flag stands there once. */
function heapCases(heapFlags: StartPlan["heapFlags"]): [names: string[], flag: string][] {
  const byFlag = Map.groupBy(Object.keys(heapFlags), (command) => heapFlags[command] ?? "");
  return [...byFlag].map(([flag, names]) => [names, flag]);
}
