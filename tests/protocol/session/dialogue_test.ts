import { assert, assertEquals, assertMatch } from "@std/assert";
import { hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../../lib/wire/limits.ts";
import { SESSION_SKIP_BYTES_MAX } from "../../../lib/protocol/session/limits.ts";
import type {
  Dialogue,
  ResultOf,
  SessionFile,
  SessionPolicy,
  SessionStep,
  StepKind,
} from "../../../lib/protocol/session/dialogue.ts";
import { serveSession } from "../../../lib/protocol/session/serve_session.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { wireCodeIn } from "../../../lib/wire/session_codes.ts";
import { encodeMessage, parseMessage } from "../../../lib/wire/session_json.ts";

const POLICY: SessionPolicy = {
  allowsUpload: true,
  uploadBytesMax: 1_000,
  refusal: undefined,
  chunkBytes: 4,
  errorRate: 0,
  seed: 1,
};
const SHA = hashHex("ab".repeat(32));
const FILE: SessionFile = {
  name: "a.txt" as SafeFileName,
  place: { kind: "file", dir: "/served", name: "a.txt" },
  sizeBytes: 5,
  mtimeMs: 7,
  ctimeMs: 1,
  inode: 1,
  sha256: SHA,
  root: SHA,
  md5: "c".repeat(32),
};
const decoder = new TextDecoder();

type Script = readonly { readonly [Kind in StepKind]: readonly [Kind, ResultOf<Kind>] }[StepKind][];

/** Plays a dialogue against a script of results; sends and logs are noted, not scripted. */
function play(dialogue: Dialogue, script: Script) {
  const steps: SessionStep[] = [];
  let said = "";
  const messages: unknown[] = [];
  const logs: string[] = [];
  const refused: (readonly [string, string])[] = [];
  let at = 0;
  let next = dialogue.next();
  while (!next.done) {
    const step = next.value;
    let result: unknown;
    if (step.kind === "send") {
      said += decoder.decode(step.bytes);
      if (step.bytes[0]! < 0x20) messages.push(parseMessage(step.bytes.subarray(4)));
    } else if (step.kind === "refuse") {
      refused.push([step.name, step.message]);
    } else if (step.kind === "log") {
      for (const message of step.messages) {
        logs.push(message);
        const sent = /^Sent chunk (\d+)$/.exec(message)?.[1];
        if (sent !== undefined) assertMatch(said, new RegExp(`"sequence":${sent},`));
      }
    } else {
      steps.push(step);
      const [kind, scripted] = script[at++] ?? [];
      assertEquals(step.kind, kind, `step ${at}`);
      result = scripted;
    }
    next = dialogue.next(result);
  }
  assertEquals(at, script.length, "the dialogue ended early");
  return { steps, said, messages, logs, refused };
}

const line = (text: string) => ["line", { kind: "line", text }] as const;
const message = (value: unknown) =>
  ["message", { kind: "message", bytes: encodeMessage(value).slice(4) }] as const;
const CLOSED = { kind: "ended", why: "closed" } as const;
const IDLE = { kind: "ended", why: "idle" } as const;
const ASCII = ["peek", 0x4c] as const;
const JSON_BYTE = ["peek", 0] as const;

Deno.test("a peer that says nothing is told nothing", () => {
  assertEquals(play(serveSession(POLICY), [["peek", undefined]]).said, "");
});

Deno.test("what begins like neither dialect gets one line", () => {
  for (const byte of [0x20, 0x61, 0x7b, 0x80, 0xff]) {
    assertEquals(play(serveSession(POLICY), [["peek", byte]]).said, "ERROR that is no command\n");
  }
});

Deno.test("a first line that is no command ends the session, and a later one does not", () => {
  const notText = ["line", { kind: "notText" }] as const;
  for (const first of [line("POST / HTTP/1.1"), line("HELLO"), notText]) {
    assertMatch(play(serveSession(POLICY), [ASCII, first]).said, /^ERROR [^\n]+\n$/);
  }
  const { said } = play(serveSession(POLICY), [
    ASCII,
    line("LIST_FILES"),
    ["files", []],
    line("HELLO"),
    notText,
    line("LIST_FILES"),
    ["files", []],
    ["line", CLOSED],
  ]);
  assertMatch(said, /^No files[^\n]+\nERROR unknown[^\n]+\nERROR [^\n]+\nNo files[^\n]+\n$/);
});

Deno.test("one too many is told so in its dialect, and nothing is read", () => {
  const crowded = { ...POLICY, refusal: "too many connections: 2" };
  assertMatch(play(serveSession(crowded), [ASCII]).said, /^ERROR too many connections/);
  const [refusal] = play(serveSession(crowded), [JSON_BYTE]).messages as { status: string }[];
  assertEquals(refusal?.status, "error");
});

Deno.test("whatever is refused, a code says why", () => {
  const { sha256: _sha256, root: _root, ...pending } = FILE;
  const put = { command: "put", name: "b", size: 5, mtime: 7 };
  const find = (file: SessionFile | undefined) => ["find", file] as const;
  const cases: readonly (readonly [string, unknown, Script, Partial<SessionPolicy>])[] = [
    ["unknown_command", { command: "dance" }, [], {}],
    ["bad_request", { command: "list", after: "../x" }, [], {}],
    ["bad_request", { command: "fetch" }, [], {}],
    ["bad_request", { command: "fetch", name: "a.txt", offset: "x" }, [], {}],
    ["bad_request", { command: "fetch", name: "a.txt", offset: 9 }, [find(FILE)], {}],
    ["not_found", { command: "fetch", name: "a.txt" }, [find(undefined)], {}],
    ["pending", { command: "fetch", name: "a.txt" }, [find(pending)], {}],
    ["bad_request", { command: "layer" }, [], {}],
    ["not_found", { command: "layer", root: SHA, size: 5 }, [["layer", undefined]], {}],
    ["bad_request", { command: "strike", root: SHA, size: 5 }, [], {}],
    ["bad_request", { command: "put" }, [], {}],
    ["refused", put, [], { allowsUpload: false }],
    ["refused", { ...put, size: 1_001 }, [], {}],
    ["bad_request", { command: "upload" }, [], {}],
    ["refused", { command: "upload" }, [], { allowsUpload: false }],
  ];
  for (const [code, request, results, policy] of cases) {
    const [refusal] = play(serveSession({ ...POLICY, ...policy }), [
      JSON_BYTE,
      message(request),
      ...results,
      message({ command: "disconnect" }),
    ]).messages as { status: string; code: string }[];
    assertEquals([refusal?.status, refusal?.code], ["error", code], JSON.stringify(request));
    assertEquals(wireCodeIn(code), code);
  }
  // Whoever begins with what is no object does not speak this; in between it is a mistake.
  const noObject = play(serveSession(POLICY), [JSON_BYTE, message([])]).messages;
  const later = play(serveSession(POLICY), [
    ...[JSON_BYTE, message({ command: "dance" }), message([])],
    message({ command: "disconnect" }),
  ]).messages;
  for (const each of [noObject[0], later[1]]) {
    assertEquals((each as { code: string }).code, "bad_request");
  }
  const large = { kind: "tooLarge", lengthBytes: SESSION_SKIP_BYTES_MAX + 1 } as const;
  for (const [allowsUpload, code] of [[true, "too_large"], [false, "refused"]] as const) {
    const said = play(serveSession({ ...POLICY, allowsUpload }), [JSON_BYTE, ["message", large]]);
    assertEquals((said.messages[0] as { code: string }).code, code);
  }
});

Deno.test("a code that nobody knows counts as a refusal", () => {
  for (const code of [undefined, 7, "because", {}]) assertEquals(wireCodeIn(code), "refused");
});

Deno.test("a peer that falls silent is told why it is left", () => {
  assertMatch(play(serveSession(POLICY), [ASCII, ["line", IDLE]]).said, /^ERROR nothing arrived/);
  assertMatch(play(serveSession(POLICY), [JSON_BYTE, ["message", IDLE]]).said, /nothing arrived/);
});

Deno.test("a listing leaves out what the dialect cannot say, and what has no id yet", () => {
  const { md5: _, ...unknown } = FILE;
  const inFolder = { ...FILE, name: "b/c" as SafeFileName };
  const { said } = play(serveSession(POLICY), [
    ASCII,
    line("LIST_FILES"),
    ["files", [FILE, unknown, inFolder]],
    ["line", CLOSED],
  ]);
  assertEquals(said, `${FILE.md5};a.txt;5\n`);
});

Deno.test("a file that changes in the middle of a raw body ends the connection", () => {
  const { said } = play(serveSession(POLICY), [
    ASCII,
    line("DOWNLOAD"),
    line(FILE.md5!),
    ["find", FILE],
    ["sendFile", false],
  ]);
  assertEquals(said, "Please send a file ID\n");
});

Deno.test("an upload is refused before its size is asked for, or before its body is", () => {
  const closed = { ...POLICY, allowsUpload: false };
  assertMatch(
    play(serveSession(closed), [ASCII, line("UPLOAD"), ["line", CLOSED]]).said,
    /^ERROR uploads are not allowed/,
  );
  const { said } = play(serveSession(POLICY), [
    ASCII,
    line("UPLOAD"),
    line("a;1001"),
    ["line", CLOSED],
  ]);
  assertMatch(said, /ERROR the file is too large/);
});

Deno.test("an upload that ends early is not stored", () => {
  const { said } = play(serveSession(POLICY), [
    ASCII,
    line("UPLOAD"),
    line("a;5"),
    ["beginUpload", { kind: "ready", offset: 0 }],
    ["receiveUpload", CLOSED],
  ]);
  assertEquals(said.endsWith("Ready to receive the file\n"), true);
});

Deno.test("a message that is too large is passed over, or too much even for that", () => {
  const closed = { ...POLICY, allowsUpload: false };
  const large = { kind: "tooLarge", lengthBytes: SESSION_COMMAND_BYTES_MAX + 1 } as const;
  const { steps, messages } = play(serveSession(closed), [
    JSON_BYTE,
    ["message", large],
    ["skip", true],
    message({ command: "disconnect" }),
  ]);
  assertEquals(steps[1], { kind: "message", bytesMax: SESSION_COMMAND_BYTES_MAX });
  assertEquals(messages.length, 1);
  const huge = { ...large, lengthBytes: SESSION_SKIP_BYTES_MAX + 1 };
  play(serveSession(closed), [JSON_BYTE, ["message", huge]]);
});

Deno.test("a put of what may be there asks for the digest, and sends nothing that is there", () => {
  const put = { command: "put", name: "a.txt", size: 5, mtime: 7 };
  const { messages } = play(serveSession(POLICY), [
    JSON_BYTE,
    message(put),
    ["find", FILE],
    message({ ...put, sha256: SHA }),
    ["find", FILE],
    message({ command: "disconnect" }),
  ]);
  assertEquals((messages as { status: string }[]).map(({ status }) => status), ["hash", "present"]);
});

Deno.test("whoever runs a server is told which uploads it refuses, and why", () => {
  const put = { command: "put", name: "big", size: 5_000, mtime: 7 };
  const json = play(serveSession(POLICY), [
    JSON_BYTE,
    message(put),
    message({ ...put, name: "../up" }),
    message({ ...put, name: 7 }),
    message({ command: "upload", file_path: "echo", file_data_hex: "00".repeat(1_001) }),
    message({ command: "disconnect" }),
  ]);
  const tooLarge = (size: string) =>
    `the file is too large: ${size}, where the server takes up to 1.0 kB (--max-upload)`;
  assertEquals(json.refused.map(([name]) => name), ["big", "../up", "", "echo"]);
  assertEquals(json.refused[0]![1], tooLarge("5.0 kB"));
  const ascii = play(serveSession(POLICY), [
    ASCII,
    line("UPLOAD"),
    line("big;5000"),
    line("UPLOAD"),
    line("nonsense"),
    ["line", CLOSED],
  ]);
  assertEquals(ascii.refused.map(([name]) => name), ["big", "nonsense"]);
  const closed = play(serveSession({ ...POLICY, allowsUpload: false }), [
    ASCII,
    line("UPLOAD"),
    ["line", CLOSED],
  ]);
  assertEquals(closed.refused.map(([name]) => name), [""]);
});

Deno.test("a put is stored when its digest is told, and not before", () => {
  const put = { command: "put", name: "b", size: 5, mtime: 7 };
  const stored = {
    kind: "stored",
    name: "b" as SafeFileName,
    sha256: SHA,
    md5: FILE.md5!,
    isPresent: false,
  } as const;
  const { messages } = play(serveSession(POLICY), [
    JSON_BYTE,
    message(put),
    ["find", undefined],
    ["beginUpload", { kind: "ready", offset: 3, prefixSha256: SHA }],
    message({ command: "body", offset: 3 }),
    ["receiveUpload", { kind: "received" }],
    message({ command: "end", sha256: SHA }),
    ["endUpload", stored],
    message({ command: "disconnect" }),
  ]);
  assertEquals(messages[0], { status: "ready", offset: 3, sha256: SHA });
  assertEquals((messages[1] as { status: string }).status, "stored");
  play(serveSession(POLICY), [
    JSON_BYTE,
    message(put),
    ["find", undefined],
    ["beginUpload", { kind: "ready", offset: 3, prefixSha256: SHA }],
    message({ command: "body", offset: 2 }),
  ]);
});

Deno.test("the round trip tells of the chunks that it sent, after that, and of no others", () => {
  const data = new TextEncoder().encode("0123456789".repeat(20));
  const upload = { command: "upload", file_path: "a", file_data_hex: toHex(data) };
  const { said, logs } = play(serveSession({ ...POLICY, errorRate: 0.5 }), [
    JSON_BYTE,
    message(upload),
    message({ command: "disconnect" }),
  ]);
  const sent = [...said.matchAll(/"sequence":(\d+)/g)].map(([, number]) => number);
  assert(sent.length > 25 && sent.length < 50, `${sent.length} of 50 were sent`);
  assertEquals(
    logs.filter((line) => line.startsWith("Sent")),
    sent.map((number) => `Sent chunk ${number}`),
  );
  assertEquals(logs[0], `Calculated checksum: ${toHex(sha256(data))}`);
});

Deno.test("of a file that goes back in several batches, each is told of after it has left", () => {
  const upload = { command: "upload", file_path: "a", file_data_hex: "ab".repeat(100_000) };
  const { logs } = play(serveSession({ ...POLICY, uploadBytesMax: 100_000, chunkBytes: 1_000 }), [
    JSON_BYTE,
    message(upload),
    message({ command: "disconnect" }),
  ]);
  const sent = logs.filter((line) => line.startsWith("Sent"));
  assertEquals([sent.length, new Set(sent).size], [100, 100]);
});

Deno.test("the round trip sends each chunk once, or those that are asked for", () => {
  const text = "0123456789";
  const upload = { command: "upload", file_path: "a", file_data: text };
  const chunksOf = (request: unknown): Map<number, string> => {
    const { said } = play(serveSession(POLICY), [
      JSON_BYTE,
      message(request),
      message({ command: "disconnect" }),
    ]);
    const chunks = new Map<number, string>();
    for (const [, sequence, data] of said.matchAll(/"sequence":(\d+),"data":"(\w+)"/g)) {
      assert(!chunks.has(Number(sequence)));
      chunks.set(Number(sequence), data!);
    }
    assertMatch(said, new RegExp(toHex(sha256(new TextEncoder().encode(text)))));
    return chunks;
  };
  assertEquals([...chunksOf(upload).keys()].sort(), [0, 1, 2]);
  assertEquals(chunksOf(upload).get(2), "3839");
  assertEquals([...chunksOf({ ...upload, sequences: [1, 1, 9, -1, "x"] }).keys()], [1]);
});
