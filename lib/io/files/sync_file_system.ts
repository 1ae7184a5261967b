/** `syncfs(2)` through FFI: one call for all that was written, however many files that is. */
import { openLibc } from "../system/libc.ts";

const SYMBOLS = {
  syncfs: { parameters: ["i32"], result: "i32", nonblocking: true },
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Symbols = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** Not looked for yet, or not to be had. */
let symbols: Symbols | undefined | "unknown" = "unknown";
const encoder = new TextEncoder();

/** Whether everything on the file system of `folder` would survive a power cut. Never rejects. */
export async function syncFileSystem(folder: string): Promise<boolean> {
  if (symbols === "unknown") symbols = openLibc(SYMBOLS);
  if (symbols === undefined) return false;
  const descriptor = symbols.open(encoder.encode(`${folder}\0`), 0);
  if (descriptor < 0) return false;
  try {
    return await symbols.syncfs(descriptor) === 0;
  } finally {
    symbols.close(descriptor);
  }
}
