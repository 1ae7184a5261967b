/**
 * `shoal get` beside other tools, in turns, scenario by scenario; see `deno task bench --help`.
 * Everything it starts is ended, and everything it makes is removed, also after Ctrl-C.
 */
import { join } from "@std/path/join";
import { makeScratch } from "./lab/files.ts";
import { namespaceObstacle } from "./lab/namespaces.ts";
import { busyShare } from "./measure/proc.ts";
import { helpText, type Options, parseOptions, UsageError } from "./options.ts";
import { machine, versions } from "./report/machine.ts";
import { saveSection, type Section, sectionText } from "./report/results.ts";
import { folder, folder100k, folder3, folderAgain, folderLoss } from "./scenarios/folders.ts";
import { indexer } from "./scenarios/indexer.ts";
import { MANY, many } from "./scenarios/many.ts";
import { master } from "./scenarios/master.ts";
import { memory } from "./scenarios/memory.ts";
import type { Scenario, Setting } from "./scenarios/scenario.ts";
import { shaped100, shaped1000, three, unequal } from "./scenarios/shaped.ts";
import { packing100, packing1000 } from "./scenarios/packing.ts";
import { sealedShaped, sealedSmall, sealedSpeed } from "./scenarios/sealed.ts";
import { small } from "./scenarios/small.ts";
import { start } from "./scenarios/start.ts";
import { tiny } from "./scenarios/tiny.ts";
import { loss1, loss5, plain, server, unshaped, untuned } from "./scenarios/speed.ts";

/** In the order in which they run, and stand in the results. */
const SCENARIOS: readonly Scenario[] = [
  ...[unshaped, server, plain, loss1, loss5, untuned],
  ...[shaped100, shaped1000, three, unequal, packing100, packing1000, tiny, small],
  ...many,
  ...[sealedSpeed, sealedShaped, sealedSmall],
  ...[folder, folderAgain, folder100k, folder3, folderLoss, memory, indexer, master, start],
];
const NAMES = SCENARIOS.map(({ name }) => name);
/** Name of the sections that were measured without the processor's instructions for SHA-256. */
const NO_SHA = "-no-sha";
/** What OpenSSL, and the copy of it in Deno, take for the word of an x86 processor. */
const WITHOUT_SHA = { OPENSSL_ia32cap: ":~0x20000000" };
const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

async function main(): Promise<number> {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interruption.abort());
  }
  try {
    const options = parseOptions(Deno.args, NAMES, [MANY]);
    if (options.isHelp) console.log(helpText(SCENARIOS));
    else await bench(options, interruption.signal);
    return EXIT.done;
  } catch (error) {
    if (interruption.signal.aborted) return EXIT.interrupted;
    if (!(error instanceof UsageError)) throw error;
    console.error(`error: ${error.message}\nhint: see deno task bench --help`);
    return EXIT.usage;
  }
}

async function bench(options: Options, signal: AbortSignal): Promise<void> {
  await using scratch = await Scratch.make();
  const setting: Setting = {
    runs: options.runs,
    sizeMib: options.sizeMib,
    boundMs: options.timeoutS * 1000,
    obstacle: await namespaceObstacle(),
    scratch: scratch.path,
    env: { DENO_DIR: denoDir(), NO_COLOR: "1", ...(options.usesSha ? {} : WITHOUT_SHA) },
    against: options.against,
    signal,
  };
  const [where, what] = [await machine(), await versions()];
  const filled = new Set<string>();
  for (const scenario of SCENARIOS) {
    const isWanted = options.only?.includes(scenario.name) ?? true;
    if (!isWanted || filled.has(scenario.name)) continue;
    if (scenario.needsNamespaces && setting.obstacle !== undefined) {
      console.log(`skipped: ${scenario.name} needs network namespaces: ${setting.obstacle}\n`);
      continue;
    }
    console.log(`${scenario.name}: ${scenario.title} …`);
    const busy = `${(await busyShare() * 100).toFixed(0)} % busy before`;
    const day = new Date().toISOString().slice(0, 16).replace("T", " ");
    for (const section of await scenario.run(setting)) {
      filled.add(section.name);
      const lines = [`${day} UTC; ${where}; ${busy}.`, `${what}.`, "", ...section.lines];
      const told = options.usesSha ? { ...section, lines } : withoutSha({ ...section, lines });
      console.log(`\n${sectionText(told)}`);
      if (options.against === undefined) {
        await saveSection(told, NAMES.flatMap((name) => [name, `${name}${NO_SHA}`]));
      }
    }
  }
}

function withoutSha({ name, title, lines }: Section): Section {
  return { name: `${name}${NO_SHA}`, title: `${title}; SHA instructions hidden`, lines };
}

class Scratch implements AsyncDisposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  static async make(): Promise<Scratch> {
    const path = await makeScratch();
    await Deno.chmod(path, 0o755);
    return new Scratch(path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Deno's own cache, which stays where it is while Shoal's index gets a place of its own. */
function denoDir(): string {
  const cache = Deno.env.get("XDG_CACHE_HOME") ?? join(Deno.env.get("HOME") ?? "", ".cache");
  return Deno.env.get("DENO_DIR") ?? join(cache, "deno");
}

if (import.meta.main) Deno.exit(await main());
