/** `@std/path/resolve`, without what it loads to know the platform. */
import { resolve as posix } from "@std/path/posix/resolve.js";
import { resolve as windows } from "@std/path/windows/resolve.js";
import { isWindows } from "./is_windows.ts";

export const resolve = isWindows ? windows : posix;
