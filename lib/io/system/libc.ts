/** The C library, by FFI: for what Deno's own API does not do, and always beside a way that does without. */
import { isGrantedWhole } from "./permissions.ts";
import { isTuningOff } from "./tuning.ts";

/** `undefined` where it is not to be had: on other systems than Linux, without the permission, and where tuning is off. */
export function openLibc<const Symbols extends Deno.ForeignLibraryInterface>(
  symbols: Symbols,
): Deno.DynamicLibrary<Symbols>["symbols"] | undefined {
  if (Deno.build.os !== "linux" || isTuningOff()) return undefined;
  if (!isGrantedWhole({ name: "ffi" })) return undefined;
  try {
    return Deno.dlopen("libc.so.6", symbols).symbols;
  } catch {
    return undefined;
  }
}
