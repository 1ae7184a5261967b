/** `@std/path/is-absolute`, without what it loads to know the platform. */
import { isAbsolute as posix } from "@std/path/posix/is_absolute.js";
import { isAbsolute as windows } from "@std/path/windows/is_absolute.js";
import { isWindows } from "./is_windows.ts";

export const isAbsolute = isWindows ? windows : posix;
