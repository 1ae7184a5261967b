/**
 * Which of the two kinds of paths this platform has. The functions of @std/path that tell it themselves look at Node's `process` for that,
 * which takes a thread that does without longer to load than all of our own modules: `deno.json` maps their names to the
 * files beside this one, which choose the same functions.
 */
export const isWindows = Deno.build.os === "windows";
