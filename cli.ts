/** The command line: `deno run -A cli.ts --help`. */
import manifest from "./deno.json" with { type: "json" };
import { EXIT, ShoalError } from "./lib/errors.ts";
import { denoProblem } from "./lib/cli/deno_version.ts";
import { main } from "./lib/cli/main.ts";
import { makeReporter } from "./lib/cli/reporter.ts";
import { useNativeSha256WhenNeeded } from "./lib/io/hash/native_sha256.ts";
import { enterUsersFolder } from "./lib/io/system/invocation.ts";
import { processPipes } from "./lib/io/system/pipes.ts";
import { OUTPUT_FLUSH_MS_MAX } from "./lib/io/system/limits.ts";
import { abortOnSignals, onUncaught, processTerminal } from "./lib/io/system/terminal.ts";
import { lazyApp } from "./lib/cli/lazy_app.ts";

if (import.meta.main) {
  enterUsersFolder();
  useNativeSha256WhenNeeded();
  const terminal = processTerminal(Object.keys(manifest.permissions));
  const die = async (thrown: unknown): Promise<void> => {
    const verbose = ["--verbose", "-v"].some((flag) => Deno.args.includes(flag));
    const mode = { json: false, quiet: true, verbose, colour: "auto" } as const;
    const error = ShoalError.from(thrown);
    makeReporter(terminal, mode).fail(error);
    await terminal.flushed(OUTPUT_FLUSH_MS_MAX);
    Deno.exit(error.exitCode);
  };
  onUncaught((thrown) => void die(thrown));
  const unfit = denoProblem(Deno.version.deno);
  if (unfit !== undefined) await die(unfit);
  const signal = abortOnSignals(() => Deno.exit(EXIT.interrupted));
  const code = await main(Deno.args, lazyApp, terminal, processPipes, signal);
  const problem = await terminal.flushed(signal.aborted ? OUTPUT_FLUSH_MS_MAX : undefined);
  if (problem === undefined || code !== EXIT.done) Deno.exit(code);
  terminal.stderr.write(`error: the output could not be written: ${problem}\n`);
  await terminal.flushed(OUTPUT_FLUSH_MS_MAX);
  Deno.exit(EXIT.failed);
}
