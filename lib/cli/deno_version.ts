/** Which Deno this program runs on. Older ones start it, and then lack what it needs to read a folder, for one. */
import { ShoalError } from "../errors.ts";

/** The oldest on which serving, fetching and uploading have been tried. */
const DENO_NEEDED = "2.7";

/** What is wrong with running on Deno `version`, such as 2.6.8; `undefined` if nothing is. */
export function denoProblem(version: string): ShoalError | undefined {
  const [have, need] = [version, DENO_NEEDED].map((text) => text.split(".").map(Number));
  const differing = need!.findIndex((number, i) => have![i] !== number);
  if (differing === -1 || have![differing]! > need![differing]!) return undefined;
  return new ShoalError("usage", `Shoal needs Deno ${DENO_NEEDED} or later; this is ${version}`, {
    hint: "Run `deno upgrade`, or name another Deno in SHOAL_DENO.",
  });
}
