/** The command line: `deno run -A cli.ts --help`. */
import { EXIT, ShoalError } from "./lib/errors.ts";
import { main } from "./lib/cli/main.ts";
import { makeReporter } from "./lib/cli/reporter.ts";
import { abortOnSignals, onUncaught, processTerminal } from "./lib/io/system/terminal.ts";
import { lazyApp } from "./lib/cli/lazy_app.ts";

if (import.meta.main) {
  const terminal = processTerminal();
  onUncaught((thrown) => {
    const mode = { json: false, quiet: true, verbose: Deno.args.includes("--verbose") };
    const error = ShoalError.from(thrown);
    makeReporter(terminal, mode).fail(error);
    Deno.exit(error.exitCode);
  });
  const signal = abortOnSignals(() => Deno.exit(EXIT.interrupted));
  Deno.exit(await main(Deno.args, lazyApp, terminal, signal));
}
