/** What the messages of a master say, checked field by field (docs/PROTOCOL.md, "Master"). */
import {
  canonicalAddress,
  isGroupAddress,
  isLinkLocal,
  isLoopback,
  LOOPBACK_ADDRESS,
  LOOPBACK_IPV6_ADDRESS,
  scopeOf,
  withoutScope,
} from "../../address.ts";
import { type HashHex, hashHex, type SafeFileName, serverId } from "../../ids.ts";
import { FILE_BYTES_MAX, MTIME_MS_MAX, PORT_MAX } from "../../limits.ts";
import {
  GLOB_CHARACTERS_MAX,
  GLOB_CHARACTERS_PER_WORK,
  LIST_WORK_MAX,
  LISTED_NAME_WORK,
  LOCATE_EXCEPT_MAX,
  LOCATE_QUERIES_MAX,
  REGISTRY_PAGE_FILES,
} from "./limits.ts";
import { namePattern } from "../../name_pattern.ts";
import { parseFileName } from "../../names.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import type {
  LocatedFile,
  LocateQuery,
  RegisteredFile,
  RegisteredServer,
  RegistryLease,
  RegistryUpdate,
} from "./registry_store.ts";

/** @param address whence it was said: nobody speaks for another host */
export function providerIn(request: JsonObject, address: string): RegisteredServer | undefined {
  const { server: id, port } = request;
  if (!isHex(id, 16) || !isPort(port)) return undefined;
  return { server: serverId(id), endpoint: { address, port } };
}

export function leaseIn(value: unknown): RegistryLease | undefined {
  return isHex(value, 16) ? value as RegistryLease : undefined;
}

export function updateIn(request: JsonObject): RegistryUpdate | undefined {
  const { revision, reset = false, put = [], remove = [] } = request;
  if (!isCount(revision) || revision === 0 || typeof reset !== "boolean") return undefined;
  const files = listIn(put, fileIn);
  const names = listIn(remove, nameIn);
  if (files === undefined || names === undefined) return undefined;
  return { revision, isReset: reset, put: files, remove: names };
}

export function locateQueriesIn(request: JsonObject): LocateQuery[] | undefined {
  const { names = [], sha256 = [] } = request;
  const byName = listIn(names, nameIn, LOCATE_QUERIES_MAX);
  const byContent = listIn(sha256, digestIn, LOCATE_QUERIES_MAX);
  if (byName === undefined || byContent === undefined) return undefined;
  const queries: LocateQuery[] = [
    ...byName.map((name) => ({ by: "name", name } as const)),
    ...byContent.map((digest) => ({ by: "sha256", sha256: digest } as const)),
  ];
  return queries.length <= LOCATE_QUERIES_MAX ? queries : undefined;
}

/**
 * Addresses that a client has been told of, and that did not answer it.
 *
 * @param self where the client has reached this host: what has registered by loopback is told as that
 */
export function exceptIn(request: JsonObject, self: string): ReadonlySet<string> | undefined {
  const { except = [] } = request;
  const read = (each: unknown): string | undefined => {
    const address = hostIn(each);
    return address !== undefined && isLinkLocal(address)
      ? `${address}%${scopeOf(self) ?? ""}`
      : address;
  };
  const addresses = listIn(except, read, LOCATE_EXCEPT_MAX);
  if (addresses === undefined) return undefined;
  const isHere = addresses.includes(self);
  return new Set([...addresses, ...(isHere ? [LOOPBACK_ADDRESS, LOOPBACK_IPV6_ADDRESS] : [])]);
}

export interface ListQuery {
  readonly prefix: string;
  /** Whether a name is meant. */
  readonly matches: (name: string) => boolean;
  readonly after: SafeFileName | undefined;
  readonly since: number | undefined;
  readonly countMax: number;
  /** What each of these names costs (docs/PROTOCOL.md, "Fair shares"). */
  readonly nameWork: number;
}

export function listQueryIn(request: JsonObject): ListQuery | undefined {
  const { prefix = "", glob, after, since, count = REGISTRY_PAGE_FILES } = request;
  if (typeof prefix !== "string" || prefix.length > GLOB_CHARACTERS_MAX) return undefined;
  if (glob !== undefined && (typeof glob !== "string" || glob.length > GLOB_CHARACTERS_MAX)) {
    return undefined;
  }
  const name = after === undefined ? undefined : nameIn(after);
  if (after !== undefined && name === undefined) return undefined;
  if (since !== undefined && !isCount(since)) return undefined;
  if (!isCount(count) || count === 0 || count > REGISTRY_PAGE_FILES) return undefined;
  const pattern = glob === undefined ? undefined : namePattern(glob);
  const nameWork = LISTED_NAME_WORK + Math.ceil((glob?.length ?? 0) / GLOB_CHARACTERS_PER_WORK);
  const matches = glob === undefined
    ? undefined
    : pattern === undefined
    ? (name: string) => name === glob
    : (name: string) => pattern.matches(name);
  return {
    prefix: pattern !== undefined && pattern.prefix.length > prefix.length
      ? pattern.prefix
      : prefix,
    matches: (name) => name.startsWith(prefix) && (matches === undefined || matches(name)),
    after: name,
    since,
    countMax: Math.min(count, Math.floor(LIST_WORK_MAX / nameWork)),
    nameWork,
  };
}

/** A file as a server says that it has it. */
export function fileJson(file: RegisteredFile): JsonObject {
  const { name, sizeBytes, mtimeMs, sha256, root } = file;
  return { name, size: sizeBytes, mtime: mtimeMs, sha256, root };
}

/**
 * The file as a client is told of it.
 *
 * @param self where the client has reached this host: a server here may have registered by loopback, and what is
 * known by an address of one link is of use on that link alone
 */
export function locatedJson(file: LocatedFile, self: string): JsonObject {
  const servers = file.servers
    .filter(({ endpoint: { address } }) => !isLinkLocal(address) || isOnLinkOf(address, self))
    .map(({ server, endpoint: { address, port } }) => ({
      id: server,
      address: withoutScope(isLoopback(address) ? self : address),
      port,
    }));
  return { ...fileJson(file), servers };
}

/** Where it is not known by which link somebody came, he is on none. */
function isOnLinkOf(address: string, self: string): boolean {
  const scope = scopeOf(address);
  return scope !== undefined && scope === scopeOf(self);
}

/** What a master says of a file; `undefined` for what makes no sense. */
export function locatedIn(value: unknown): LocatedFile | undefined {
  const file = fileIn(value);
  const servers = (value as JsonObject)?.["servers"];
  const providers = listIn(servers, (each) => {
    const { id, address, port } = (each ?? {}) as JsonObject;
    const host = hostIn(address);
    return host === undefined ? undefined : providerIn({ server: id, port }, host);
  }, Infinity);
  return file && providers && { ...file, servers: providers };
}

export function fileIn(value: unknown): RegisteredFile | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name: text, size, mtime, sha256: hex, root: rootHex } = value as JsonObject;
  const [name, sha256, root] = [nameIn(text), digestIn(hex), digestIn(rootHex)];
  if (name === undefined || sha256 === undefined || root === undefined) return undefined;
  if (!isCount(size) || size > FILE_BYTES_MAX) return undefined;
  if (typeof mtime !== "number" || !(Math.abs(mtime) <= MTIME_MS_MAX)) return undefined;
  return { name, sizeBytes: size, sha256, root, mtimeMs: mtime };
}

/** The address of one machine, in its shortest form and without a scope, which each machine has its own of. */
function hostIn(value: unknown): string | undefined {
  if (typeof value !== "string" || scopeOf(value) !== undefined) return undefined;
  const address = canonicalAddress(value);
  return address === undefined || isGroupAddress(address, []) ? undefined : address;
}

function nameIn(value: unknown): SafeFileName | undefined {
  if (typeof value !== "string") return undefined;
  const parsed = parseFileName(value);
  return parsed.ok ? parsed.name : undefined;
}

function digestIn(value: unknown): HashHex | undefined {
  return isHex(value, 32) ? hashHex(value) : undefined;
}

/** A list whose members all make sense; `undefined` otherwise. */
function listIn<T>(
  value: unknown,
  read: (member: unknown) => T | undefined,
  countMax = REGISTRY_PAGE_FILES,
): T[] | undefined {
  if (!Array.isArray(value) || value.length > countMax) return undefined;
  const members = value.map(read).filter((member) => member !== undefined);
  return members.length === value.length ? members : undefined;
}

function isHex(value: unknown, bytes: number): value is string {
  return typeof value === "string" && value.length === 2 * bytes && /^[0-9a-f]*$/.test(value);
}

function isPort(value: unknown): value is number {
  return isCount(value) && value >= 1 && value <= PORT_MAX;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
