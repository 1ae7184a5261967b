/** Comparing files: a difference is told by its place, not by printing megabytes. */
import { assertEquals } from "@std/assert";

export function assertSameBytes(actual: Uint8Array, expected: Uint8Array, message = ""): void {
  assertEquals(actual.length, expected.length, `${message} length`);
  const at = actual.findIndex((byte, i) => byte !== expected[i]);
  assertEquals(at, -1, `${message} first difference at byte ${at}`);
}
