/** The server's side of the JSON sessions: the existing dialect's `upload`, and commands of our own. */
import { timeFields, timeIn } from "./described_file.ts";
import { fromHex, type HashHex, hashHex, type SafeFileName } from "../../ids.ts";
import { FILE_BYTES_MAX } from "../../limits.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import {
  LISTED_FILES_PER_STEP,
  SESSION_SKIP_BYTES_MAX,
  UPLOAD_MESSAGE_BYTES_MAX,
} from "./limits.ts";
import { parseFileName } from "../../names.ts";
import { refusalOf, type WireCode } from "../../wire/session_codes.ts";
import { encodeMessage, type JsonObject, parseMessage } from "../../wire/session_json.ts";
import { echoUpload } from "./serve_echo.ts";
import {
  ask,
  type Dialogue,
  type FileQuery,
  type SessionFile,
  type SessionPolicy,
} from "./dialogue.ts";
import { uploadName, uploadRefusal } from "./upload_rules.ts";

/** Answers one request; says whether the connection still makes sense. */
type Answering = (policy: SessionPolicy, request: JsonObject, round: number) => Dialogue<boolean>;

/**
 * Answers requests until the peer has no more.
 *
 * @param answer what is known beside `disconnect`; everything, if not given
 */
export function* serveJson(policy: SessionPolicy, answer: Answering = answerAny): Dialogue {
  // Where nothing may be uploaded nothing but short commands can be meant.
  const bytesMax = policy.allowsUpload ? UPLOAD_MESSAGE_BYTES_MAX : SESSION_COMMAND_BYTES_MAX;
  for (let round = 0;; round++) {
    const read = yield* ask("message", { bytesMax });
    if (read.kind === "ended") {
      if (read.why === "idle") yield* fail("idle", "nothing arrived for too long");
      return;
    }
    if (read.kind === "tooLarge") {
      const refusal = uploadRefusal(policy, 0);
      if (refusal !== undefined) yield* fail("refused", refusal);
      else yield* fail("too_large", `a message may have up to ${bytesMax} bytes`);
      if (read.lengthBytes > SESSION_SKIP_BYTES_MAX) return;
      if (yield* ask("skip", { lengthBytes: read.lengthBytes })) continue;
      return;
    }
    const request = parseMessage(read.bytes);
    if (request === undefined) {
      yield* fail("bad_request", "that is not a JSON object");
      // Who begins so does not speak this dialect.
      if (round === 0) return;
    } else if (request["command"] === "disconnect") return;
    else if (!(yield* answer(policy, request, round))) return;
  }
}

function* answerAny(policy: SessionPolicy, request: JsonObject, round: number): Dialogue<boolean> {
  switch (request["command"]) {
    case "list":
      yield* list(request);
      return true;
    case "fetch":
      return yield* fetch(policy, request);
    case "layer":
      yield* layer(request);
      return true;
    case "strike":
      yield* strike(request);
      return true;
    case "put":
      return yield* put(policy, request);
    default:
      return yield* answerUpload(policy, request, round);
  }
}

/** What a server knows that keeps nothing and offers nothing. */
export function* answerUpload(
  policy: SessionPolicy,
  request: JsonObject,
  round: number,
): Dialogue<boolean> {
  if (request["command"] === "upload") yield* echoUpload(policy, request, round);
  else yield* fail("unknown_command", "Unknown command");
  return true;
}

/** Any failure; the connection continues. */
export function* fail(code: WireCode, message: string): Dialogue {
  yield* say(refusalOf(code, message));
}

function* say(message: JsonObject): Dialogue {
  yield* ask("send", { bytes: encodeMessage(message) });
}

// — What is offered ———————————————————————————————————————————————————————————————————————————————

function* list(request: JsonObject): Dialogue {
  const after = request["after"] === undefined ? undefined : nameIn(request["after"]);
  if (request["after"] !== undefined && after === undefined) {
    return yield* fail("bad_request", "bad field: after");
  }
  const countMax = LISTED_FILES_PER_STEP;
  const withMd5 = request["md5"] === true;
  const files = yield* ask("files", { after, countMax, withMd5 });
  const next = files.length === countMax ? { next: files.at(-1)!.name } : {};
  yield* say({ status: "files", files: files.map(described), ...next });
}

/** A file as our messages describe it. */
function described(file: SessionFile): JsonObject {
  const { name, sizeBytes, sha256, root, md5, isPrefix } = file;
  return {
    name,
    size: sizeBytes,
    ...timeFields(file),
    ...(sha256 !== undefined && { sha256 }),
    ...(root !== undefined && { root }),
    ...(md5 !== undefined && { md5 }),
    ...(isPrefix && { growing: true }),
  };
}

/** Returns whether the connection still makes sense. */
function* fetch({ server }: SessionPolicy, request: JsonObject): Dialogue<boolean> {
  const query = queryIn(request);
  const offset = sizeIn(request["offset"] ?? 0);
  if (query === undefined || offset === undefined) {
    const message = "fetch needs a name, tree, root and size, sha256 or md5, and an offset";
    yield* fail("bad_request", message);
    return true;
  }
  const file = yield* ask("find", { query, withMd5: query.by === "md5" });
  if (file === undefined) {
    yield* fail("not_found", "nothing is offered by that name or digest");
    return true;
  }
  if (file.root === undefined) {
    const { hashedBytes = 0, rateBytesPerS = 0 } = file.hashing ?? {};
    yield* say({
      ...refusalOf("pending", "the file is still being hashed: ask again"),
      ...{ size: file.sizeBytes, hashed: hashedBytes, rate: rateBytesPerS },
    });
    return true;
  }
  const lengthBytes = sizeIn(request["length"] ?? Math.max(0, file.sizeBytes - offset));
  if (lengthBytes === undefined || offset + lengthBytes > file.sizeBytes) {
    yield* fail("bad_request", "the file has no such bytes");
    return true;
  }
  const length = lengthBytes;
  yield* say({ status: "file", ...described(file), offset, length, ...(server && { server }) });
  const isSent = yield* ask("sendFile", { file, offset, lengthBytes, framing: "frames" });
  if (isSent) yield* say({ status: "sent" });
  else yield* fail("changed", "the file changed");
  return true;
}

function* layer(request: JsonObject): Dialogue {
  const root = digestIn(request["root"]);
  const sizeBytes = sizeIn(request["size"]);
  if (root === undefined || sizeBytes === undefined) {
    return yield* fail("bad_request", "layer needs root and size");
  }
  const bytes = yield* ask("layer", { root, sizeBytes });
  if (bytes === undefined) {
    return yield* fail("not_found", "no file is offered with that root");
  }
  yield* say({ status: "layer", length: bytes.length });
  yield* ask("sendBody", { bytes });
  yield* say({ status: "sent" });
}

/** The answer does not say whether it counts. */
function* strike(request: JsonObject): Dialogue {
  const root = digestIn(request["root"]);
  const sizeBytes = sizeIn(request["size"]);
  const chunk = sizeIn(request["chunk"]);
  if (root === undefined || sizeBytes === undefined || chunk === undefined) {
    return yield* fail("bad_request", "strike needs root, size and chunk");
  }
  yield* ask("strike", { root, sizeBytes, chunk });
  yield* say({ status: "noted" });
}

// — Uploads ———————————————————————————————————————————————————————————————————————————————————————

/** Returns whether the connection still makes sense. */
function* put(policy: SessionPolicy, request: JsonObject): Dialogue<boolean> {
  const text = request["name"];
  const name = typeof text === "string" ? uploadName(text, "whole") : undefined;
  const sizeBytes = sizeIn(request["size"]);
  const modified = typeof request["mtime"] === "number" ? timeIn(request) : undefined;
  const sha256 = digestIn(request["sha256"]);
  if (name === undefined || sizeBytes === undefined || modified === undefined) {
    const message = "put needs a name that can be offered, a size and an mtime";
    yield* ask("refuse", { name: typeof text === "string" ? text : "", message });
    yield* fail("bad_request", message);
    return true;
  }
  const refusal = uploadRefusal(policy, sizeBytes);
  if (refusal !== undefined) {
    yield* ask("refuse", { name, message: refusal });
    yield* fail("refused", refusal);
    return true;
  }
  const there = yield* ask("find", { query: { by: "name", name }, withMd5: true });
  if (there?.sizeBytes === sizeBytes && there.sha256 !== undefined) {
    if (sha256 === undefined) {
      // Perhaps it is the same file: a digest is sooner made than a file is sent.
      yield* say({ status: "hash" });
      return true;
    }
    if (sha256 === there.sha256) {
      yield* say({ status: "present", ...described(there) });
      return true;
    }
  }
  const begun = yield* ask("beginUpload", { name, sizeBytes, modified, isResumable: true });
  if (begun.kind === "refused") {
    yield* fail("refused", begun.message);
    return true;
  }
  const { offset, prefixSha256 } = begun;
  yield* say({ status: "ready", offset, ...(prefixSha256 && { sha256: prefixSha256 }) });
  return yield* receive(sizeBytes, offset);
}

/** Takes the body of a `put` and says what became of it. */
function* receive(sizeBytes: number, offered: number): Dialogue<boolean> {
  const read = yield* ask("message", { bytesMax: SESSION_COMMAND_BYTES_MAX });
  const request = read.kind === "message" ? parseMessage(read.bytes) : undefined;
  const offset = sizeIn(request?.["offset"]);
  if (request?.["command"] !== "body" || (offset !== 0 && offset !== offered)) {
    if (read.kind !== "ended") {
      yield* fail("bad_request", "expected a body from 0 or from the offset that was given");
    }
    return false;
  }
  const body = yield* ask("receiveUpload", { offset, framing: "frames" });
  if (body.kind === "failed") yield* fail("refused", body.message);
  if (body.kind !== "received") return false;
  const end = yield* ask("message", { bytesMax: SESSION_COMMAND_BYTES_MAX });
  const said = end.kind === "message" ? parseMessage(end.bytes) : undefined;
  const sha256 = digestIn(said?.["sha256"]);
  if (said?.["command"] !== "end" || sha256 === undefined) {
    if (end.kind !== "ended") yield* fail("bad_request", "expected the sha256 of the whole file");
    return false;
  }
  const ended = yield* ask("endUpload", { sha256 });
  if (ended.kind === "failed") yield* fail(ended.code, ended.message);
  else {
    const { name, sha256, md5, isPresent: present } = ended;
    yield* say({ status: "stored", name, size: sizeBytes, sha256, md5, present });
  }
  return true;
}

// — Fields ————————————————————————————————————————————————————————————————————————————————————————

function queryIn(request: JsonObject): FileQuery | undefined {
  const { name: text, tree, root: rootHex, sha256: hex, md5: id } = request;
  if (text !== undefined) {
    const name = nameIn(text);
    return name && { by: "name", name };
  }
  if (tree !== undefined) {
    const folder = tree === "" ? undefined : nameIn(tree);
    return tree === "" || folder !== undefined ? { by: "tree", folder } : undefined;
  }
  // Who knows of roots gives both, for servers that do not.
  if (rootHex !== undefined) {
    const [root, sizeBytes] = [digestIn(rootHex), sizeIn(request["size"])];
    return root && sizeBytes !== undefined ? { by: "content", root, sizeBytes } : undefined;
  }
  if (hex !== undefined) {
    const sha256 = digestIn(hex);
    return sha256 && { by: "sha256", sha256 };
  }
  if (typeof id !== "string" || !/^[0-9a-f]{32}$/i.test(id)) return undefined;
  return { by: "md5", md5: id.toLowerCase() };
}

function nameIn(value: unknown): SafeFileName | undefined {
  if (typeof value !== "string") return undefined;
  const parsed = parseFileName(value);
  return parsed.ok ? parsed.name : undefined;
}

function digestIn(value: unknown): HashHex | undefined {
  if (typeof value !== "string" || value.length !== 64) return undefined;
  return fromHex(value.toLowerCase()) && hashHex(value.toLowerCase());
}

function sizeIn(value: unknown): number | undefined {
  const isSize = typeof value === "number" && Number.isInteger(value) && value >= 0;
  return isSize && value <= FILE_BYTES_MAX ? value : undefined;
}
