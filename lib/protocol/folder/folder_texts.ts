/** Messages about folders. */
import { ShoalError } from "../../errors.ts";
import { shortHash } from "../base/held_texts.ts";
import type { Dispute } from "./merged_tree.ts";

/** Servers hold different things under a name of a folder. */
export function disputed({ sides }: Dispute): ShoalError {
  const held = sides.map(({ entry, parties }) => {
    const what = entry.kind === "file" ? shortHash(entry.sha256) : `a ${entry.kind}`;
    return parties.length === 0 ? what : `${what} from ${parties.join(", ")}`;
  });
  return new ShoalError("ambiguous", `servers disagree about it: ${held.join("; ")}`, {
    hint: "Choose a server with --server HOST.",
  });
}

/** Links that are neither files nor kept. */
export function leftOutLinks(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > 1 ? ` and ${names.length - 1} more` : "";
  return `'${names[0]}'${more} left out: links to folders or to nothing ` +
    "(--links keeps links as they are)";
}

/** What a server offers as the listing of a folder is not used. */
export function badListing(name: string, parties: Iterable<string>, problem: string): string {
  const by = [...new Set(parties)].join(", ");
  return `the listing of '${name}' from ${by || "a server"} is not used: ${problem}`;
}

/** What servers have in the folder and do not offer. */
export function notOffered(names: readonly string[]): string | undefined {
  if (names.length === 0) return undefined;
  const more = names.length > 1 ? ` and ${names.length - 1} more` : "";
  return `'${names[0]}'${more} cannot be fetched: its server leaves it out`;
}
