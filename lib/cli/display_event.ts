/** Events as a terminal may show them: no text in one, whoever it comes from, moves a cursor, reorders or begins a line. */
import { displayName } from "../names.ts";

/** The same value, every text in it escaped. */
export function displayEvent<T>(value: T): T {
  if (typeof value === "string") return displayName(value) as T;
  if (Array.isArray(value)) return value.map(displayEvent) as T;
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [key, displayEvent(each)]),
  ) as T;
}
