/** `@std/path/dirname`, without what it loads to know the platform. */
import { dirname as posix } from "@std/path/posix/dirname.js";
import { dirname as windows } from "@std/path/windows/dirname.js";
import { isWindows } from "./is_windows.ts";

export const dirname = isWindows ? windows : posix;
