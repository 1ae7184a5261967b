/**
 * What messages say of commands. They name one as `list --master`, in backticks; what is shown is how this
 * program was called, too, so that it can be typed as it stands.
 */
import type { ShoalEvent } from "../app/events.ts";
import { ShoalError } from "../errors.ts";
import type { Reporter } from "./reporter.ts";

/** How a command is called that may need other permissions than the one that runs: those of a set are its own. */
export function invocationOfOthers(invocation: string): string {
  return invocation.replace(/ run -P=\S+ /, " run -A ");
}

/** Spells out the commands that hints and notices name. */
export function spellingOut(
  reporter: Reporter,
  commands: readonly string[],
  invocation: string,
): Reporter {
  const named = new RegExp(`\`(?=(?:${commands.join("|")})(?:\`| [^\`\n]*\`))`, "g");
  const spelled = (text: string): string => text.replace(named, `\`${invocation} `);
  return {
    report: (event) => reporter.report(spelledEvent(event, spelled)),
    say: (line, tone) => reporter.say(line, tone),
    answer: (line) => reporter.answer(line),
    fail(error) {
      const { code, message, hint } = error;
      reporter.fail(new ShoalError(code, message, { hint: spelled(hint), cause: error.cause }));
    },
    end: () => reporter.end(),
  };
}

function spelledEvent(event: ShoalEvent, spelled: (text: string) => string): ShoalEvent {
  if (event.event === "failed") return { ...event, hint: spelled(event.hint) };
  if (event.event === "notice") return { ...event, message: spelled(event.message) };
  return event;
}
