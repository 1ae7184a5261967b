/** bench/RESULTS.md: one section a scenario, replaced when that scenario is run again. */

const FILE = new URL("../RESULTS.md", import.meta.url);

const HEAD = `# Results

Written by \`deno task bench\`, a section a scenario; each says when and where it was measured. Machines
drift, so only figures of one section may be compared.

Seconds are wall time from the start of the client's process to its end, medians over the runs, in which
all tools take turns; "own s" is what Shoal itself says, from the first question to the rename, and for
aria2 as BitTorrent, which waits whole seconds at its end, the time until it last wrote. Tools that prove
nothing are followed by \`openssl dgst -sha256\` of the copy, and their names say so. Ratios are medians of
the ratios within a round. CPU is user and system time, MiB the most that the processes of a side held
(VmHWM, summed), over all runs; libtorrent maps files into memory, which counts. A tool that takes longer
than the bound once is not run again in that scenario.

Sections named \`…-no-sha\` hide the processor's instructions for SHA-256 from OpenSSL and from Deno, which is how
fast both are on a machine without them; whatever else a tool hashes with is not affected.
`;

export interface Section {
  readonly name: string;
  /** Title, then text: Markdown without a heading of the first or second level. */
  readonly title: string;
  readonly lines: readonly string[];
}

export function sectionText({ name, title, lines }: Section): string {
  return [`## ${name}: ${title}`, "", ...lines, ""].join("\n");
}

/** Puts a section in, the others stay; they stand in the order of `names`. */
export async function saveSection(section: Section, names: readonly string[]): Promise<void> {
  const old = await Deno.readTextFile(FILE).catch(() => "");
  const sections = new Map<string, string>();
  for (const part of old.split(/^(?=## )/m)) {
    const name = /^## ([\w-]+):/.exec(part)?.[1];
    if (name !== undefined) sections.set(name, `${part.trimEnd()}\n`);
  }
  sections.set(section.name, sectionText(section));
  const ordered = names.flatMap((name) => sections.get(name) ?? []);
  await Deno.writeTextFile(FILE, [HEAD, ...ordered].join("\n"));
}
