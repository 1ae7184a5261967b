/** The name that something is offered under, where whoever offers it says so. */
import type { SafeFileName } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { displayName, parseFileName } from "../../names.ts";

/** @throws ShoalError `bad_name` */
export function offeredName(text: string): SafeFileName {
  const parsed = parseFileName(text);
  if (parsed.ok) return parsed.name;
  throw new ShoalError(
    "bad_name",
    `${displayName(text)} cannot be offered under that name: ${parsed.problem}`,
    { hint: "Offer it under another one with --name." },
  );
}
