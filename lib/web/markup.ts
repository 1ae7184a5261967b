/** HTML, in which whatever is put into a template is text: the one place where names and the like are escaped. */

/** What is HTML already. */
class Html {
  constructor(readonly text: string) {}
}

type Part = Html | string | number | readonly Part[];

/** A template: `markup\`<p>${name}</p>\``. Of what is put in, only what came out of a template is not escaped. */
export function markup(literals: TemplateStringsArray, ...parts: readonly Part[]): Html {
  let text = literals[0]!;
  parts.forEach((part, i) => text += escapedPart(part) + literals[i + 1]!);
  return new Html(text);
}

export type { Html };

function escapedPart(part: Part): string {
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(escapedPart).join("");
  return String(part).replace(/[&<>"'`]/g, (character) => `&#${character.charCodeAt(0)};`);
}
