/** `@std/path/from-file-url`, without what it loads to know the platform. */
import { fromFileUrl as posix } from "@std/path/posix/from_file_url.js";
import { fromFileUrl as windows } from "@std/path/windows/from_file_url.js";
import { isWindows } from "./is_windows.ts";

export const fromFileUrl = isWindows ? windows : posix;
