/** What is answered to which request. Everything that is offered is looked up by its name; no path of the disk is ever made of a request. */
import { partyOf } from "../address.ts";
import type { OfferedFile, Offering } from "../app/offering.ts";
import type { SafeFileName } from "../ids.ts";
import type { HttpRequest, HttpResponse } from "../io/net/http_message.ts";
import { ConnectionLost } from "../io/net/session_connection.ts";
import type { RandomSource } from "../io/system/random_source.ts";
import type { Receiving } from "../app/receiving.ts";
import type { Clock } from "../io/system/clock.ts";
import { parseFileName } from "../names.ts";
import { ArchiveRoutes } from "./archive_routes.ts";
import { BodyReader } from "./body_reader.ts";
import { UploadRoutes } from "./upload_routes.ts";
import { EventStreams } from "./event_stream.ts";
import { AssetResponses } from "./asset_responses.ts";
import { viewOf } from "./content_types.ts";
import { fileResponse } from "./file_response.ts";
import { API_PAGE_FILES_DEFAULT, API_PAGE_FILES_MAX, REQUEST_WORK } from "./limits.ts";
import { listingPage, listingQueryOf } from "./listing_page.ts";
import { notAName, nothingOffered, requireTarget } from "./named_things.ts";
import { encodedName } from "./request_target.ts";
import {
  compressed,
  emptyResponse,
  HttpProblem,
  jsonResponse,
  pageResponse,
  problemResponse,
  streamResponse,
} from "./responses.ts";

interface RoutesOptions {
  readonly offering: Offering;
  readonly receiving: Receiving;
  readonly random: RandomSource;
  readonly clock: Clock;
  /** Whether a request for this host, in lower case and without a port, is meant for us. */
  readonly isOwnHost: (host: string) => boolean;
  /** What `/api/about` says, beside what changes. */
  readonly about: Readonly<Record<string, unknown>>;
}

type Handler = (request: HttpRequest, rest: string) => Promise<HttpResponse> | HttpResponse;

/** What a path begins with, or is where nothing may follow, and by which methods it is asked for. */
interface Route {
  readonly prefix: string;
  readonly isWhole: boolean;
  readonly methods: Readonly<Record<string, Handler>>;
}

export class Routes {
  readonly #options: RoutesOptions;
  readonly #assets = new AssetResponses();
  readonly #routes: readonly Route[];
  readonly #streams: EventStreams;
  readonly #uploads: UploadRoutes;
  readonly #archives: ArchiveRoutes;

  constructor(options: RoutesOptions) {
    this.#options = options;
    this.#streams = new EventStreams(options.offering, options.clock);
    const bodies = new BodyReader();
    this.#uploads = new UploadRoutes({ ...options, bodies });
    this.#archives = new ArchiveRoutes({ ...options, bodies });
    this.#routes = [
      whole("/", { GET: (request) => this.#folder(request, undefined) }),
      below("/files/", { GET: (request, rest) => this.#named(request, rest) }),
      below("/by-hash/sha256/", { GET: (request, rest) => this.#byHash(request, rest) }),
      whole("/zip", { POST: (request) => this.#archives.selection(request) }),
      below("/zip/", { GET: (request, rest) => this.#archives.folder(request, rest) }),
      below("/assets/", { GET: (request, rest) => this.#assets.respond(request, rest) }),
      whole("/api/about", { GET: () => this.#about() }),
      whole("/api/events", { GET: (request) => this.#events(request) }),
      whole("/api/uploads", { POST: (request) => this.#uploads.begin(request) }),
      below("/api/uploads/", {
        GET: (request, rest) => this.#uploads.at(request, rest),
        PUT: (request, rest) => this.#uploads.take(request, rest),
        POST: (request, rest) => this.#uploads.finish(request, rest),
        DELETE: (request, rest) => this.#uploads.release(request, rest),
      }),
      whole("/api/files", { GET: (request) => this.#list(request) }),
    ];
  }

  /** Never rejects but for a connection that is lost. */
  async respond(request: HttpRequest): Promise<HttpResponse> {
    try {
      return await this.#handled(request);
    } catch (thrown) {
      if (thrown instanceof ConnectionLost) throw thrown;
      return problemResponse(request, thrown);
    }
  }

  /** Ends what goes on until somebody ends it. */
  close(): void {
    this.#streams.close();
    this.#uploads.close();
  }

  async #handled(request: HttpRequest): Promise<HttpResponse> {
    const { method, path, host } = request.head;
    if (!this.#options.isOwnHost(host)) {
      throw new HttpProblem(421, "ask by an address of this machine, or as localhost");
    }
    await request.work(REQUEST_WORK);
    const route = this.#routes.find(({ prefix, isWhole }) =>
      isWhole ? path === prefix : path.startsWith(prefix)
    );
    if (route === undefined) throw new HttpProblem(404, "there is nothing of that name here");
    const handler = route.methods[method === "HEAD" ? "GET" : method];
    if (handler === undefined) {
      const names = Object.keys(route.methods);
      const allowed = names.includes("GET") ? ["HEAD", ...names] : names;
      throw new HttpProblem(405, `ask by ${names.join(" or ")}`, [["allow", allowed.join(", ")]]);
    }
    return await handler(request, path.slice(route.prefix.length));
  }

  // — Files and folders —————————————————————————————————————————————————————————————————————————

  async #named(request: HttpRequest, rest: string): Promise<HttpResponse> {
    const { offering } = this.#options;
    const target = requireTarget(rest);
    if (target.kind === "folder") return await this.#folder(request, target.name);
    const file = offering.find(target);
    if (file !== undefined) return this.#file(request, file);
    if (offering.fileCount(target.name) === 0) throw nothingOffered();
    return emptyResponse(308, [["location", `/files/${encodedName(target.name)}/`]]);
  }

  async #folder(
    request: HttpRequest,
    folder: SafeFileName | undefined,
  ): Promise<HttpResponse> {
    const query = listingQueryOf(new URLSearchParams(request.head.query));
    const page = listingPage(this.#options.offering, folder, query);
    if (page === undefined) throw nothingOffered();
    await request.work(page.rowsRead);
    return await compressed(request, pageResponse("text/html; charset=utf-8", page.bytes));
  }

  #file(request: HttpRequest, file: OfferedFile): HttpResponse {
    const isViewed = new URLSearchParams(request.head.query).has("view");
    return fileResponse(this.#options.offering, file, request, isViewed);
  }

  #byHash(request: HttpRequest, rest: string): HttpResponse {
    if (!/^[0-9a-f]{64}$/i.test(rest)) {
      throw new HttpProblem(400, "a SHA-256 has 64 hexadecimal digits");
    }
    const file = this.#options.offering.find({ sha256: rest });
    if (file === undefined) throw nothingOffered();
    return this.#file(request, file);
  }

  // — What programs ask —————————————————————————————————————————————————————————————————————————

  #about(): HttpResponse {
    const { offering, about } = this.#options;
    const now = { files: offering.fileCount(), revision: offering.revision };
    return jsonResponse(200, { ...about, ...now, ...this.#uploads.about });
  }

  #events(request: HttpRequest): HttpResponse {
    const fields = [["content-type", "text/event-stream"]] as const;
    if (request.head.method === "HEAD") return emptyResponse(200, fields);
    const stream = this.#streams.open(partyOf(request.peer.address));
    return streamResponse(200, fields, { lengthBytes: undefined, open: () => stream });
  }

  async #list(request: HttpRequest): Promise<HttpResponse> {
    const query = new URLSearchParams(request.head.query);
    const limit = query.get("limit") ?? String(API_PAGE_FILES_DEFAULT);
    const countMax = /^\d{1,5}$/.test(limit) ? Number(limit) : 0;
    if (countMax < 1 || countMax > API_PAGE_FILES_MAX) {
      throw new HttpProblem(400, `limit is a number from 1 to ${API_PAGE_FILES_MAX}`);
    }
    const { offering } = this.#options;
    const [folder, after] = [query.get("folder"), query.get("after")];
    if (folder !== null && !parseFileName(folder).ok) throw notAName();
    await request.work(countMax);
    const page = offering.files({
      ...(folder !== null && { folder }),
      ...(after !== null && { after }),
      countMax: countMax + 1,
    });
    const files = page.slice(0, countMax);
    return await compressed(
      request,
      jsonResponse(200, {
        revision: offering.revision,
        total: offering.fileCount(folder ?? undefined),
        files: files.map(listed),
        ...(page.length > countMax && { next: files.at(-1)!.name }),
      }),
    );
  }
}

function whole(prefix: string, methods: Route["methods"]): Route {
  return { prefix, isWhole: true, methods };
}

function below(prefix: string, methods: Route["methods"]): Route {
  return { prefix, isWhole: false, methods };
}

/** A file as programs read it. */
function listed({ name, sizeBytes, modifiedMs, state, sha256 }: OfferedFile) {
  const view = viewOf(name);
  return {
    ...{ name, size: sizeBytes, mtimeMs: modifiedMs },
    ...(sha256 === undefined ? { state } : { sha256 }),
    ...(view !== undefined && { view }),
  };
}
