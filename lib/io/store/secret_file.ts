/** The file in which a user keeps a secret: where it lies, and that nobody else can read it. */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import { shellWord } from "../system/invocation.ts";
import { absoluteVariable } from "./cache_folder.ts";
import { SECRET_FILE_BYTES_MAX } from "./limits.ts";

/** Any permission of the group and of everybody. */
const OTHERS_MAY = 0o077;

/** Where it is unless somebody says otherwise; `undefined` where that cannot be known without a prompt. */
export function usualSecretPath(): string | undefined {
  if (Deno.build.os === "windows") return below(absoluteVariable("APPDATA"));
  const home = absoluteVariable("HOME");
  return below(
    absoluteVariable("XDG_CONFIG_HOME") ?? (home === undefined ? undefined : join(home, ".config")),
  );
}

/** Whether there is something there, as far as may be looked. */
export function isThere(path: string): boolean {
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    // What is in the way is to be told, not to be taken for nothing.
    return true;
  }
}

/**
 * What is in the file.
 *
 * @throws ShoalError `usage` for what cannot be read, others can read, or is no file of a secret's length
 */
export async function readSecretFile(path: string): Promise<Uint8Array> {
  try {
    // Opening a pipe waits for whoever writes to it.
    requireFile(path, await Deno.stat(path));
    using file = await Deno.open(path, { read: true });
    requireFile(path, await file.stat());
    const bytes = new Uint8Array(SECRET_FILE_BYTES_MAX + 1);
    let length = 0;
    for (let count: number | null = 1; count && length < bytes.length;) {
      count = await file.read(bytes.subarray(length));
      length += count ?? 0;
    }
    if (length === bytes.length) throw useless(path, "is too long to be a secret");
    return bytes.subarray(0, length);
  } catch (cause) {
    if (cause instanceof ShoalError) throw cause;
    const why = cause instanceof Deno.errors.NotFound
      ? "is not there"
      : `cannot be read: ${ShoalError.from(cause).message}`;
    throw useless(path, why);
  }
}

function requireFile(path: string, { isFile, isDirectory, mode }: Deno.FileInfo): void {
  if (isDirectory) throw useless(path, "is a folder");
  if (!isFile) {
    throw useless(path, "is no regular file", "A secret from another program: --secret -");
  }
  if (Deno.build.os === "windows" || mode === null || (mode & OTHERS_MAY) === 0) return;
  throw useless(path, "can be read by others", `Run: chmod 600 ${shellWord(path)}`);
}

/**
 * Makes the file, for its owner alone, with the folders above it. It replaces nothing.
 *
 * @throws ShoalError `usage` where there is something already, `not_writable` where it cannot be made
 */
export async function makeSecretFile(path: string, text: string): Promise<void> {
  try {
    await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await Deno.writeTextFile(path, text, { createNew: true, mode: 0o600 });
  } catch (cause) {
    if (cause instanceof Deno.errors.AlreadyExists) {
      throw useless(path, "is there already, and is not replaced", "Move it away first.");
    }
    throw new ShoalError(
      "not_writable",
      `the secret cannot be written to ${path}: ${ShoalError.from(cause).message}`,
      { cause, hint: "Choose another place with --secret-file." },
    );
  }
}

function useless(path: string, why: string, hint?: string): ShoalError {
  return new ShoalError("usage", `the secret file ${path} ${why}`, {
    hint: hint ??
      "Make one with `secret new`, name another with --secret-file, or add --no-secret.",
  });
}

function below(base: string | undefined): string | undefined {
  return base === undefined ? undefined : join(base, "shoal", "secret");
}
