/** `@std/path/relative`, without what it loads to know the platform. */
import { relative as posix } from "@std/path/posix/relative.js";
import { relative as windows } from "@std/path/windows/relative.js";
import { isWindows } from "./is_windows.ts";

export const relative = isWindows ? windows : posix;
