/** The server's side of the ASCII dialect with MD5 ids. */
import type { SafeFileName } from "../../ids.ts";
import { LISTED_FILES_PER_STEP } from "./limits.ts";
import {
  asciiLine,
  isSayable,
  listLine,
  NO_FILES,
  parseNameAndSize,
} from "../../wire/session_ascii.ts";
import {
  ask,
  type Dialogue,
  type LineRead,
  type SessionFile,
  type SessionPolicy,
} from "./dialogue.ts";
import { uploadName, uploadRefusal } from "./upload_rules.ts";

/**
 * Answers commands until the peer has no more. One whose first line is no command does not speak this dialect:
 * what it says next may be anything, such as the body of a request of another protocol.
 */
export function* serveAscii(policy: SessionPolicy): Dialogue {
  for (let isFirst = true;; isFirst = false) {
    const command = yield* ask("line", { form: "command" });
    if (command.kind !== "line") {
      if ((yield* explain(command)) && !isFirst) continue;
      return;
    }
    switch (command.text) {
      case "LIST_FILES":
      case "LIST FILES":
        yield* list();
        break;
      case "DOWNLOAD":
        if (yield* download()) break;
        return;
      case "UPLOAD":
        if (yield* upload(policy)) break;
        return;
      default:
        yield* say("ERROR unknown command: LIST_FILES, DOWNLOAD and UPLOAD are known");
        if (isFirst) return;
    }
  }
}

function* say(text: string): Dialogue {
  yield* ask("send", { bytes: asciiLine(text) });
}

/** Says what was wrong with a line that is none; returns whether another may follow. */
function* explain(read: Exclude<LineRead, { kind: "line" }>): Dialogue<boolean> {
  switch (read.kind) {
    case "notText":
      yield* say("ERROR that is not UTF-8");
      return true;
    case "tooLong":
      yield* say("ERROR the line is too long");
      return false;
    case "ended":
      if (read.why === "idle") yield* say("ERROR nothing arrived for too long");
      return false;
  }
}

function* list(): Dialogue {
  const lines: string[] = [];
  let after: SafeFileName | undefined;
  for (;;) {
    const countMax = LISTED_FILES_PER_STEP;
    const files: readonly SessionFile[] = yield* ask("files", { after, countMax, withMd5: true });
    for (const { name, sizeBytes, md5 } of files) {
      if (md5 !== undefined && isSayable(name)) lines.push(listLine({ id: md5, name, sizeBytes }));
    }
    if (files.length < countMax) break;
    after = files.at(-1)!.name;
  }
  yield* say(lines.length === 0 ? NO_FILES : lines.join("\n"));
}

/** Returns whether the connection still makes sense. */
function* download(): Dialogue<boolean> {
  yield* say("Please send a file ID");
  const read = yield* ask("line", { form: "id" });
  if (read.kind !== "line") return yield* explain(read);
  if (!/^[0-9a-fA-F]{32}$/.test(read.text)) {
    yield* say("ERROR a file ID has 32 hexadecimal digits");
    return true;
  }
  const query = { by: "md5", md5: read.text.toLowerCase() } as const;
  const file = yield* ask("find", { query, withMd5: true });
  if (file === undefined) {
    yield* say("ERROR no file has that ID");
    return true;
  }
  // Half a file cannot be taken back: only the end of the connection says that it was not all.
  return yield* ask("sendFile", {
    file,
    offset: 0,
    lengthBytes: file.sizeBytes,
    framing: "raw",
  });
}

/** Returns whether the connection still makes sense. */
function* upload(policy: SessionPolicy): Dialogue<boolean> {
  const closedDoor = uploadRefusal(policy, 0);
  if (closedDoor !== undefined) {
    yield* ask("refuse", { name: "", message: closedDoor });
    yield* say(`ERROR ${closedDoor}`);
    return true;
  }
  yield* say("Please send the file name and file size");
  const read = yield* ask("line", { form: "text" });
  if (read.kind !== "line") return yield* explain(read);
  const wanted = parseNameAndSize(read.text);
  const name = wanted && uploadName(wanted.name, "base");
  if (wanted === undefined || name === undefined) {
    const message = "that is not a file name and a size, as in notes.txt;120";
    yield* ask("refuse", { name: read.text, message });
    yield* say(`ERROR ${message}`);
    return true;
  }
  const refusal = uploadRefusal(policy, wanted.sizeBytes);
  if (refusal !== undefined) yield* ask("refuse", { name, message: refusal });
  const begun = refusal !== undefined
    ? { kind: "refused", message: refusal } as const
    : yield* ask("beginUpload", {
      name,
      sizeBytes: wanted.sizeBytes,
      modified: undefined,
      isResumable: false,
    });
  if (begun.kind === "refused") {
    yield* say(`ERROR ${begun.message}`);
    return true;
  }
  yield* say("Ready to receive the file");
  const body = yield* ask("receiveUpload", { offset: 0, framing: "raw" });
  if (body.kind === "failed") yield* say(`ERROR ${body.message}`);
  if (body.kind !== "received") return false;
  const ended = yield* ask("endUpload", {});
  yield* say(ended.kind === "stored" ? ended.md5 : `ERROR ${ended.message}`);
  return true;
}
