/** The page's script and style: kept compressed once somebody has taken them so, and sent again only where they differ. */
import type { Bytes } from "../ids.ts";
import type { HttpRequest, HttpResponse } from "../io/net/http_message.ts";
import { crc32 } from "../wire/crc32.ts";
import { ASSETS } from "./assets.ts";
import { acceptsGzip, emptyResponse, gzipped, HttpProblem, pageResponse } from "./responses.ts";

const utf8 = new TextEncoder();

export class AssetResponses {
  readonly #packed = new Map<string, Bytes>();

  async respond(request: HttpRequest, name: string): Promise<HttpResponse> {
    const asset = ASSETS.get(name);
    if (asset === undefined) throw new HttpProblem(404, "there is nothing of that name here");
    const bytes = utf8.encode(asset.text);
    const isPacked = acceptsGzip(request);
    // Of a page that another version has left in a browser, none is to be taken for ours.
    const etag = `"${crc32(bytes).toString(16)}-${bytes.length}${isPacked ? "-gz" : ""}"`;
    const fields = [["etag", etag], ["vary", "accept-encoding"]] as const;
    if (request.head.fields.get("if-none-match") === etag) return emptyResponse(304, fields);
    if (!isPacked) return pageResponse(asset.type, bytes, fields);
    const packed = this.#packed.get(name) ?? await gzipped(bytes);
    this.#packed.set(name, packed);
    return pageResponse(asset.type, packed, [...fields, ["content-encoding", "gzip"]]);
  }
}
