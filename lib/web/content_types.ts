/**
 * What a browser is told that a file is. What could run there is never given its type: it is shown as text, or saved. A file's bytes are not looked at:
 * with `nosniff`, a browser takes them for what they are said to be and for nothing else.
 */
import { baseName } from "../names.ts";
import type { SafeFileName } from "../ids.ts";

/** What may be shown in place, and how. */
type View = "picture" | "text" | "audio" | "video" | "pdf";

const PICTURES = {
  ...{ png: "png", jpg: "jpeg", jpeg: "jpeg", gif: "gif", webp: "webp", avif: "avif" },
  ...{ bmp: "bmp", ico: "x-icon", svg: "svg+xml" },
};
const SOUNDS = {
  ...{ mp3: "mpeg", ogg: "ogg", oga: "ogg", opus: "ogg", wav: "wav", flac: "flac" },
  ...{ m4a: "mp4", aac: "aac", weba: "webm" },
};
const FILMS = { mp4: "mp4", m4v: "mp4", webm: "webm", ogv: "ogg", mov: "quicktime" };
const TEXTS = [
  ...["txt", "text", "md", "markdown", "rst", "log", "csv", "tsv", "json", "jsonl", "ndjson"],
  ...["yaml", "yml", "toml", "ini", "cfg", "conf", "properties", "env", "diff", "patch"],
  ...["html", "htm", "xhtml", "xml", "css", "js", "mjs", "cjs", "jsx", "ts", "tsx", "vue"],
  ...["c", "h", "cc", "cpp", "cxx", "hpp", "cs", "java", "kt", "go", "rs", "swift", "py", "rb"],
  ...["php", "pl", "lua", "r", "jl", "sql", "sh", "bash", "zsh", "fish", "bat", "cmd", "ps1"],
  ...["tex", "bib", "srt", "vtt", "asc", "sha256", "md5", "nfo", "m3u", "gitignore"],
];
/** Files without an extension that are text wherever they come up. */
const TEXT_NAMES =
  /^(readme|license|licence|copying|changelog|authors|makefile|dockerfile|notes)$/i;

interface Known {
  readonly view: View;
  readonly type: string;
}

const KNOWN: ReadonlyMap<string, Known> = new Map<string, Known>([
  ...of("picture", "image", PICTURES),
  ...of("audio", "audio", SOUNDS),
  ...of("video", "video", FILMS),
  ["pdf", { view: "pdf", type: "application/pdf" }],
  ...TEXTS.map((each) => [each, { view: "text", type: "text/plain; charset=utf-8" }] as const),
]);

/** How it may be shown; `undefined` where it is only to be saved. */
export function viewOf(name: string): View | undefined {
  return knownOf(name)?.view;
}

/**
 * The type that goes with the bytes.
 *
 * @param isViewed whether they are to be shown, and not saved
 */
export function contentTypeOf(name: string, isViewed: boolean): string {
  const known = knownOf(name);
  // To be saved, a thing is what it is said to be nowhere; what is harmless keeps its type for programs.
  const isHarmless = isViewed || (known !== undefined && known.type !== "image/svg+xml");
  return isHarmless && known !== undefined ? known.type : "application/octet-stream";
}

/** What such a response may load and do: nothing. */
export function previewPolicyOf(name: string): string {
  const base = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'";
  if (viewOf(name) === "pdf") {
    // Browsers show it by a page of their own, which a sandbox would keep from working. Nothing in it runs in our origin.
    return `${base}; object-src 'self'; style-src 'unsafe-inline'`;
  }
  const isSvg = contentTypeOf(name, true) === "image/svg+xml";
  return `${base}${isSvg ? "; style-src 'unsafe-inline'" : ""}; sandbox`;
}

function knownOf(name: string): Known | undefined {
  const last = baseName(name as SafeFileName);
  if (TEXT_NAMES.test(last)) return KNOWN.get("txt");
  const dot = last.lastIndexOf(".");
  return dot < 0 ? undefined : KNOWN.get(last.slice(dot + 1).toLowerCase());
}

function of(
  view: View,
  kind: string,
  types: Readonly<Record<string, string>>,
): (readonly [string, Known])[] {
  return Object.entries(types).map(([ending, type]) => [ending, { view, type: `${kind}/${type}` }]);
}
