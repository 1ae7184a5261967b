/**
 * The head of an HTTP/1 request (RFC 9112), strictly read: what one reader may take for this and another for that is
 * malformed. A body is told by its length alone.
 */
import { isIpv4, isIpv6, isLoopback } from "../address.ts";
import { HTTP_FIELDS_MAX, HTTP_HEAD_BYTES_MAX } from "./limits.ts";

export interface HttpRequestHead {
  readonly method: string;
  /** As it came, still percent-encoded, without what follows a question mark. */
  readonly path: string;
  /** What follows it, as it came; empty if there is nothing. */
  readonly query: string;
  /** The `Host` field without its port, in lower case. */
  readonly host: string;
  /** By name in lower case. What came more than once is one value, with commas between. */
  readonly fields: ReadonlyMap<string, string>;
  /** Whether the peer may ask for more over the same connection. */
  readonly isPersistent: boolean;
  /** How long the body is; 0 for none, `undefined` where it does not say. */
  readonly bodyBytes: number | undefined;
  /** So many bytes are the head. */
  readonly headBytes: number;
}

/** `longTarget` is a first line without an end. */
export type HttpHead = HttpRequestHead | "malformed" | "tooLong" | "longTarget";

const latin1 = new TextDecoder("latin1");
const REQUEST_LINE = /^([A-Z]+) (\/[^\s?]*)(\?\S*)? HTTP\/1\.([01])$/;
/** Of a request line, however little of it. */
const BEGINNING = /^[A-Z]*$|^[A-Z]+ $|^[A-Z]+ \/\P{Cc}*$/u;
const FIELD = /^([!#$%&'*+.^_`|~0-9a-z-]+):(.*)$/i;
// deno-lint-ignore no-control-regex
const CONTROL = /[\x00-\x08\x0a-\x1f\x7f]/;
const HOST = /^(\[[0-9a-f:.]+\]|[^\s:\[\]]+)(?::\d{1,5})?$/;
/** Fields of which a second one would be another request to somebody else. */
const SINGLE_FIELDS = new Set(["host", "content-length", "transfer-encoding", "x-shoal-token"]);

/**
 * The request that begins with these bytes; `undefined` while its head is incomplete, and may still become one.
 *
 * @param bytesMax how long its head may be
 */
export function parseHttpHead(
  bytes: Uint8Array,
  bytesMax = HTTP_HEAD_BYTES_MAX,
): HttpHead | undefined {
  const text = latin1.decode(bytes.subarray(0, bytesMax));
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) {
    if (!mayBecomeRequest(text)) return "malformed";
    if (bytes.length <= bytesMax) return undefined;
    return text.includes("\n") ? "tooLong" : "longTarget";
  }
  const [first = "", ...lines] = text.slice(0, end.index).split(/\r?\n/);
  const request = REQUEST_LINE.exec(first);
  if (request === null) return "malformed";
  if (lines.length > HTTP_FIELDS_MAX) return "tooLong";
  const fields = fieldsIn(lines);
  const host = HOST.exec(fields?.get("host")?.toLowerCase() ?? "")?.[1];
  if (fields === undefined || host === undefined) return "malformed";
  const length = fields.get("content-length");
  const isOfLength = !fields.has("transfer-encoding");
  if (length !== undefined && !(isOfLength && /^\d{1,15}$/.test(length))) return "malformed";
  const [, method = "", writtenPath = "", writtenQuery = "", minor] = request;
  // One byte is one character of the text, whichever it is.
  const pathEnd = method.length + 1 + writtenPath.length;
  const path = escaped(bytes.subarray(method.length + 1, pathEnd));
  const query = escaped(bytes.subarray(pathEnd, pathEnd + writtenQuery.length));
  const connection = fields.get("connection")?.toLowerCase() ?? "";
  return {
    ...{ method, path, query: query.slice(1), host: host.replace(/^\[|\]$/g, ""), fields },
    isPersistent: minor === "1" && !/(^|[,\s])close([,\s]|$)/.test(connection),
    bodyBytes: isOfLength ? Number(length ?? 0) : undefined,
    headBytes: end.index + end[0].length,
  };
}

/** What is not ASCII percent-encoded, as it should have come. */
function escaped(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) {
    text += byte < 0x80 ? String.fromCharCode(byte) : `%${byte.toString(16)}`;
  }
  return text;
}

/** `undefined` where one of the lines is no field, or a second one of what there may be only once. */
function fieldsIn(lines: readonly string[]): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const [, written, value = ""] = FIELD.exec(line) ?? [];
    if (written === undefined || CONTROL.test(value)) return undefined;
    const name = written.toLowerCase();
    const before = fields.get(name);
    if (before !== undefined && SINGLE_FIELDS.has(name)) return undefined;
    fields.set(name, before === undefined ? value.trim() : `${before}, ${value.trim()}`);
  }
  return fields;
}

/** Whoever speaks another protocol waits for an answer to what it has said, and not for the end of a head. */
function mayBecomeRequest(text: string): boolean {
  const end = text.search(/[\r\n]/);
  return end === -1 ? BEGINNING.test(text) : REQUEST_LINE.test(text.slice(0, end));
}

/**
 * Whether a request for this host is meant for this machine. A web page whose name was made to mean our address
 * (DNS rebinding) asks for that name; an address is nobody's name.
 *
 * @param reach `loopback` where nobody else can connect
 * @param hostname what this machine is called; `undefined` where that is unknown
 */
export function isExpectedHost(
  host: string,
  reach: "loopback" | "network",
  hostname: string | undefined,
): boolean {
  if (host === "localhost" || host === "::1") return true;
  if (isIpv4(host)) return reach === "network" || isLoopback(host);
  if (isIpv6(host)) return reach === "network";
  const own = hostname?.toLowerCase();
  return own !== undefined && own !== "" && (host === own || host === `${own}.local`);
}

/** Why each of them is answered, as the status line has it (RFC 9110). */
const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  201: "Created",
  204: "No Content",
  206: "Partial Content",
  304: "Not Modified",
  308: "Permanent Redirect",
  400: "Bad Request",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  411: "Length Required",
  413: "Content Too Large",
  414: "URI Too Long",
  415: "Unsupported Media Type",
  416: "Range Not Satisfiable",
  421: "Misdirected Request",
  429: "Too Many Requests",
  431: "Request Header Fields Too Large",
  500: "Internal Server Error",
  503: "Service Unavailable",
  507: "Insufficient Storage",
};

const utf8 = new TextEncoder();

/** The head of a response. Whatever could end a field is taken out of its value. */
export function httpResponseHead(
  status: number,
  fields: readonly (readonly [string, string | number])[],
): Uint8Array<ArrayBuffer> {
  const lines = fields.map(([name, value]) =>
    // deno-lint-ignore no-control-regex
    `${name}: ${String(value).replace(/[\x00-\x08\x0a-\x1f\x7f]/g, "")}\r\n`
  );
  return utf8.encode(`HTTP/1.1 ${status} ${REASONS[status] ?? ""}\r\n${lines.join("")}\r\n`);
}

/** A whole response, after which the connection ends. */
export function httpResponse(
  status: number,
  body: string,
  options: {
    readonly type?: string;
    readonly isHead?: boolean;
    readonly fields?: readonly (readonly [string, string])[];
  } = {},
): Uint8Array<ArrayBuffer> {
  const { type = "text/plain; charset=utf-8", isHead = false, fields = [] } = options;
  const content = utf8.encode(body);
  const head = httpResponseHead(status, [
    ["content-type", type],
    ["content-length", content.length],
    ["x-content-type-options", "nosniff"],
    ["connection", "close"],
    ...fields,
  ]);
  if (isHead) return head;
  const whole = new Uint8Array(head.length + content.length);
  whole.set(head);
  whole.set(content, head.length);
  return whole;
}
