/** What a client asks of a server's offers: a description, a piece layer, a listing. */
import {
  type Bytes,
  type Content,
  type ModificationTime,
  type SafeFileName,
  type ServerId,
  serverId,
  timeOf,
} from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { CATALOGUE_ENTRIES_MAX, HASH_BYTES } from "../../limits.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import { chunkCountFor, layerOfRoot, rootOfLayer } from "../merkle/merkle.ts";
import type { HashingClaim } from "../base/hashing_claim.ts";
import { type ClientDialogue, perform } from "./client_dialogue.ts";
import { describedFile } from "./described_file.ts";
import { type JsonSession, ServerRefusal } from "./json_session.ts";
import { LISTED_FILES_PER_STEP } from "./limits.ts";

/** What a server has under a name or a digest. */
export type Description =
  | ModificationTime & {
    readonly kind: "file";
    /** Absent from servers of earlier versions. */
    readonly server: ServerId | undefined;
    readonly content: Content;
    readonly name: SafeFileName;
    readonly isGrowing?: true;
  }
  /** It has it, and is still hashing it. */
  | { readonly kind: "pending"; readonly claim: HashingClaim };

/**
 * What the server has by `query`: `{name}`, `{tree}`, `{sha256}` or `{md5}`.
 *
 * @throws ShoalError `not_found`, `refused`, `stalled`, `network`
 */
export function* describe(session: JsonSession, query: JsonObject): ClientDialogue<Description> {
  try {
    const reply = yield* session.ask({ command: "fetch", ...query, length: 0 });
    yield* session.body(0, () => {});
    const file = describedFile(reply);
    if (file?.sha256 === undefined || file.root === undefined) throw session.nonsense();
    const { sizeBytes, sha256, root, name, isGrowing } = file;
    const content = { sizeBytes, sha256, root };
    return {
      kind: "file",
      server: serverIn(reply),
      content,
      ...timeOf(file),
      name,
      ...(isGrowing && { isGrowing }),
    };
  } catch (error) {
    if (error instanceof ServerRefusal && error.wireCode === "pending") {
      return { kind: "pending", claim: claimIn(error.reply) };
    }
    throw error;
  }
}

/**
 * Whether the server has a content: a file, a manifest or a bundle.
 *
 * @throws ShoalError `not_found`, `refused`, `stalled`, `network`
 */
export function* holds(
  session: JsonSession,
  { root, sizeBytes: size, sha256 }: Content,
): ClientDialogue<boolean> {
  try {
    // Servers that find nothing by its root go by the SHA-256.
    const reply = yield* session.ask({ command: "fetch", root, size, sha256, length: 0 });
    yield* session.body(0, () => {});
    return reply["root"] === root;
  } catch (error) {
    if (error instanceof ServerRefusal && error.wireCode === "pending") return false;
    throw error;
  }
}

/**
 * The piece layer of a content, proved.
 *
 * @throws ShoalError `unverified` for hashes that do not prove it, and as {@linkcode describe}
 */
export function* fetchLayer(
  session: JsonSession,
  { root, sizeBytes }: Content,
): ClientDialogue<Bytes> {
  const chunkCount = chunkCountFor(sizeBytes);
  if (chunkCount === 0) return new Uint8Array(0);
  if (chunkCount === 1) return layerOfRoot(root);
  const reply = yield* session.ask({ command: "layer", root, size: sizeBytes });
  if (reply["status"] !== "layer") throw session.nonsense();
  const layer: Bytes = new Uint8Array(chunkCount * HASH_BYTES);
  let at = 0;
  yield* session.body(layer.length, (bytes) => {
    layer.set(bytes, at);
    at += bytes.length;
  });
  if (at === layer.length && rootOfLayer(layer, sizeBytes) === root) return layer;
  throw new ShoalError("unverified", `${session.peer} sent hashes that do not prove the file`);
}

/** All that one server offers, page by page, over as many connections as it takes. */
export class ServerListing {
  #after: unknown;
  #fileCount = 0;

  /** @param after the name after which it begins */
  constructor(after?: SafeFileName) {
    this.#after = after;
  }

  /**
   * Reads what follows, and tells it.
   *
   * @throws ShoalError `refused`, `stalled`, `network`
   */
  *read(session: JsonSession): ClientDialogue {
    let isFull = true;
    while (this.#fileCount <= CATALOGUE_ENTRIES_MAX) {
      const after = this.#after;
      const request = { command: "list", ...(after !== undefined && { after }) };
      // One that tells little each time, and that more follows, could be asked for ever.
      const page: JsonObject = yield* isFull ? session.ask(request) : session.askOn(request);
      const { status, files: listed, next } = page;
      if (status !== "files" || !Array.isArray(listed)) throw session.nonsense();
      const files = listed.map(describedFile).filter((file) => file !== undefined);
      if (files.length < listed.length) throw session.nonsense();
      if (files.length > 0) yield* perform("tell", { news: { kind: "listed", files } });
      if (next === undefined) return;
      if (files.length === 0 || next === after) throw session.nonsense();
      this.#after = next;
      this.#fileCount += files.length;
      isFull = files.length >= LISTED_FILES_PER_STEP;
      if (isFull) yield* perform("advance", {});
    }
    throw session.nonsense();
  }
}

function serverIn({ server }: JsonObject): ServerId | undefined {
  const isId = typeof server === "string" && /^[0-9a-f]{32}$/.test(server);
  return isId ? serverId(server) : undefined;
}

/** How far a server says that it has got; what it does not say is 0. */
function claimIn({ size, hashed, rate }: JsonObject): HashingClaim {
  const amount = (value: unknown): number =>
    typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
  return { sizeBytes: amount(size), hashedBytes: amount(hashed), rateBytesPerS: amount(rate) };
}
