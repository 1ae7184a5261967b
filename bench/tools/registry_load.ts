/**
 * Many servers in one process, each with a registration of its own at a master. `HOST:PORT SERVERS FILES`.
 * Prints `registered` and the milliseconds since 1970 whenever the last of them has told everything, and
 * `lost` when one has not.
 */
import { denoRuntime } from "../../lib/io/runtime.ts";
import { MasterLink } from "../../lib/app/master/master_link.ts";
import { type Content, hashHex, type SafeFileName, serverId } from "../../lib/ids.ts";
import type { CatalogueEntry } from "../../lib/protocol/serve/catalogue.ts";
import { fileOfLoad, nameOfLoad } from "./registry_files.ts";

const FIRST_PORT = 10_530;

const [master, servers, files] = [Deno.args[0]!, Number(Deno.args[1]), Number(Deno.args[2])];

/** The files of one server, made up when they are asked for, in the order of their names. */
class VirtualCatalogue {
  readonly #server: number;

  constructor(server: number) {
    this.#server = server;
  }

  find(_name: SafeFileName): undefined {
    return undefined;
  }

  page(after: SafeFileName | undefined, countMax: number): CatalogueEntry[] {
    const first = after === undefined ? 0 : Number(after.slice(-6)) + 1;
    const count = Math.max(0, Math.min(countMax, files - first));
    return Array.from({ length: count }, (_, i) => this.#entry(first + i));
  }

  #entry(file: number): CatalogueEntry {
    const { sizeBytes, sha256, root } = fileOfLoad(this.#server, file);
    const content: Content = { sizeBytes, sha256: hashHex(sha256), root: hashHex(root) };
    return {
      name: nameOfLoad(this.#server, file),
      signature: { sizeBytes, mtimeMs: 1_700_000_000_000 + file, ctimeMs: 0, inode: file },
      state: "ready",
      hashedBytes: sizeBytes,
      content,
    };
  }
}

const registered = new Set<number>();
for (let server = 0; server < servers; server++) {
  new MasterLink({
    runtime: denoRuntime(),
    master,
    layers: [],
    server: serverId((server + 1).toString(16).padStart(32, "0")),
    port: FIRST_PORT + server,
    catalogue: new VirtualCatalogue(server),
    seed: server + 1,
    onState: (isRegistered) => {
      const wasWhole = registered.size === servers;
      if (isRegistered) registered.add(server);
      else registered.delete(server);
      if (registered.size === servers) console.log(`registered ${Date.now()}`);
      else if (wasWhole) console.log("lost");
    },
  });
}
