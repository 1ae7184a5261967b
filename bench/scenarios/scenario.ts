/** What a scenario is, and what all of them need: somewhere to work, and who takes part. */
import { join } from "@std/path/join";
import type { Bed, Wiring } from "../lab/bed.ts";
import { makeFile, makeText, makeTree } from "../lab/files.ts";
import { loopbackBed } from "../lab/loopback.ts";
import { namespaceBed } from "../lab/namespaces.ts";
import { type Entry, hold, type Standing } from "../measure/contest.ts";
import type { TakerPlan } from "../measure/crowd.ts";
import type { Section } from "../report/results.ts";
import { shoalFrom } from "../tools/shoal.ts";
import type { Tool } from "../tools/tool.ts";

export const MIB = 1024 * 1024;
export const FILE_NAME = "bench.bin";

/** What the command line and the machine give. */
export interface Setting {
  readonly runs: number;
  /** In place of each scenario's own. */
  readonly sizeMib: number | undefined;
  readonly boundMs: number;
  /** Why there are no namespaces; `undefined` when there are. */
  readonly obstacle: string | undefined;
  readonly scratch: string;
  /** For every program that is started. */
  readonly env: Readonly<Record<string, string>>;
  /** Another checkout of Shoal, to compare this one with; other tools then stay out. */
  readonly against: string | undefined;
  readonly signal: AbortSignal;
}

export interface Scenario {
  readonly name: string;
  readonly title: string;
  /** Whether it shapes, loses, or needs several machines. */
  readonly needsNamespaces: boolean;
  /** The sections it fills: its own, and others that the same runs answer. */
  readonly run: (setting: Setting) => Promise<readonly Section[]>;
}

export function makeBed(setting: Setting, wiring: Wiring): Promise<Bed> {
  if (setting.obstacle === undefined) return namespaceBed(wiring, setting.env);
  return Promise.resolve(loopbackBed(wiring.serverCount, setting.env));
}

/** A folder of its own with a file to move, gone at the end. */
export class Folder implements AsyncDisposable {
  readonly path: string;
  readonly served: string;

  private constructor(path: string) {
    this.path = path;
    this.served = join(path, "served");
  }

  static async make(setting: Setting): Promise<Folder> {
    const folder = new Folder(await Deno.makeTempDir({ dir: setting.scratch }));
    // A daemon that is not root's must get through.
    await Deno.chmod(folder.path, 0o755);
    await Deno.mkdir(folder.served);
    return folder;
  }

  async add(names: readonly string[], sizeBytes: number): Promise<void> {
    for (const name of names) await makeFile(join(this.served, name), sizeBytes);
  }

  async addText(name: string, sizeBytes: number): Promise<void> {
    await makeText(join(this.served, name), sizeBytes);
  }

  async addTree(name: string, fileCount: number, fileBytes: number): Promise<void> {
    await makeTree(join(this.served, name), fileCount, fileBytes);
  }

  /** A folder in it for one contest. */
  async room(): Promise<string> {
    return await Deno.makeTempDir({ dir: this.path, prefix: "room-" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.path, { recursive: true });
  }
}

/** Those that can take part here; of the others it says why not. */
export async function entrants(
  setting: Setting,
  entries: readonly Entry[],
): Promise<{ readonly entries: readonly Entry[]; readonly skipped: readonly string[] }> {
  const reasons = new Map<Tool, string | undefined>();
  for (const { tool } of entries) {
    if (!reasons.has(tool)) reasons.set(tool, await reasonToSkip(setting, tool));
  }
  const skipped = [...reasons.values()].filter((reason) => reason !== undefined);
  for (const reason of skipped) console.log(`skipped: ${reason}`);
  return { entries: entries.filter(({ tool }) => reasons.get(tool) === undefined), skipped };
}

export interface Case {
  readonly wiring: Wiring;
  readonly entries: readonly Entry[];
  readonly names: readonly string[];
  readonly sizeBytes: number;
  readonly lineMbit?: number;
  /** Where copies go, if not beside what is served. */
  readonly outBase?: string;
  /** Whether what is measured is the second time, when all is there already. */
  readonly isRepeated?: boolean;
  /** Many who fetch at once. */
  readonly takers?: readonly TakerPlan[];
  readonly runs?: number;
  readonly boundMs?: number;
}

/** One contest on a bed of its own. */
export async function holdCase(
  setting: Setting,
  folder: Folder,
  { wiring, entries, names, sizeBytes, lineMbit, outBase, isRepeated, takers, runs, boundMs }: Case,
): Promise<Standing[]> {
  await using bed = await makeBed(setting, wiring);
  const scratch = await folder.room();
  return await hold({
    bed,
    entries: contestants(setting, entries),
    job: { dir: folder.served, names, sizeBytes, lineMbit },
    scratch,
    ...(outBase === undefined ? {} : { outBase }),
    isRepeated: isRepeated ?? false,
    ...(takers === undefined ? {} : { takers }),
    runs: runs ?? setting.runs,
    boundMs: boundMs ?? setting.boundMs,
    signal: setting.signal,
  });
}

/** With another checkout to compare with: Shoal alone, from both, in turns. */
function contestants({ against }: Setting, entries: readonly Entry[]): readonly Entry[] {
  if (against === undefined) return entries;
  const rivals = new Map<Tool, Tool>();
  return entries.flatMap((each) => {
    const rival = rivals.get(each.tool) ?? shoalFrom(against, each.tool);
    if (rival === undefined) return [];
    rivals.set(each.tool, rival);
    return [each, { ...each, tool: rival }];
  });
}

export function entry(tool: Tool, serverCount = 1, congestion = "cubic"): Entry {
  return { tool, serverCount, congestion };
}

/** How the network was made, for the reader. */
export function networkText(setting: Setting, offloads: boolean): string {
  if (setting.obstacle !== undefined) return `on loopback, because ${setting.obstacle}`;
  return `network namespaces joined by a bridge, MTU 1500, offloads ${offloads ? "on" : "off"}`;
}

async function reasonToSkip(setting: Setting, tool: Tool): Promise<string | undefined> {
  const missing = await tool.missing();
  if (missing !== undefined) return `${missing} is not installed (${tool.name})`;
  if (setting.obstacle !== undefined && !tool.worksOnLoopback) {
    return `${tool.name} needs network namespaces`;
  }
  return undefined;
}
