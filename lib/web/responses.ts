/** Answers of the page in all their forms, with what every one of them says to a browser that may be fooled. */
import type { Bytes } from "../ids.ts";
import { type ErrorCode, type ErrorMessage, ShoalError } from "../errors.ts";
import type { HttpRequest, HttpResponse, HttpStream } from "../io/net/http_message.ts";
import { COMPRESSED_BYTES_MIN } from "./limits.ts";

type Fields = HttpResponse["fields"];

/** For everything: it is what it says, other origins neither read nor embed it, and nobody is told where a link was. */
const ALWAYS: Fields = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
];
/** What is no page runs, loads and frames nothing. */
const NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'";
/** The page and its assets come from here alone, and nothing that is written into it runs. */
const PAGE_POLICY = [
  "default-src 'none'",
  ...["script", "worker", "style", "img", "media", "frame", "connect"].map((each) =>
    `${each}-src 'self'`
  ),
  ...["form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
].join("; ");

const utf8 = new TextEncoder();

/** Ends the handling of a request with an answer. */
export class HttpProblem extends Error {
  override readonly name = "HttpProblem";

  constructor(
    readonly status: number,
    message: string,
    readonly fields: Fields = [],
    /** What an answer in JSON has beside. */
    readonly also: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

const STATUSES: Readonly<Partial<Record<ErrorCode, number>>> = {
  usage: 400,
  bad_name: 400,
  refused: 403,
  not_found: 404,
  unverified: 409,
  busy_target: 409,
  not_writable: 409,
  unnameable: 400,
  changed: 503,
  interrupted: 503,
  disk_full: 507,
};

/** A clear answer whatever was thrown; what is our own bug says no more than that. */
export function problemResponse(request: HttpRequest, thrown: unknown): HttpResponse {
  const isApi = request.head.path.startsWith("/api/");
  if (thrown instanceof HttpProblem) {
    const code = thrown.status === 404 ? "not_found" : "refused";
    const { message, also } = thrown;
    return problem(isApi, thrown.status, { ...also, code, message, hint: "" }, thrown.fields);
  }
  const error = ShoalError.from(thrown);
  const status = STATUSES[error.code] ?? 500;
  const told = status === 500
    ? { code: error.code, message: "something went wrong here", hint: "" }
    : error.toMessage();
  return problem(isApi, status, told, status === 503 ? [["retry-after", "2"]] : []);
}

function problem(
  isApi: boolean,
  status: number,
  told: ErrorMessage,
  fields: Fields,
): HttpResponse {
  return isApi
    ? jsonResponse(status, told, fields)
    : textResponse(status, "text/plain; charset=utf-8", `${told.message}\n`, fields);
}

export function jsonResponse(status: number, value: unknown, fields: Fields = []): HttpResponse {
  return textResponse(status, "application/json", `${JSON.stringify(value)}\n`, fields);
}

function textResponse(
  status: number,
  type: string,
  text: string,
  fields: Fields = [],
): HttpResponse {
  return {
    status,
    fields: [
      ["content-type", type],
      ["cache-control", "no-cache"],
      ["content-security-policy", NO_PAGE_POLICY],
      ...ALWAYS,
      ...fields,
    ],
    body: utf8.encode(text),
  };
}

/** The page itself, or a part of it: a worker has the policy that its script came with. */
export function pageResponse(type: string, body: Bytes, fields: Fields = []): HttpResponse {
  return {
    status: 200,
    fields: [
      ["content-type", type],
      ["cache-control", "no-cache"],
      ["content-security-policy", PAGE_POLICY],
      ["cross-origin-opener-policy", "same-origin"],
      ...ALWAYS,
      ...fields,
    ],
    body,
  };
}

/** Bytes that are read while they are sent. */
export function streamResponse(status: number, fields: Fields, body: HttpStream): HttpResponse {
  return { status, fields: [["cache-control", "no-cache"], ...ALWAYS, ...fields], body };
}

/** One that has no body. */
export function emptyResponse(status: number, fields: Fields): HttpResponse {
  return { status, fields: [["cache-control", "no-cache"], ...ALWAYS, ...fields] };
}

export function acceptsGzip({ head }: HttpRequest): boolean {
  return /(^|[\s,])gzip\s*(,|$|;\s*q=(1|0?\.\d*[1-9]))/.test(
    head.fields.get("accept-encoding") ?? "",
  );
}

/** The same, compressed for who takes it so. */
export async function compressed(
  request: HttpRequest,
  response: HttpResponse,
): Promise<HttpResponse> {
  const { body, fields } = response;
  if (!(body instanceof Uint8Array) || body.length < COMPRESSED_BYTES_MIN) return response;
  const varying = [...fields, ["vary", "accept-encoding"] as const];
  if (!acceptsGzip(request)) return { ...response, fields: varying };
  return {
    ...response,
    body: await gzipped(body),
    fields: [...varying, ["content-encoding", "gzip"]],
  };
}

export async function gzipped(bytes: Bytes): Promise<Bytes> {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
