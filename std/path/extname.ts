/** `@std/path/extname`, without what it loads to know the platform. */
import { extname as posix } from "@std/path/posix/extname.js";
import { extname as windows } from "@std/path/windows/extname.js";
import { isWindows } from "./is_windows.ts";

export const extname = isWindows ? windows : posix;
