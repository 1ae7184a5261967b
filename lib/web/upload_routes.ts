/** What is answered to those who upload: only where that is allowed, and to our own page and to programs that know the token. */
import { timingSafeEqual } from "@std/crypto/timing-safe-equal";
import type { Receiving } from "../app/receiving.ts";
import { type Bytes, toHex } from "../ids.ts";
import type { HttpRequest, HttpResponse } from "../io/net/http_message.ts";
import type { Clock } from "../io/system/clock.ts";
import type { RandomSource } from "../io/system/random_source.ts";
import { sizeText } from "../sizes.ts";
import { UPLOAD_JSON_BYTES_MAX, UPLOAD_SLICE_BYTES_MAX, WEB_TOKEN_BYTES } from "./limits.ts";
import type { BodyReader } from "./body_reader.ts";
import { emptyResponse, HttpProblem, jsonResponse } from "./responses.ts";
import { requireSameOrigin } from "./same_origin.ts";
import { WebUploads } from "./web_uploads.ts";

interface UploadRoutesOptions {
  readonly receiving: Receiving;
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly bodies: BodyReader;
}

export class UploadRoutes {
  readonly #options: UploadRoutesOptions;
  readonly #uploads: WebUploads;
  readonly #token: string;

  constructor(options: UploadRoutesOptions) {
    this.#options = options;
    this.#uploads = new WebUploads(options);
    this.#token = toHex(options.random.bytes(WEB_TOKEN_BYTES));
  }

  /** What a page has to know; nothing where nothing may be uploaded. */
  get about(): Readonly<Record<string, unknown>> {
    const { uploadBytesMax } = this.#options.receiving;
    if (uploadBytesMax === 0) return {};
    const uploads = { bytesMax: uploadBytesMax, sliceBytesMax: UPLOAD_SLICE_BYTES_MAX };
    return { uploads, token: this.#token };
  }

  async begin(request: HttpRequest): Promise<HttpResponse> {
    this.#requireAllowed(request);
    const { name, size, mtimeMs } = await this.#json(request);
    const isTime = mtimeMs === undefined || Number.isFinite(mtimeMs);
    if (typeof name !== "string" || !Number.isSafeInteger(size) || Number(size) < 0 || !isTime) {
      throw new HttpProblem(400, "an upload has a name, a size and a time");
    }
    const { uploadBytesMax } = this.#options.receiving;
    if (Number(size) > uploadBytesMax) {
      throw new HttpProblem(413, `this server takes up to ${sizeText(uploadBytesMax)}`);
    }
    const wanted = {
      ...{ name, sizeBytes: Number(size) },
      modifiedMs: mtimeMs === undefined ? undefined : Number(mtimeMs),
    };
    const begun = await this.#uploads.begin(wanted, request.peer);
    return jsonResponse(201, { ...begun, sliceBytesMax: UPLOAD_SLICE_BYTES_MAX });
  }

  /** Where it goes on. */
  at(request: HttpRequest, rest: string): HttpResponse {
    this.#requireAllowed(request);
    return jsonResponse(200, { offset: this.#uploads.offsetOf(rest) });
  }

  async take(request: HttpRequest, rest: string): Promise<HttpResponse> {
    this.#requireAllowed(request);
    const text = new URLSearchParams(request.head.query).get("offset") ?? "";
    if (!/^\d{1,15}$/.test(text)) throw new HttpProblem(400, "say at which offset it goes on");
    const { bodyBytes = 0 } = request.head;
    const offset = await this.#uploads.take(rest, Number(text), bodyBytes, request.body);
    return jsonResponse(200, { offset });
  }

  async finish(request: HttpRequest, rest: string): Promise<HttpResponse> {
    this.#requireAllowed(request);
    const [id = "", what, ...more] = rest.split("/");
    if (what !== "done" || more.length > 0) throw new HttpProblem(404, "there is nothing here");
    const { sha256 } = await this.#json(request);
    const isHash = typeof sha256 === "string" && /^[0-9a-f]{64}$/i.test(sha256);
    if (sha256 !== undefined && !isHash) {
      throw new HttpProblem(400, "a SHA-256 has 64 hexadecimal digits");
    }
    const stored = await this.#uploads.finish(id, isHash ? sha256 : undefined);
    return jsonResponse(200, stored);
  }

  async release(request: HttpRequest, rest: string): Promise<HttpResponse> {
    this.#requireAllowed(request);
    await this.#uploads.release(rest);
    return emptyResponse(204, []);
  }

  close(): void {
    this.#uploads.close();
  }

  /** Throws {@linkcode HttpProblem} 403. */
  #requireAllowed(request: HttpRequest): void {
    if (this.#options.receiving.uploadBytesMax === 0) {
      throw new HttpProblem(403, "uploads are not allowed here");
    }
    requireSameOrigin(request);
    const token = bytesOf(request.head.fields.get("x-shoal-token") ?? "");
    const own = bytesOf(this.#token);
    if (token.length !== own.length || !timingSafeEqual(token, own)) {
      throw new HttpProblem(403, "say the token of this server");
    }
  }

  async #json(request: HttpRequest): Promise<Readonly<Record<string, unknown>>> {
    const text = await this.#options.bodies.text(request, UPLOAD_JSON_BYTES_MAX);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      throw new HttpProblem(400, "that is no JSON");
    }
    if (typeof value !== "object" || value === null) {
      throw new HttpProblem(400, "that is no object");
    }
    return value as Readonly<Record<string, unknown>>;
  }
}

const utf8 = new TextEncoder();

function bytesOf(text: string): Bytes {
  return utf8.encode(text);
}
