/**
 * `./` before what a user types says that it is the name of a file, whatever it looks like else: a content id, an
 * option. No name begins like that itself.
 */
const MARK = "./";

/** `text` without the mark. */
export function unmarked(text: string): string {
  return isMarked(text) ? text.slice(MARK.length) : text;
}

export function isMarked(text: string): boolean {
  return text.startsWith(MARK);
}

/** A name as it can be typed. */
export function marked(name: string): string {
  return MARK + name;
}
