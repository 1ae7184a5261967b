/** A server of a folder with its page, on loopback, for tests of what is answered over HTTP. */
import "./libraries.ts";
import { join } from "@std/path/join";
import type { ServeOptions, Server } from "../../lib/app/options.ts";
import { serve } from "../../lib/app/serve/serve.ts";
import { openWeb, type WebServer } from "../../lib/web/web_server.ts";
import { withFolder, writeFile } from "./folder.ts";

/** When files of a scene were modified: long enough ago to be at rest. */
export const SCENE_TIME = new Date("2024-02-29T12:34:56Z");

export interface WebScene {
  readonly server: Server;
  readonly web: WebServer;
  /** The folder that is served. */
  readonly dir: string;
  /** A folder for whatever comes of it. */
  readonly out: string;
  /** `http://127.0.0.1:PORT`. */
  readonly base: string;
  /** What went wrong unseen. */
  readonly problems: readonly string[];
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** What is answered to these very bytes until the connection ends. */
  raw(request: string | Uint8Array<ArrayBuffer>): Promise<string>;
}

/** Offers `files`, all of them hashed, and runs `body`. */
export async function withWeb(
  files: Readonly<Record<string, string | Uint8Array>>,
  body: (scene: WebScene) => Promise<void>,
  options: Partial<ServeOptions> = {},
): Promise<void> {
  await withFolder({}, async (root) => {
    const [dir, out] = [join(root, "served"), join(root, "out")];
    await Deno.mkdir(dir);
    await Deno.mkdir(out);
    for (const [name, content] of Object.entries(files)) await putAtRest(dir, name, content);
    const server = await serve({
      ...{ dir, cacheDir: join(root, "cache"), port: 0, broadcast: ["127.255.255.255"] },
      ...options,
    });
    const problems: string[] = [];
    const web = openWeb({
      ...{ server, host: "127.0.0.1", port: 0, rateBytesPerS: 0 },
      onProblem: (message) => problems.push(message),
    });
    try {
      while (server.files().some(({ state }) => state !== "ready")) await passed();
      const base = `http://127.0.0.1:${web.port}`;
      await body({
        ...{ server, web, dir, out, base, problems },
        fetch: (path, init) => fetch(base + path, { redirect: "manual", ...init }),
        raw: (request) => exchanged(web.port, request),
      });
    } finally {
      await web.close();
      await server.close();
    }
  });
}

/** Writes a file as if long ago, so that nobody takes it for one that still grows. */
async function putAtRest(
  dir: string,
  name: string,
  content: string | Uint8Array,
): Promise<void> {
  await writeFile(dir, name, content);
  await Deno.utime(join(dir, name), SCENE_TIME, SCENE_TIME);
}

function passed(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}

async function exchanged(port: number, request: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const bytes = typeof request === "string" ? new TextEncoder().encode(request) : request;
  using connection = await Deno.connect({ hostname: "127.0.0.1", port });
  const reading = new Response(connection.readable).bytes().catch(() => new Uint8Array(0));
  for (let at = 0; at < bytes.length;) {
    // Whoever has been answered may be cut off while it still speaks.
    try {
      at += await connection.write(bytes.subarray(at));
    } catch {
      break;
    }
  }
  return new TextDecoder("latin1").decode(await reading);
}
