/** `@std/path/constants`, as far as it is used, without what it loads to know the platform. */
import { isWindows } from "./is_windows.ts";

export const SEPARATOR = isWindows ? "\\" : "/";
