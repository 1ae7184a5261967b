/** `@std/path/join`, without what it loads to know the platform. */
import { join as posix } from "@std/path/posix/join.js";
import { join as windows } from "@std/path/windows/join.js";
import { isWindows } from "./is_windows.ts";

export const join = isWindows ? windows : posix;
