/** Files as a gzipped tar archive (POSIX ustar), the same bytes for the same files: no times, no owners. */
import { gzipSync } from "node:zlib";

export interface ArchivedFile {
  /** In the archive, with forward slashes; at most 100 bytes. */
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isExecutable: boolean;
}

const BLOCK_BYTES = 512;
/** Where in a header which field begins. */
const FIELD = {
  name: 0,
  mode: 100,
  owner: 108,
  group: 116,
  size: 124,
  time: 136,
  sum: 148,
} as const;
const KIND_AT = 156;
const MAGIC_AT = 257;
const NAME_BYTES_MAX = 100;

/** Throws RangeError for a path that is too long. */
export function tarball(files: readonly ArchivedFile[]): Uint8Array {
  const blocks = files.flatMap((file) => [header(file), file.bytes, padding(file.bytes.length)]);
  const end = new Uint8Array(2 * BLOCK_BYTES);
  return gzipSync(concatenated([...blocks, end]), { level: 9 });
}

function header({ path, bytes, isExecutable }: ArchivedFile): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  const name = new TextEncoder().encode(path);
  if (name.length > NAME_BYTES_MAX) throw new RangeError(`${path} is too long for an archive`);
  block.set(name, FIELD.name);
  put(FIELD.mode, octal(isExecutable ? 0o755 : 0o644, 7));
  put(FIELD.owner, octal(0, 7));
  put(FIELD.group, octal(0, 7));
  put(FIELD.size, octal(bytes.length, 11));
  put(FIELD.time, octal(0, 11));
  put(KIND_AT, "0");
  put(MAGIC_AT, "ustar\x0000");
  // The sum is over a header whose own sum is blank.
  put(FIELD.sum, " ".repeat(8));
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(FIELD.sum, `${octal(sum, 6)}\0 `);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function padding(bytes: number): Uint8Array {
  return new Uint8Array((BLOCK_BYTES - bytes % BLOCK_BYTES) % BLOCK_BYTES);
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
