/** Paths below an open folder, as the C library takes them. */
import { assertEquals } from "@std/assert";
import { anchor, AT_FDCWD, relativePath } from "../../../lib/io/files/anchored_path.ts";

for (
  const [path, from, rest] of [
    ["/proc/self/fd/7/name", 7, "name"],
    ["/proc/self/fd/123/a/b", 123, "a/b"],
    ["/proc/self/fd/7/..", 7, ".."],
    ["/proc/self/fd/7/ü", 7, "ü"],
    ["/proc/self/fd/7", AT_FDCWD, undefined],
    ["/proc/self/fd/7/", AT_FDCWD, undefined],
    ["/proc/self/fd/7//etc", AT_FDCWD, undefined],
    ["/proc/self/fd/7a/name", AT_FDCWD, undefined],
    ["/proc/self/fd//name", AT_FDCWD, undefined],
    ["/proc/self/fdinfo/7/name", AT_FDCWD, undefined],
    ["/home/x", AT_FDCWD, undefined],
    ["proc/self/fd/7/name", AT_FDCWD, undefined],
    ["", AT_FDCWD, undefined],
  ] as const
) {
  Deno.test(`'${path}' is ${rest ?? "itself"}, from ${from}`, () => {
    relativePath("/proc/self/fd/99/x");
    assertEquals([relativePath(path), anchor], [rest ?? path, from]);
  });
}
