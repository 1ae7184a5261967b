/** One file over HTTP: conditions, ranges, digests, and the name under which it is saved. */
import type { OfferedFile, Offering } from "../app/offering.ts";
import { fromHex, type SafeFileName } from "../ids.ts";
import type { HttpRequest, HttpResponse } from "../io/net/http_message.ts";
import { baseName } from "../names.ts";
import { contentTypeOf, previewPolicyOf, viewOf } from "./content_types.ts";
import { selected, validatorsOf } from "./http_conditions.ts";
import { percentEncoded } from "./request_target.ts";
import { emptyResponse, streamResponse } from "./responses.ts";

/**
 * Throws ShoalError where the file cannot be opened, as {@linkcode Offering.open} does.
 *
 * @param wantsView whether it is to be shown in place, if that is safe
 */
export function fileResponse(
  offering: Offering,
  file: OfferedFile,
  request: HttpRequest,
  wantsView: boolean,
): HttpResponse {
  const { head } = request;
  const { sizeBytes, name } = file;
  const validators = validatorsOf(file);
  const part = selected(head.fields, sizeBytes, validators);
  const isViewed = wantsView && viewOf(name) !== undefined;
  const fields: [string, string][] = [
    ...(validators.etag === undefined ? [] : [["etag", validators.etag] as [string, string]]),
    ["last-modified", validators.lastModified],
    ["accept-ranges", "bytes"],
  ];
  if (part.status === 304) return emptyResponse(304, fields);
  fields.push(["content-security-policy", previewPolicyOf(isViewed ? name : "")]);
  if (part.status === 416) {
    return emptyResponse(416, [...fields, ["content-range", `bytes */${sizeBytes}`]]);
  }
  const { offset, lengthBytes } = part.range;
  const saved = dispositionOf(isViewed ? "inline" : "attachment", baseName(name as SafeFileName));
  fields.push(["content-type", contentTypeOf(name, isViewed)], ["content-disposition", saved]);
  if (file.sha256 !== undefined) {
    fields.push(["repr-digest", `sha-256=:${fromHex(file.sha256)!.toBase64()}:`]);
  }
  if (part.status === 206) {
    const end = offset + lengthBytes - 1;
    fields.push(["content-range", `bytes ${offset}-${end}/${sizeBytes}`]);
  }
  if (head.method === "HEAD") {
    const open = () => offering.open(name, part.range).stream;
    return streamResponse(part.status, fields, { lengthBytes, open });
  }
  const { stream } = offering.open(name, part.range, request.peer);
  return streamResponse(part.status, fields, { lengthBytes, open: () => stream });
}

/** RFC 6266: the name in ASCII for who knows no better, and as it is (RFC 8187). */
export function dispositionOf(kind: "inline" | "attachment", name: string): string {
  const ascii = name.replace(/[^\x20-\x7e]/gu, "_").replace(/["\\%]/g, "_");
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${percentEncoded(name)}`;
}
