/** `@std/path/basename`, without what it loads to know the platform. */
import { basename as posix } from "@std/path/posix/basename.js";
import { basename as windows } from "@std/path/windows/basename.js";
import { isWindows } from "./is_windows.ts";

export const basename = isWindows ? windows : posix;
