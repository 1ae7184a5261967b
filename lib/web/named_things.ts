/** What a path names, or the problem that it names nothing. */
import { ShoalError } from "../errors.ts";
import { HttpProblem } from "./responses.ts";
import { type NamedTarget, namedTarget } from "./request_target.ts";

/** Throws ShoalError `bad_name`. */
export function requireTarget(encoded: string): NamedTarget {
  const target = namedTarget(encoded);
  if (target === undefined) throw notAName();
  return target;
}

export function notAName(): ShoalError {
  return new ShoalError("bad_name", "that is no name of a file or a folder");
}

export function nothingOffered(): HttpProblem {
  return new HttpProblem(404, "it is not offered here");
}
