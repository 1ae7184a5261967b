/** What somebody has typed as a code, before anybody is asked for it. */
import { ShoalError } from "../../errors.ts";
import { type Code, readCode } from "../../protocol/codes/code_words.ts";

/** What may be said of a code. */
export interface MeantCode {
  /** All of it, which is not to be shown. */
  readonly text: string;
  /** Its number, which is no secret. */
  readonly number: number;
}

/**
 * @param isCode whether it can be nothing else; else it is no code if none of its words could be one of a code's
 * @throws ShoalError `usage`, which says which word is wrong, and in its hint what it may have been meant for
 */
export function codeMeant(typed: string, isCode: boolean): Code | undefined {
  const reading = readCode(typed, isCode);
  if (reading.kind === "code") return reading.code;
  if (reading.kind === "typo") {
    const { position, near } = reading;
    const meant = near.length === 0 ? "" : `Did you mean ${near.join(", or ")}? `;
    const file = isCode ? "" : " A file of that name is ./NAME.";
    throw new ShoalError(
      "usage",
      `the ${position === 1 ? "first" : "second"} word is none of a code`,
      {
        hint: `${meant}Nobody was asked: the code is still good.${file}`,
      },
    );
  }
  if (!isCode) return undefined;
  throw new ShoalError("usage", "that is no code", {
    hint: "A code is a number and two words, as `send` shows it: 7-guidance-apollo.",
  });
}
