/** Whether this process was started without standard output, as by `>&-` in a shell. */

const READ_AND_WRITE = 2;

/** Not looked at yet. */
let isClosed: boolean | undefined;

/**
 * The runtime has put `/dev/null` in its place then, where everything would be lost in silence. It is open for reading as
 * well, as no shell opens it for output. `false` where the system does not tell.
 */
export function wasStartedWithoutOutput(): boolean {
  return isClosed ??= looksClosed();
}

function looksClosed(): boolean {
  if (Deno.build.os !== "linux") return false;
  const [file, info] = ["/proc/self/fd/1", "/proc/self/fdinfo/1"];
  for (const path of [file, info]) {
    if (Deno.permissions.querySync({ name: "read", path }).state !== "granted") return false;
  }
  try {
    const flags = /^flags:\s*([0-7]+)$/m.exec(Deno.readTextFileSync(info))?.[1] ?? "0";
    return Deno.readLinkSync(file) === "/dev/null" && (parseInt(flags, 8) & 3) === READ_AND_WRITE;
  } catch {
    return false;
  }
}
