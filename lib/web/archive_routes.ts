/** What is answered to who wants several files as one archive. */
import type { Offering } from "../app/offering.ts";
import type { HttpRequest, HttpResponse } from "../io/net/http_message.ts";
import type { Clock } from "../io/system/clock.ts";
import { baseName, parseFileName } from "../names.ts";
import { type Archive, archiveStream, plannedArchive } from "./archive.ts";
import type { BodyReader } from "./body_reader.ts";
import { dispositionOf } from "./file_response.ts";
import { ARCHIVES_AT_ONCE_MAX, FORM_BYTES_MAX, SELECTED_NAMES_MAX } from "./limits.ts";
import { nothingOffered, requireTarget } from "./named_things.ts";
import { encodedName } from "./request_target.ts";
import { emptyResponse, HttpProblem, streamResponse } from "./responses.ts";
import { requireSameOrigin } from "./same_origin.ts";

interface ArchiveRoutesOptions {
  readonly offering: Offering;
  readonly clock: Pick<Clock, "yieldToEvents">;
  readonly bodies: BodyReader;
}

/** What is said of an archive. */
interface ArchiveKind {
  /** What is cut off the front of its names. */
  readonly prefixLength: number;
  /** What it is called, without its extension. */
  readonly title: string;
  /** The folder that is told to be sent, if it is one. */
  readonly told: { readonly folder?: string };
}

/** What a transfer of everything is called. */
const EVERYTHING = ".";

export class ArchiveRoutes {
  readonly #options: ArchiveRoutesOptions;
  /** Those that are being sent, or listed. */
  #count = 0;

  constructor(options: ArchiveRoutesOptions) {
    this.#options = options;
  }

  /** Of a folder, or of everything. */
  async folder(request: HttpRequest, rest: string): Promise<HttpResponse> {
    const { kind, name } = requireTarget(rest);
    if (kind !== "folder") {
      if (this.#options.offering.fileCount(name) === 0) throw nothingOffered();
      return emptyResponse(308, [["location", `/zip/${encodedName(name)}/`]]);
    }
    // What is unpacked is one folder, whatever that lies in.
    const above = name === undefined ? 0 : name.lastIndexOf("/") + 1;
    const title = name === undefined ? "shoal" : baseName(name);
    const told = { folder: name ?? EVERYTHING };
    const names = [name === undefined ? "" : `${name}/`];
    return await this.#archive(request, names, { prefixLength: above, title, told });
  }

  /** Of what a form names. */
  async selection(request: HttpRequest): Promise<HttpResponse> {
    requireSameOrigin(request);
    const type = request.head.fields.get("content-type") ?? "";
    if (!/^application\/x-www-form-urlencoded\b/i.test(type)) {
      throw new HttpProblem(415, "send it as a form");
    }
    const form = new URLSearchParams(await this.#options.bodies.text(request, FORM_BYTES_MAX));
    const names = form.getAll("name");
    if (names.length === 0) throw new HttpProblem(400, "name what is to be in it");
    if (names.length > SELECTED_NAMES_MAX) {
      throw new HttpProblem(413, `name at most ${SELECTED_NAMES_MAX} files and folders`);
    }
    for (const name of names) {
      const { ok } = parseFileName(name.replace(/\/$/, ""));
      if (!ok) throw new HttpProblem(400, "that is no name of a file or a folder");
    }
    return await this.#archive(request, names, { prefixLength: 0, title: "shoal", told: {} });
  }

  async #archive(
    request: HttpRequest,
    names: readonly string[],
    { prefixLength, title, told }: ArchiveKind,
  ): Promise<HttpResponse> {
    if (this.#count >= ARCHIVES_AT_ONCE_MAX) {
      throw new HttpProblem(503, "too many archives at once: try again", [["retry-after", "5"]]);
    }
    const { offering, clock } = this.#options;
    this.#count += 1;
    let archive: Archive;
    try {
      archive = await plannedArchive(offering, names, prefixLength, async (files) => {
        await clock.yieldToEvents();
        await request.work(files);
      });
    } catch (error) {
      this.#count -= 1;
      throw error;
    }
    if (request.head.method === "HEAD") this.#count -= 1;
    return streamResponse(200, [
      ["content-type", "application/zip"],
      ["content-disposition", dispositionOf("attachment", `${title}.zip`)],
      ["x-shoal-left-out", archive.leftOutCount],
    ], {
      lengthBytes: archive.lengthBytes,
      open: () => archiveStream(offering, archive, { ...request.peer, ...told }, clock),
      onEnd: () => void (this.#count -= 1),
    });
  }
}
