/** Why a request over TCP was refused, in a form that programs compare (docs/PROTOCOL.md, "JSON sessions"). */

import type { JsonObject } from "./session_json.ts";

/** Of servers. */
const SERVER_CODES = [
  "bad_request",
  "unknown_command",
  "too_large",
  "idle",
  "crowded",
  "not_found",
  "pending",
  "changed",
  "refused",
  "unverified",
] as const;
/** Of masters; what servers say, they may say as well. */
const REGISTRY_CODES = ["foreign", "no_lease", "revision", "too_many", "unavailable"] as const;

export type WireCode = (typeof SERVER_CODES)[number] | (typeof REGISTRY_CODES)[number];

const CODES: ReadonlySet<unknown> = new Set([...SERVER_CODES, ...REGISTRY_CODES]);

/** What a refusal says; `refused` where it names no reason, or one that is not known here. */
export function wireCodeIn(value: unknown): WireCode {
  return CODES.has(value) ? value as WireCode : "refused";
}

/** The answer to what is not done. */
export function refusalOf(code: WireCode, message: string): JsonObject {
  return { status: "error", code, message };
}
