/**
 * A server of the page whose files and events are written down: what a browser shows of a state that no real transfer can be
 * made to hold still for.
 */
import { ASSETS } from "../../lib/web/assets.ts";

export interface ScriptedFile {
  readonly name: string;
  readonly size: number;
  readonly mtimeMs: number;
  readonly sha256?: string;
  readonly view?: string;
}

export interface Script {
  readonly about: Readonly<Record<string, unknown>>;
  readonly files?: readonly ScriptedFile[];
}

/** As docs/HTTP.md has it. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "media-src 'self'",
  "frame-src 'self'",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");
const HTML = `<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Shoal</title>
<link rel="stylesheet" href="/assets/page.css"><script type="module" src="/assets/main.js"></script>
</head><body><main>Files</main></body></html>`;

export class ScriptedServer implements AsyncDisposable {
  readonly #script: Script;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #viewers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #state: unknown = { role: "server" };
  /** How often somebody began to listen to events. */
  connections = 0;

  constructor(script: Script) {
    this.#script = script;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#answer(new URL(request.url)),
    );
  }

  get url(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/`;
  }

  /** What is told to who connects from now on, and to all who are connected. */
  state(state: unknown): void {
    this.#state = state;
    this.#tell("state", state);
  }

  update(update: unknown): void {
    this.#tell("update", update);
  }

  /** Ends all connections for events. */
  hangUp(): void {
    for (const viewer of this.#viewers) viewer.close();
    this.#viewers.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.hangUp();
    await this.#server.shutdown();
  }

  #answer(url: URL): Response {
    const asset = ASSETS.get(url.pathname.replace("/assets/", ""));
    if (asset !== undefined) return answer(asset.text, asset.type);
    switch (url.pathname) {
      case "/api/about":
        return answer(JSON.stringify(this.#script.about), "application/json");
      case "/api/files":
        return this.#files(url.searchParams);
      case "/api/events":
        return this.#events();
    }
    if (url.pathname === "/" || url.pathname.endsWith("/")) {
      return answer(HTML, "text/html; charset=utf-8", { "content-security-policy": POLICY });
    }
    return new Response("not offered", { status: 404 });
  }

  #files(parameters: URLSearchParams): Response {
    const files = this.#script.files ?? [];
    const after = parameters.get("after");
    const first = after === null ? 0 : files.findIndex(({ name }) => name === after) + 1;
    const page = files.slice(first, first + Number(parameters.get("limit")));
    const isLast = first + page.length >= files.length;
    const next = isLast ? {} : { next: page.at(-1)?.name };
    return answer(
      JSON.stringify({ revision: "1", total: files.length, files: page, ...next }),
      "application/json",
    );
  }

  #events(): Response {
    this.connections++;
    let viewer: ReadableStreamDefaultController<Uint8Array>;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        viewer = controller;
        this.#viewers.add(controller);
        controller.enqueue(encoded("state", this.#state));
      },
      cancel: () => {
        this.#viewers.delete(viewer);
      },
    });
    return answer(body, "text/event-stream");
  }

  #tell(event: string, data: unknown): void {
    for (const viewer of this.#viewers) viewer.enqueue(encoded(event, data));
  }
}

function answer(body: BodyInit, type: string, headers: Record<string, string> = {}): Response {
  return new Response(body, {
    headers: { "content-type": type, "x-content-type-options": "nosniff", ...headers },
  });
}

function encoded(event: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
