/**
 * What a master answers about one name or content, of all that is registered: who has which content under which name.
 * A registered file is a claim that anybody can make, as often as there are leases, but only for the address that it
 * connects from. So answers are shared out between addresses, in turns and in a random order, and each has no more
 * than a few places, whatever it has registered.
 */
import { endpointKey, partyOf } from "../../address.ts";
import type { Random } from "../base/random.ts";
import { LOCATED_CONTENTS_MAX, LOCATED_PER_PARTY_MAX, LOCATED_SERVERS_MAX } from "./limits.ts";
import type { LocatedFile, RegisteredFile, RegisteredServer } from "./registry_store.ts";

/** That one server has one file. */
export interface ProvidedFile {
  readonly file: RegisteredFile;
  readonly provider: RegisteredServer;
}

interface Content {
  readonly file: RegisteredFile;
  /** By endpoint, which is proved; what a server calls itself is not. */
  readonly servers: Map<string, RegisteredServer>;
}

/** In the order of the names, and of the SHA-256 within a name. The times of the first provider count. */
export function sharedAnswer(provided: readonly ProvidedFile[], random: Random): LocatedFile[] {
  const byParty = Map.groupBy(provided, ({ provider }) => partyOf(provider.endpoint.address));
  const parties = random.shuffle([...byParty.values()]).map((each) => random.shuffle(each));
  const contents = new Map<string, Content>();
  for (const each of inTurns(parties)) take(contents, each);
  return [...contents.values()]
    .map(({ file, servers }) => ({ ...file, servers: [...servers.values()] }))
    .sort((a, b) => compare(a.name, b.name) || compare(a.sha256, b.sha256));
}

/** The first of each, then the second of each, and so on. */
function* inTurns(parties: readonly (readonly ProvidedFile[])[]): Generator<ProvidedFile> {
  for (let turn = 0; turn < LOCATED_PER_PARTY_MAX; turn++) {
    for (const each of parties) {
      const provided = each[turn];
      if (provided !== undefined) yield provided;
    }
  }
}

function take(contents: Map<string, Content>, { file, provider }: ProvidedFile): void {
  const { name, sizeBytes, sha256, root } = file;
  // No name holds a line break.
  const key = `${sha256}${root}${sizeBytes}\n${name}`;
  let content = contents.get(key);
  if (content === undefined) {
    if (contents.size >= LOCATED_CONTENTS_MAX) return;
    contents.set(key, content = { file, servers: new Map() });
  }
  if (content.servers.size >= LOCATED_SERVERS_MAX) return;
  content.servers.set(endpointKey(provider.endpoint), provider);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
