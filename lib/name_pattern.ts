/**
 * Patterns that stand where a name may: globs over offered names, and folders.
 *
 * `*` is anything within a part of a name, `**` anything across parts, `**` and a slash any number of
 * folders or none, `?` one character, `[a-z]` one of these, `[!a-z]` one of the others; no dot is
 * special. What ends with a slash is everything below a folder.
 *
 * Not made of regular expressions: names come from the network, and a name made for it keeps an
 * expression with a few stars busy for minutes. Here that takes at most the product of both lengths.
 */
import { unmarked } from "./marked_name.ts";

type Token =
  | { readonly kind: "literal"; readonly character: string }
  | { readonly kind: "one" }
  | {
    readonly kind: "range";
    readonly isNegated: boolean;
    readonly ranges: readonly (readonly [first: number, last: number])[];
  }
  /** Stars: within a part, across parts, and whole parts with their slashes. */
  | { readonly kind: "part" }
  | { readonly kind: "any" }
  | { readonly kind: "folders" };

/** `undefined` for what is a plain name or a content (`sha256:HEX`, `md5:HEX`). */
export function namePattern(typed: string): NamePattern | undefined {
  if (/^(sha256|md5):/.test(typed)) return undefined;
  const text = unmarked(typed);
  const isFolder = text.endsWith("/");
  const tokens = tokensOf([...isFolder ? `${text}**` : text]);
  const isPattern = isFolder || tokens.some(({ kind }) => kind !== "literal");
  return isPattern ? new NamePattern(text, isFolder, tokens) : undefined;
}

export class NamePattern {
  readonly text: string;
  /** The same as a name, which is to be checked like any: that of the folder, without its slash. */
  readonly name: string;
  /** Whether a file is likely to be called that: brackets are common in names, stars are not. */
  readonly isLikelyName: boolean;
  /** What every match begins with, but those of the text itself. */
  readonly prefix: string;
  /** Whether it stands for a folder and all that is in it. */
  readonly isFolder: boolean;
  /** What follows in the pattern. */
  readonly #tokens: readonly Token[];

  constructor(text: string, isFolder: boolean, tokens: readonly Token[]) {
    this.text = text;
    this.name = isFolder ? text.slice(0, -1) : text;
    this.isLikelyName = !isFolder && !/[*?]/.test(text);
    this.isFolder = isFolder;
    const prefixLength = tokens.findIndex(({ kind }) => kind !== "literal");
    this.prefix = [...text].slice(0, prefixLength).join("");
    this.#tokens = tokens.slice(prefixLength);
  }

  /** A file, or a folder, of exactly this name is meant as well, whatever else the text may mean. */
  matches(name: string): boolean {
    if (this.isFolder ? name.startsWith(this.text) : name === this.text) return true;
    return name.startsWith(this.prefix) && this.#fits(name.slice(this.prefix.length));
  }

  #fits(rest: string): boolean {
    // Which beginnings of the pattern match what was looked at of the name.
    let reached = new Uint8Array(this.#tokens.length + 1);
    let next = new Uint8Array(reached.length);
    this.#reach(reached, 0);
    for (const character of rest) {
      next.fill(0);
      for (let at = 0; at < this.#tokens.length; at++) {
        if (reached[at] === 1) this.#step(next, at, character);
      }
      [reached, next] = [next, reached];
    }
    return reached[this.#tokens.length] === 1;
  }

  #step(next: Uint8Array, at: number, character: string): void {
    const token = this.#tokens[at];
    switch (token?.kind) {
      case "literal":
        if (character === token.character) this.#reach(next, at + 1);
        return;
      case "one":
        if (character !== "/") this.#reach(next, at + 1);
        return;
      case "range":
        if (character !== "/" && isWithin(token, character)) this.#reach(next, at + 1);
        return;
      case "part":
        if (character !== "/") this.#reach(next, at);
        return;
      case "any":
        return this.#reach(next, at);
      case "folders":
        // Within a folder's name: what follows begins after its slash only.
        next[at] = 1;
        if (character === "/") this.#reach(next, at + 1);
    }
  }

  /** Stars match nothing as well. */
  #reach(reached: Uint8Array, from: number): void {
    for (let at = from;; at++) {
      reached[at] = 1;
      const kind = this.#tokens[at]?.kind;
      if (kind !== "part" && kind !== "any" && kind !== "folders") return;
    }
  }
}

function isWithin(token: Extract<Token, { kind: "range" }>, character: string): boolean {
  const code = character.codePointAt(0)!;
  return token.isNegated !== token.ranges.some(([first, last]) => first <= code && code <= last);
}

function tokensOf(characters: readonly string[]): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < characters.length;) {
    const { token, length } = starAt(characters, at) ?? rangeAt(characters, at) ??
      { token: characterToken(characters[at]!), length: 1 };
    tokens.push(token);
    at += length;
  }
  return tokens;
}

interface Found {
  readonly token: Token;
  readonly length: number;
}

function characterToken(character: string): Token {
  return character === "?" ? { kind: "one" } : { kind: "literal", character };
}

function starAt(characters: readonly string[], at: number): Found | undefined {
  let end = at;
  while (characters[end] === "*") end++;
  const stars = end - at;
  if (stars === 0) return undefined;
  if (stars === 1) return { token: { kind: "part" }, length: 1 };
  const isWholePart = (at === 0 || characters[at - 1] === "/") && characters[end] === "/";
  if (isWholePart) return { token: { kind: "folders" }, length: stars + 1 };
  return { token: { kind: "any" }, length: stars };
}

/** As shells have it: `]` is a member where it stands first, and so is `-` at either end. */
function rangeAt(characters: readonly string[], start: number): Found | undefined {
  if (characters[start] !== "[") return undefined;
  const isNegated = characters[start + 1] === "!" || characters[start + 1] === "^";
  const first = start + (isNegated ? 2 : 1);
  const end = characters.indexOf("]", first + 1);
  const members = characters.slice(first, end);
  if (end === -1 || members.includes("/")) return undefined;
  const ranges: [number, number][] = [];
  for (let at = 0; at < members.length;) {
    const isSpan = members[at + 1] === "-" && at + 2 < members.length;
    const last = members[isSpan ? at + 2 : at]!;
    ranges.push([members[at]!.codePointAt(0)!, last.codePointAt(0)!]);
    at += isSpan ? 3 : 1;
  }
  return { token: { kind: "range", isNegated, ranges }, length: end + 1 - start };
}
