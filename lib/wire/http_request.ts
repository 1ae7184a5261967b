/**
 * The head of an HTTP/1 request, as far as the metrics port needs it (RFC 9112): method, path and host. Whatever else a
 * request has is passed over; a body is never read.
 */
import { isIpv4, isIpv6, isLoopback } from "../address.ts";
import { HTTP_HEAD_BYTES_MAX } from "./limits.ts";

interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** The `Host` field without its port, in lower case. */
  readonly host: string;
}

export type HttpHead = HttpRequest | "malformed" | "tooLong";

const latin1 = new TextDecoder("latin1");
const REQUEST_LINE = /^([A-Z]+) (\/\S*) HTTP\/1\.[01]$/;
/** Of a request line, however little of it. */
const BEGINNING = /^[A-Z]*$|^[A-Z]+ $|^[A-Z]+ \/\P{Cc}*$/u;
const HOST_FIELD = /^host:[ \t]*(\[[0-9a-f:.]+\]|[^\s:\[\]]+)(?::\d{1,5})?[ \t]*$/;

/** The request that begins with these bytes; `undefined` while its head is incomplete, and may still become one. */
export function parseHttpHead(bytes: Uint8Array): HttpHead | undefined {
  const text = latin1.decode(bytes.subarray(0, HTTP_HEAD_BYTES_MAX));
  const end = /\r?\n\r?\n/.exec(text);
  if (end === null) {
    if (!mayBecomeRequest(text)) return "malformed";
    return bytes.length > HTTP_HEAD_BYTES_MAX ? "tooLong" : undefined;
  }
  const [first = "", ...fields] = text.slice(0, end.index).split(/\r?\n/);
  const request = REQUEST_LINE.exec(first);
  const hosts = fields.map((field) => field.toLowerCase()).filter((field) =>
    /^host\s*:/.test(field)
  );
  const host = hosts.length === 1 ? HOST_FIELD.exec(hosts[0]!)?.[1] : undefined;
  if (request === null || host === undefined) return "malformed";
  const [path = ""] = request[2]!.split("?");
  return { method: request[1]!, path, host: host.replace(/^\[|\]$/g, "") };
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

/** A whole response, after which the connection ends. */
export function httpResponse(
  status: string,
  body: string,
  options: {
    readonly type?: string;
    readonly isHead?: boolean;
    readonly fields?: readonly string[];
  } = {},
): Uint8Array<ArrayBuffer> {
  const { type = "text/plain; charset=utf-8", isHead = false, fields = [] } = options;
  const utf8 = new TextEncoder();
  const head = [
    `HTTP/1.1 ${status}`,
    `content-type: ${type}`,
    `content-length: ${utf8.encode(body).length}`,
    "x-content-type-options: nosniff",
    "connection: close",
    ...fields,
  ];
  return utf8.encode(`${head.join("\r\n")}\r\n\r\n${isHead ? "" : body}`);
}
