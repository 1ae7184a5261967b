/** The file in which a user keeps a secret: where it lies, and that nobody else can read it. */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import { ShoalError } from "../../errors.ts";
import { environment, shellWord } from "../system/invocation.ts";
import { absoluteVariable } from "./cache_folder.ts";
import { SECRET_FILE_BYTES_MAX } from "./limits.ts";
import { systemErrorText } from "../../system_error.ts";

/** Any permission of the group and of everybody. */
const OTHERS_MAY = 0o077;

/** What takes part in where it is: its own variable, and those of the folder that settings are in. */
const PLACE_VARIABLES = Deno.build.os === "windows"
  ? ["APPDATA", "SHOAL_SECRET_FILE"]
  : ["HOME", "XDG_CONFIG_HOME", "SHOAL_SECRET_FILE"];

/**
 * Where it is unless somebody says otherwise; `undefined` where the environment names no folder for it.
 *
 * @throws ShoalError `permission` where the environment may not be read
 */
export function usualSecretPath(): string | undefined {
  const hidden = PLACE_VARIABLES.filter((variable) =>
    Deno.permissions.querySync({ name: "env", variable }).state !== "granted"
  );
  if (hidden.length > 0) {
    throw unseen(`env access to "${hidden[0]}"`, `--allow-env=${hidden.join(",")}`);
  }
  if (Deno.build.os === "windows") return below(absoluteVariable("APPDATA"));
  const home = absoluteVariable("HOME");
  return below(
    absoluteVariable("XDG_CONFIG_HOME") ?? (home === undefined ? undefined : join(home, ".config")),
  );
}

/**
 * Where the usual one is; `undefined` only where it is seen that there is none.
 *
 * @throws ShoalError `permission` where that may not be looked at: who has a secret is not to speak in clear for want of a flag
 */
export function findUsualSecret(): string | undefined {
  const path = usualSecretPath();
  if (path === undefined) return undefined;
  if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") {
    throw unseen(`read access to "${path}"`, shellWord(`--allow-read=${path}`));
  }
  return isThere(path) ? path : undefined;
}

function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    // What else is in the way is to be told, not to be taken for nothing.
    return !(error instanceof Deno.errors.NotFound);
  }
}

function unseen(what: string, flag: string): ShoalError {
  const message = `it cannot be seen whether there is a secret: Deno does not allow ${what}`;
  return new ShoalError("permission", message, {
    hint: `Add ${flag} to the flags of \`deno run\`, or -A, which allows all that Shoal needs. ` +
      "Or name the file with --secret-file, or speak in clear with --no-secret.",
  });
}

/**
 * What is in the file.
 *
 * @throws ShoalError `usage` for what cannot be read, others can read, or is no file of a secret's length, `permission` for
 * what Deno does not allow to be read
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
    if (cause instanceof Deno.errors.NotFound) throw missing();
    const error = ShoalError.from(cause);
    if (error.code === "permission") throw error;
    throw useless(path, `cannot be read: ${systemErrorText(cause)}`, "Check who may read it.");
  }
}

function requireFile(path: string, { isFile, isDirectory, mode, uid }: Deno.FileInfo): void {
  if (isDirectory) throw useless(path, "is a folder");
  if (!isFile) {
    throw useless(path, "is no regular file", "A secret from another program: --secret -");
  }
  if (Deno.build.os === "windows" || mode === null) return;
  if ((mode & OTHERS_MAY) !== 0) {
    throw useless(path, "can be read by others", `Run: chmod 600 ${shellWord(path)}`);
  }
  if (uid !== null && isAnotherUsers(uid)) {
    const hint = "Who owns it can change it: copy it to a file of your own.";
    throw useless(path, "belongs to another user", hint);
  }
}

/** Root may read everybody's, but is to go by what somebody else can change only if that is who called it. */
function isAnotherUsers(uid: number): boolean {
  // Nobody else can open what its owner alone may read.
  if (Deno.permissions.querySync({ name: "sys", kind: "uid" }).state !== "granted") return false;
  const own = Deno.uid();
  if (own === null || own === uid) return false;
  return !(own === 0 && environment("SUDO_UID") === String(uid));
}

/**
 * @throws ShoalError `usage` where there is something already: it is not replaced
 */
export function requireNoSecretFile(path: string): void {
  if (isThere(path)) throw taken(path);
}

function taken(path: string): ShoalError {
  return useless(path, "is there already, and is not replaced", "Move it away first.");
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
    if (cause instanceof Deno.errors.AlreadyExists) throw taken(path);
    throw new ShoalError(
      "not_writable",
      `the secret cannot be written to ${path}: ${ShoalError.from(cause).message}`,
      { cause, hint: "Choose another place with --secret-file." },
    );
  }
}

/** What is no path may be the secret itself, typed in its place. */
function missing(): ShoalError {
  const message = "the secret file that was named is not there";
  return new ShoalError("usage", message, {
    hint:
      "--secret-file and SHOAL_SECRET_FILE take the path of a file. The words themselves: --secret -",
  });
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
