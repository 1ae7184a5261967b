/** What a path and a query stand for. A name that comes out of here is a name as it is offered, and is looked up; it is never joined to a folder. */
import type { SafeFileName } from "../ids.ts";
import { parseFileName } from "../names.ts";

/** The folder or the file that a path stands for; `undefined` for the folder of everything. */
export type NamedTarget =
  | { readonly kind: "file"; readonly name: SafeFileName }
  | { readonly kind: "folder"; readonly name: SafeFileName | undefined };

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * What follows the prefix of a route, percent-encoded once; a folder has a slash at its end. `undefined` for what is the name of nothing.
 */
export function namedTarget(encoded: string): NamedTarget | undefined {
  if (encoded === "") return { kind: "folder", name: undefined };
  const isFolder = encoded.endsWith("/");
  const parts = (isFolder ? encoded.slice(0, -1) : encoded).split("/").map(percentDecoded);
  // An encoded slash would be another name for the same file, and for those who filter by path another path.
  if (parts.some((part) => part === undefined || part.includes("/"))) return undefined;
  const parsed = parseFileName(parts.join("/"));
  if (!parsed.ok) return undefined;
  return { kind: isFolder ? "folder" : "file", name: parsed.name };
}

/** As it stands in a link. */
export function encodedName(name: string): string {
  return name.split("/").map(percentEncoded).join("/");
}

/** RFC 3986: all but letters, digits and `-._~` is encoded. */
export function percentEncoded(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `undefined` for what is not UTF-8. */
function percentDecoded(text: string): string | undefined {
  if (/%(?![0-9a-f]{2})/i.test(text)) return undefined;
  const bytes = new Uint8Array(text.length);
  let length = 0;
  for (let at = 0; at < text.length; at++) {
    const isEscape = text[at] === "%";
    bytes[length++] = isEscape ? parseInt(text.slice(at + 1, at + 3), 16) : text.charCodeAt(at);
    if (isEscape) at += 2;
  }
  try {
    return utf8.decode(bytes.subarray(0, length));
  } catch {
    return undefined;
  }
}
