/** What tests of folders have in common: servers of the library, and a place to fetch into. */
import "./libraries.ts";
import { assert } from "@std/assert";
import { join } from "@std/path/join";
import { type GetOptions, getSettled, serve, type ServeOptions, type Server } from "../../mod.ts";
import type { FolderEvent, GetEvent } from "../../lib/app/events.ts";
import { freePort } from "./shoal_process.ts";
import { withFolder, writeFile } from "./folder.ts";

/** Long ago, in seconds: such a file is quiet. */
export const QUIET = 1_600_000_000;

/** Servers, a place to fetch into, and what was said meanwhile. */
export class Scene implements AsyncDisposable {
  readonly root: string;
  readonly port = freePort();
  readonly out: string;
  events: GetEvent[] = [];
  readonly #servers: Server[] = [];

  constructor(root: string) {
    this.root = root;
    this.out = join(root, "out");
  }

  dir(server: string): string {
    return join(this.root, server);
  }

  async write(server: string, name: string, content: string | Uint8Array): Promise<void> {
    await writeFile(this.dir(server), name, content);
    await Deno.utime(join(this.dir(server), name), QUIET, QUIET);
  }

  async serve(name: string, options: Partial<ServeOptions> = {}): Promise<Server> {
    const cacheDir = join(this.root, `cache-${name}`);
    const server = await serve({
      ...{ dir: this.dir(name), cacheDir, port: this.port, server: "127.0.0.1" },
      broadcast: ["127.255.255.255"],
      ...options,
    });
    this.#servers.push(server);
    return server;
  }

  async get(options: Partial<GetOptions> = {}) {
    this.events = [];
    return await getSettled({
      ...{ names: ["t/"], outDir: this.out, port: this.port, timeoutMs: 5_000, retries: 2 },
      ...{ broadcast: ["127.255.255.255"], cacheDir: join(this.root, "cache-get") },
      onEvent: (event) => void this.events.push(event),
      ...options,
    });
  }

  get folder(): FolderEvent {
    const found = this.events.find((event) => event.event === "folder");
    assert(found?.event === "folder", "nothing was said about the folder");
    return found;
  }

  /** What was said that a user should know. */
  get warnings(): string {
    return this.events.flatMap((event) => (event.event === "notice" ? [event.message] : []))
      .join("\n");
  }

  read(name: string): string {
    return Deno.readTextFileSync(join(this.out, "t", name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) await server.close();
  }
}

export function withScene(body: (scene: Scene) => Promise<void>): () => Promise<void> {
  return () =>
    withFolder({}, async (root) => {
      await using scene = new Scene(root);
      await body(scene);
    });
}
