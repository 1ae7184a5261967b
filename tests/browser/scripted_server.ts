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

const SLICE_BYTES = 64 * 1024;

export class ScriptedServer implements AsyncDisposable {
  readonly #script: Script;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #stop = new AbortController();
  readonly #viewers = new Set<ReadableStreamDefaultController<Uint8Array>>();
  #state: unknown = { revision: "1", files: 0, transfers: [], uploaded: [], indexing: null };
  /** What was uploaded so far, by name. */
  readonly uploads = new Map<string, Uint8Array<ArrayBuffer>>();
  /** Asked before each slice: whether it fails instead. */
  breaks: (name: string, offset: number) => boolean = () => false;
  /** Waited for before each slice is taken. */
  beforeSlice: (name: string, offset: number) => Promise<void> = () => Promise.resolve();
  /** How often somebody began to listen to events. */
  connections = 0;

  constructor(script: Script) {
    this.#script = script;
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: this.#stop.signal },
      (request) => this.#answer(request, new URL(request.url)),
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
    // Whatever is still being answered: a test that failed answers nothing more.
    this.#stop.abort();
    await this.#server.finished;
  }

  async #answer(request: Request, url: URL): Promise<Response> {
    if (url.pathname.startsWith("/api/uploads")) return await this.#upload(request, url);
    const asset = ASSETS.get(url.pathname.replace("/assets/", ""));
    if (asset !== undefined) {
      return answer(asset.text, asset.type, { "content-security-policy": POLICY });
    }
    switch (url.pathname) {
      case "/api/about":
        return json(this.#script.about);
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
    return json({ revision: "1", total: files.length, files: page, ...next });
  }

  /** Uploads as docs/HTTP.md has them, whose ids are the names. */
  async #upload(request: Request, url: URL): Promise<Response> {
    if (request.headers.get("x-shoal-token") !== this.#script.about["token"]) {
      return json({ code: "refused", message: "No token.", hint: "" }, 403);
    }
    const [, , , id, end] = url.pathname.split("/").map(decodeURIComponent);
    if (id === undefined) {
      const { name } = await request.json() as { name: string };
      const { length } = this.uploads.get(name) ?? this.#begun(name);
      return json({ id: name, offset: length, sliceBytesMax: SLICE_BYTES }, 201);
    }
    const bytes = this.uploads.get(id) ?? this.#begun(id);
    if (end === "done") return json({ name: id, sha256: await sha256Of(bytes), present: false });
    const offset = Number(url.searchParams.get("offset"));
    if (this.breaks(id, offset)) return new Response(null, { status: 500 });
    const slice = await request.arrayBuffer();
    await this.beforeSlice(id, offset);
    const before = this.uploads.get(id) ?? bytes;
    if (before.length !== offset) {
      return json({ code: "refused", message: "Not there.", hint: "", offset: before.length }, 409);
    }
    const all = new Blob([before, slice]);
    this.uploads.set(id, new Uint8Array(await all.arrayBuffer()));
    return json({ offset: all.size });
  }

  #begun(name: string): Uint8Array<ArrayBuffer> {
    const none = new Uint8Array(0);
    this.uploads.set(name, none);
    return none;
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

function json(value: unknown, status = 200): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json" },
  });
}

export async function sha256Of(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function encoded(event: string, data: unknown): Uint8Array {
  return new TextEncoder().encode(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
