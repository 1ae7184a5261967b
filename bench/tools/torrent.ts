/** A version 1 torrent of one file: SHA-1 of each piece, as aria2 wants it. */
import { createHash } from "node:crypto";
import { join } from "@std/path/join";

/** About a thousand pieces a GiB, which is what makers of torrents choose. */
const PIECE_BYTES = 1024 * 1024;

type Bencoded = number | string | Uint8Array | { readonly [key: string]: Bencoded };

export async function torrentOf(dir: string, name: string, tracker: string): Promise<Uint8Array> {
  const hashes: Uint8Array[] = [];
  using file = await Deno.open(join(dir, name));
  const piece = new Uint8Array(PIECE_BYTES);
  let sizeBytes = 0;
  for (;;) {
    const length = await fill(file, piece);
    if (length === 0) break;
    sizeBytes += length;
    hashes.push(createHash("sha1").update(piece.subarray(0, length)).digest());
  }
  const pieces = concat(hashes);
  const info = { length: sizeBytes, name, "piece length": PIECE_BYTES, pieces };
  return bencode({ announce: tracker, info });
}

/** What a tracker answers: who has the file. */
export function trackerAnswer(peers: readonly string[]): Uint8Array {
  const compact = peers.flatMap((peer) => {
    const [address, port] = peer.split(":");
    return [...address!.split(".").map(Number), Number(port) >> 8, Number(port) & 255];
  });
  return bencode({ interval: 1800, peers: new Uint8Array(compact) });
}

function bencode(value: Bencoded): Uint8Array {
  const text = new TextEncoder();
  if (typeof value === "number") return text.encode(`i${value}e`);
  const bytes = typeof value === "string" ? text.encode(value) : value;
  if (bytes instanceof Uint8Array) return concat([text.encode(`${bytes.length}:`), bytes]);
  const entries = Object.keys(bytes).toSorted().flatMap((key) => [
    bencode(key),
    bencode(bytes[key]!),
  ]);
  return concat([text.encode("d"), ...entries, text.encode("e")]);
}

async function fill(file: Deno.FsFile, into: Uint8Array): Promise<number> {
  let length = 0;
  while (length < into.length) {
    const read = await file.read(into.subarray(length));
    if (read === null) break;
    length += read;
  }
  return length;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}
