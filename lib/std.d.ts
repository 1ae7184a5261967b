/** Types of the @std functions in use: the npm mirror that the import map names carries none. */

declare module "@std/assert" {
  export function assert(expression: unknown, message?: string): asserts expression;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStrictEquals<T>(actual: unknown, expected: T, message?: string): void;
  export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertThrows(
    fn: () => unknown,
    errorClass?: abstract new (...args: never[]) => Error,
    messageIncludes?: string,
  ): unknown;
  export function assertRejects(
    fn: () => PromiseLike<unknown>,
    errorClass?: abstract new (...args: never[]) => Error,
    messageIncludes?: string,
  ): Promise<unknown>;
  export function fail(message?: string): never;
}

declare module "@std/cli/parse-args" {
  export interface ParseArgsOptions {
    readonly boolean?: readonly string[];
    readonly string?: readonly string[];
    readonly collect?: readonly string[];
    readonly negatable?: readonly string[];
    readonly alias?: Readonly<Record<string, string | readonly string[]>>;
    readonly default?: Readonly<Record<string, unknown>>;
    readonly stopEarly?: boolean;
    readonly "--"?: boolean;
    /** Called for each argument that no option declares; `false` leaves it out of the result. */
    readonly unknown?: (arg: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseArgsOptions,
  ): { readonly _: readonly (string | number)[] } & Readonly<Record<string, unknown>>;
}

declare module "@std/crypto/timing-safe-equal" {
  export function timingSafeEqual(
    a: ArrayBufferView | ArrayBuffer,
    b: ArrayBufferView | ArrayBuffer,
  ): boolean;
}

declare module "@std/path/basename" {
  export function basename(path: string, suffix?: string): string;
}

declare module "@std/path/constants" {
  export const SEPARATOR: string;
}

declare module "@std/path/dirname" {
  export function dirname(path: string): string;
}

declare module "@std/path/extname" {
  export function extname(path: string): string;
}

declare module "@std/path/is-absolute" {
  export function isAbsolute(path: string): boolean;
}

declare module "@std/path/join" {
  export function join(...paths: string[]): string;
}

declare module "@std/path/relative" {
  export function relative(from: string, to: string): string;
}

declare module "@std/path/resolve" {
  export function resolve(...paths: string[]): string;
}

declare module "@std/path/from-file-url" {
  export function fromFileUrl(url: URL | string): string;
}

declare module "@std/path/posix/basename.js" {
  export { basename } from "@std/path/basename";
}

declare module "@std/path/posix/dirname.js" {
  export { dirname } from "@std/path/dirname";
}

declare module "@std/path/posix/extname.js" {
  export { extname } from "@std/path/extname";
}

declare module "@std/path/posix/is_absolute.js" {
  export { isAbsolute } from "@std/path/is-absolute";
}

declare module "@std/path/posix/join.js" {
  export { join } from "@std/path/join";
}

declare module "@std/path/posix/relative.js" {
  export { relative } from "@std/path/relative";
}

declare module "@std/path/posix/resolve.js" {
  export { resolve } from "@std/path/resolve";
}

declare module "@std/path/posix/from_file_url.js" {
  export { fromFileUrl } from "@std/path/from-file-url";
}

declare module "@std/path/windows/basename.js" {
  export { basename } from "@std/path/basename";
}

declare module "@std/path/windows/dirname.js" {
  export { dirname } from "@std/path/dirname";
}

declare module "@std/path/windows/extname.js" {
  export { extname } from "@std/path/extname";
}

declare module "@std/path/windows/is_absolute.js" {
  export { isAbsolute } from "@std/path/is-absolute";
}

declare module "@std/path/windows/join.js" {
  export { join } from "@std/path/join";
}

declare module "@std/path/windows/relative.js" {
  export { relative } from "@std/path/relative";
}

declare module "@std/path/windows/resolve.js" {
  export { resolve } from "@std/path/resolve";
}

declare module "@std/path/windows/from_file_url.js" {
  export { fromFileUrl } from "@std/path/from-file-url";
}
