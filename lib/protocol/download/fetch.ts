/** What a source fetches: leased chunks, and packs that have several of them. */
import { type Bytes, type Content, fromHex, toHex, type TransferId } from "../../ids.ts";
import { unpack } from "../base/zstd.ts";
import { chunkCountFor } from "../merkle/merkle.ts";
import { leasedHashOfBytes } from "../merkle/unit_root.ts";
import { ChunkBuffer } from "./chunk_buffer.ts";

/** One leased chunk, before and while it is fetched. */
export interface Fetch {
  readonly transfer: TransferId;
  /** What it is asked for by: the file that it is a part of, or the unit that it is. */
  readonly content: Content;
  readonly chunk: number;
  readonly hash: Bytes;
  /** Where it starts in that content. */
  readonly offset: number;
  readonly lengthBytes: number;
  readonly parts: readonly number[] | undefined;
  /** Set once it is begun; not of what comes in a pack. */
  buffer?: ChunkBuffer;
  /** What a pack of it is asked for with. */
  span?: Span;
  /** Whether it is fetched as it is, whatever is packed. */
  goesPlain?: true;
}

/** A pack as its server has named it. */
export type PackRef = Pick<Content, "root" | "sizeBytes">;

/** Neighbouring chunks of one content, or a unit, that are asked for as one pack. */
export interface Span {
  readonly transfer: TransferId;
  readonly content: Content;
  readonly offset: number;
  /** Plain. */
  readonly lengthBytes: number;
  readonly fetches: readonly Fetch[];
  /** Once it is known. */
  pack?: PackRef;
}

/** A span on its way: its pack is fetched like a chunk, and holds no lease. */
export interface PackFetch extends Fetch {
  readonly span: Span;
  /** For the plain bytes of those of its chunks that are still wanted. */
  readonly buffers: Map<Fetch, Bytes>;
}

/** A chunk that has come and is what it should be. Its buffer changes hands. */
export interface Proved {
  readonly fetch: Fetch;
  readonly buffer: Bytes;
}

/** The index of no chunk. */
const PACK_CHUNK = -1;

/**
 * The fetch of a span's pack. As a unit of a folder is, it is fetched from its beginning and proved whole.
 *
 * @param buffers for the chunks that are to come in it
 */
export function packFetch(
  span: Span,
  { root, sizeBytes }: PackRef,
  buffers: Map<Fetch, Bytes>,
): PackFetch & { readonly buffer: ChunkBuffer } {
  const { transfer } = span;
  const parts = [sizeBytes];
  return {
    ...{ transfer, chunk: PACK_CHUNK, span, buffers, parts, offset: 0, lengthBytes: sizeBytes },
    content: { root, sizeBytes, sha256: root },
    hash: fromHex(root)!,
    buffer: new ChunkBuffer(transfer, PACK_CHUNK, 0, sizeBytes, new Uint8Array(sizeBytes), parts),
  };
}

export function isPack(fetch: object): fetch is PackFetch {
  return "buffers" in fetch;
}

/** The chunks in a pack that has come whole, each proved over its plain bytes. */
export function unpacked({ span, buffers, buffer }: PackFetch): {
  readonly proved: readonly Proved[];
  readonly bad: readonly Fetch[];
} {
  const packed = buffer!.buffer.subarray(0, buffer!.lengthBytes);
  const plain = unpack(packed, span.lengthBytes);
  const proved: Proved[] = [];
  const bad: Fetch[] = [];
  for (const [fetch, target] of buffers) {
    const at = fetch.offset - span.offset;
    const bytes = plain?.subarray(at, at + fetch.lengthBytes);
    if (bytes === undefined || !isWhatItShouldBe(fetch, bytes)) bad.push(fetch);
    else {
      target.set(bytes);
      proved.push({ fetch, buffer: target });
    }
  }
  return { proved, bad };
}

/** The chunks of its content that a fetch may have found wrong: which of a unit's it was cannot be seen. */
export function suspectedChunks(
  { content, chunk, parts }: Pick<Fetch, "content" | "chunk" | "parts">,
): readonly number[] {
  if (parts === undefined) return [chunk];
  // A server looks at all files of a bundle.
  if (parts.length > 1) return [0];
  return Array.from({ length: chunkCountFor(content.sizeBytes) }, (_, i) => i);
}

function isWhatItShouldBe({ content, parts, hash }: Fetch, bytes: Bytes): boolean {
  return toHex(leasedHashOfBytes(bytes, content.sizeBytes, parts)) === toHex(hash);
}
