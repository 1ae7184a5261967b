/** Who has which content under which name, gathered provider by provider. */
import { endpointKey } from "../../address.ts";
import { LOCATED_SERVERS_MAX } from "./limits.ts";
import type { LocatedFile, RegisteredFile, RegisteredServer } from "./registry_store.ts";

export class ProviderCollector {
  readonly #files = new Map<string, {
    readonly file: RegisteredFile;
    readonly servers: Map<string, RegisteredServer>;
  }>();

  /**
   * The times of the first provider count. One is known by its endpoint, which is proved; what it calls
   * itself is not.
   */
  add(file: RegisteredFile, provider: RegisteredServer): void {
    const { name, sizeBytes, sha256, root } = file;
    // No name holds a line break.
    const key = `${sha256}${root}${sizeBytes}\n${name}`;
    let found = this.#files.get(key);
    if (found === undefined) this.#files.set(key, found = { file, servers: new Map() });
    if (found.servers.size >= LOCATED_SERVERS_MAX) return;
    found.servers.set(endpointKey(provider.endpoint), provider);
  }

  /** In the order of their names, and of their SHA-256 within a name. */
  files(): LocatedFile[] {
    return [...this.#files.values()]
      .map(({ file, servers }) => ({ ...file, servers: [...servers.values()] }))
      .sort((a, b) => compare(a.name, b.name) || compare(a.sha256, b.sha256));
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
