/**
 * The checker behind `architecture_test.ts`: who may import whom, and what only `lib/io` may touch.
 * It reads source as text with comments and strings blanked out; no parser is needed for rules as
 * plain as these.
 */
import { join } from "@std/path/join";

export interface Source {
  /** From the root of the project, with forward slashes. */
  readonly path: string;
  readonly text: string;
}

export interface Import {
  /** A path from the root for a file of ours, the specifier as written otherwise. */
  readonly target: string;
  readonly isType: boolean;
  /** Whether it is loaded when that line runs, if ever. */
  readonly isLazy: boolean;
  readonly line: number;
}

/** A layer uses what stands before it; `lib/*.ts` is the root of all. */
const LAYERS: readonly (readonly [layer: string, uses: readonly string[]])[] = [
  ["root", ["root"]],
  ["wire", ["root", "wire"]],
  ["protocol", ["root", "wire", "protocol"]],
  ["messages", ["root", "wire", "protocol", "messages"]],
  ["io", ["root", "wire", "protocol", "messages", "io"]],
  ["workers", ["root", "wire", "protocol", "messages", "io"]],
  ["app", ["root", "wire", "protocol", "messages", "io", "app"]],
  ["mod", ["root", "app"]],
  ["web", ["root", "wire", "io", "app", "mod", "web"]],
  ["cli", ["root", "io", "app", "mod", "web", "cli"]],
  ["entry", ["root", "io", "mod", "cli"]],
];
const USES = new Map(LAYERS);

/**
 * The rooms of a layer, and which other rooms of it each may use. What stands in the layer's own
 * folder is open to all of its rooms.
 */
const ROOMS: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  protocol: {
    base: [],
    merkle: ["base"],
    discovery: ["base"],
    folder: ["base", "merkle"],
    download: ["base", "merkle", "discovery", "folder"],
    serve: ["base", "merkle", "discovery"],
    session: ["base", "merkle"],
    master: ["base", "serve", "session"],
    classic: ["base", "merkle"],
    seal: ["base"],
    codes: ["base", "seal"],
  },
  io: {
    system: [],
    seal: ["system"],
    net: ["system", "seal"],
    files: ["system", "net"],
    hash: ["system", "files"],
    uploads: ["system", "net", "files", "hash"],
    store: ["system"],
    workers: ["system", "net", "files", "hash", "uploads"],
  },
  app: {
    discovery: [],
    index: [],
    session: [],
    secret: [],
    master: ["session"],
    list: ["discovery", "session", "master"],
    serve: ["index", "master"],
    client: ["discovery", "session", "master", "list", "serve"],
    doctor: ["discovery", "list"],
    codes: ["discovery", "master", "list", "serve", "client"],
  },
};

/** Layers that may touch the platform, beside the files for it: what starts the program, what tests it. */
const PLATFORM_LAYERS = new Set(["entry", "workers", "outside"]);
const PLATFORM =
  /(?<![\w$.])(Deno\.|Date\b|performance\.|setTimeout\b|setInterval\b|Math\.random\b|console\.|crypto\.|new Worker\b)/;

/** A number with a name like a bound's: how much, how many, how long, how often. */
const BOUND =
  /^(?:export )?const [A-Z][A-Z0-9_]*(?:_(?:MAX|MIN|MS|STEP|SHARE|TRIES|ROUNDS_MAX)|_PER_[A-Z_]+|_(?:MS|BYTES)_(?:MAX|MIN|DEFAULT))\b[^=]*= *[-\d.(]/;

/** The one file that knows what stands where in the text of an address. */
const ADDRESS_FILE = "lib/address.ts";
const ADDRESS_TEXT = /split\(":"\)|[iI]ndexOf\(":"\)|(?:startsWith|===)\s*\(?"127\.|^[^*/]*"127\./;

/** The one file that knows what an option is where it is left out. */
const DEFAULTS_FILE = "lib/app/option_defaults.ts";
/** A default beside where an option is used: `?? X_DEFAULT`, `{ x = 1 } = options`, `options.x ?? 1`. */
const OPTION_DEFAULT =
  /(?:\?\?|[^=!<>]=) *[A-Z][A-Z0-9_]*_DEFAULT\b(?!;)|\{.*\w = [^=].*\} = (?:this\.#)?options\b|\b#?options\.\w+ \?\? (?:[\d"\[]|true|false|Infinity)/;

/**
 * The only files of `lib/io` that touch the platform: what runtimes are made of. Everything else there is handed a
 * runtime, or a part of one, and behaves as well in a simulated world.
 */
const PLATFORM_FILES: ReadonlySet<string> = new Set([
  // Disk.
  ...[
    "deno_disk",
    "regular_file",
    "folder_handle",
    "folder_watch",
    "libc_files",
    "file_systems",
    "sync_file_system",
    "rename_if_free",
    "node_fs",
  ]
    .map((name) => `lib/io/files/${name}.ts`),
  // What the demo, the round-trip client and messages need of it beside.
  ...["scratch_folder", "whole_file", "disk_error"].map((name) => `lib/io/files/${name}.ts`),
  // Network.
  ...[
    "deno_network",
    "tcp_stream",
    "udp_transport",
    "tuned_socket",
    "route_bytes",
    "receive_message",
  ]
    .map((name) => `lib/io/net/${name}.ts`),
  ...["datagram_sockets", "interfaces", "faulty_transport", "metrics_port", "system_send"].map((
    name,
  ) => `lib/io/net/${name}.ts`),
  // Sealing, by the system's library or not.
  ...["native_aead", "node_aead", "x25519", "stretch"].map((name) => `lib/io/seal/${name}.ts`),
  "lib/io/net/sealed_layer.ts",
  // Hashing by the system's library, and how fast this thread is at it.
  ...["native_sha256", "fastest_sha256", "hash_clock"].map((name) => `lib/io/hash/${name}.ts`),
  // Databases.
  ...[
    "deno_hash_files",
    "secret_file",
    "deno_tree_records",
    "cache_folder",
    "hash_table",
    "registry_database",
    "redis_connection",
  ]
    .map((name) => `lib/io/store/${name}.ts`),
  // Time, randomness, threads, the terminal and the process.
  ...[
    "closed_output",
    "deno_clock",
    "deno_random",
    "deno_workers",
    "descriptor_limit",
    "invocation",
    "libc",
    "permissions",
    "output",
    "own_hostname",
    "pipes",
    "terminal",
    "tuning",
    "deno_host_facts",
  ]
    .map((name) => `lib/io/system/${name}.ts`),
]);

/** Who makes runtimes, or is the process: these may take the platform's parts as they are. */
const MAKERS = /^(?:lib\/io\/(?:doctor_)?runtime\.ts|workers\/|lib\/cli\/|cli\.ts)/;
/** … and what puts the platform's network together. */
const NET = "lib/io/net/net.ts";

/** What everybody is handed as part of a runtime, beside what is called `deno_…`; only its types are to be imported. */
const RUNTIME_PARTS: ReadonlySet<string> = new Set([
  "lib/io/net/net.ts",
  "lib/io/net/tcp_stream.ts",
]);

const NODE_MODULES: Readonly<Record<string, readonly string[]>> = {
  "lib/protocol/base/sha256.ts": ["node:crypto"],
  "lib/protocol/base/zstd.ts": ["node:zlib"],
};

const LINES_MAX = 500;

/** One line a broken rule: where, what, and what to do instead. */
export function violationsOf(source: Source): string[] {
  return [
    ...importViolations(source),
    ...lineViolations(source),
    ...fileViolations(source),
  ];
}

export function importsOf({ path, text }: Source): Import[] {
  const code = withoutComments(text);
  const folder = path.includes("/") ? path.slice(0, path.lastIndexOf("/")) : "";
  const found: Import[] = [];
  const statement =
    /^(?:import|export)\b(?<type> type\b)?[^"'`;=()]*?"(?<from>[^"\n]+)"|\bimport\(\s*"(?<lazy>[^"\n]+)"/gm;
  for (const match of code.matchAll(statement)) {
    const specifier = match.groups?.from ?? match.groups?.lazy ?? "";
    found.push({
      target: specifier.startsWith(".") ? join(folder, specifier).replaceAll("\\", "/") : specifier,
      isType: match.groups?.type !== undefined,
      isLazy: match.groups?.lazy !== undefined,
      line: code.slice(0, match.index).split("\n").length,
    });
  }
  return found;
}

function importViolations(source: Source): string[] {
  const layer = layerOf(source.path);
  const uses = USES.get(layer);
  return importsOf(source).flatMap(({ target, line, isType }) => {
    const at = `${source.path}:${line} imports ${target}`;
    if (/^(npm|jsr|https?):/.test(target)) {
      return [`${at}: name packages in deno.json's import map`];
    }
    if (uses === undefined) return [];
    if (target.startsWith("node:")) return nodeViolations(source.path, target, at);
    if (!target.endsWith(".ts")) return [];
    const isPlatforms = /^lib\/io\/.*\/deno_\w+\.ts$/.test(target) && layer !== "outside";
    if (isPlatforms && !isType && !mayTakePlatform(source.path)) {
      return [`${at}: take it from a runtime`];
    }
    if (layer === "app" && RUNTIME_PARTS.has(target) && !isType) {
      return [`${at}: take it from a runtime`];
    }
    if (!uses.includes(layerOf(target))) {
      return [`${at}: a ${layer} file uses ${uses.join(", ")}`];
    }
    return roomViolations(source.path, target, at);
  });
}

function mayTakePlatform(path: string): boolean {
  return MAKERS.test(path) || PLATFORM_FILES.has(path) || path === NET;
}

function roomViolations(path: string, target: string, at: string): string[] {
  const rooms = ROOMS[layerOf(path)];
  if (rooms === undefined || layerOf(path) !== layerOf(target)) return [];
  const [from, to] = [roomOf(path), roomOf(target)];
  if (from === undefined || to === undefined || from === to) return [];
  const used = rooms[from];
  if (used === undefined) return [`${at}: ${from} is no room of this layer: give it a line`];
  if (used.includes(to)) return [];
  return [`${at}: the room ${from} uses ${used.length === 0 ? "no other" : used.join(", ")}`];
}

/** The folder of a layer that a file is in; `undefined` for one in the layer's own. */
function roomOf(path: string): string | undefined {
  const [, , room, file] = path.split("/");
  return file === undefined ? undefined : room;
}

function nodeViolations(path: string, target: string, at: string): string[] {
  const isAllowed = PLATFORM_FILES.has(path) ||
    NODE_MODULES[path]?.includes(target);
  return isAllowed ? [] : [`${at}: reach for node: in a file of lib/io that is the platform's`];
}

function lineViolations({ path, text }: Source): string[] {
  const isPure = !PLATFORM_LAYERS.has(layerOf(path)) && !PLATFORM_FILES.has(path);
  const isOurs = layerOf(path) !== "outside" && !path.endsWith("/limits.ts");
  const takesDefaults = ["app", "cli"].includes(layerOf(path)) && path !== DEFAULTS_FILE;
  const problems: string[] = [];
  const say = (index: number, what: string): void => {
    problems.push(`${path}:${index + 1} ${what}`);
  };
  withoutStrings(withoutComments(text)).split("\n").forEach((line, index) => {
    const touched = isPure ? PLATFORM.exec(line)?.[1] : undefined;
    if (touched !== undefined) {
      say(index, `touches ${touched}: be handed it, by a runtime`);
    }
    if (isOurs && BOUND.test(line)) {
      say(index, "sets a bound: put it in the limits.ts of its room");
    }
    if (isOurs && path !== ADDRESS_FILE && ADDRESS_TEXT.test(text.split("\n")[index]!)) {
      say(index, `looks into an address: ask ${ADDRESS_FILE}`);
    }
    if (takesDefaults && OPTION_DEFAULT.test(text.split("\n")[index]!)) {
      say(index, `has a default for an option: put it in ${DEFAULTS_FILE}, and resolve once`);
    }
    if (/[:<,|(]\s*any\b|\bas any\b/.test(line)) say(index, "says any: narrow unknown instead");
  });
  text.split("\n").forEach((line, index) => {
    if (/\/\/\s*@ts-(ignore|nocheck)/.test(line)) say(index, "silences the compiler: fix the type");
    if (/\/\/.*\b(TO|FIX)(DO|ME)\b/.test(line)) say(index, "leaves a task: do it, or drop it");
  });
  return problems;
}

function fileViolations({ path, text }: Source): string[] {
  const problems: string[] = [];
  const isTest = path.endsWith("_test.ts");
  const head = text.replace(/^#!.*\n/, "");
  if (!isTest && !/^\/\*\*|^\/\//.test(head)) {
    problems.push(`${path} has no head comment: say what it promises`);
  }
  if (!/^([a-z0-9_]+\/)*[a-z0-9_]+\.ts$/.test(path)) {
    problems.push(`${path}: name it in snake_case`);
  }
  const lines = text.split("\n").length;
  if (lines > LINES_MAX) {
    problems.push(`${path} has ${lines} lines: split it where it changes for different reasons`);
  }
  return problems;
}

function layerOf(path: string): string {
  if (path === "mod.ts") return "mod";
  if (path === "cli.ts") return "entry";
  const [top, folder, ...rest] = path.split("/");
  if (top === "workers") return "workers";
  if (top !== "lib") return "outside";
  return rest.length === 0 ? "root" : folder ?? "outside";
}

/** Strings and templates are skipped over, so that `"//"` in one starts no comment. */
const COMMENT_OR_STRING =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\[\s\S])*`/g;

/** Comments and templates blanked out, line for line. */
function withoutComments(text: string): string {
  return text.replace(
    COMMENT_OR_STRING,
    (token) => token.startsWith("/") || token.startsWith("`") ? blank(token) : token,
  );
}

function withoutStrings(code: string): string {
  return code.replace(COMMENT_OR_STRING, blank);
}

function blank(token: string): string {
  return token.replace(/[^\n]/g, " ");
}
