/** What holds for the codecs of sessions over TCP, however the stream is cut and whatever is in it. */
import { assert, assertEquals, assertLess } from "@std/assert";
import * as fc from "fast-check";
import { MTIME_MS_MAX } from "../../lib/limits.ts";
import { SESSION_LINE_BYTES_MAX } from "../../lib/wire/limits.ts";
import { LOCATE_QUERIES_MAX } from "../../lib/protocol/master/limits.ts";
import {
  fileIn,
  fileJson,
  leaseIn,
  listQueryIn,
  locatedIn,
  locateQueriesIn,
  providerIn,
  updateIn,
} from "../../lib/protocol/master/master_messages.ts";
import { ByteQueue } from "../../lib/wire/byte_queue.ts";
import {
  isSayable,
  type LineForm,
  listLine,
  parseListLine,
  parseNameAndSize,
  takeLine,
  type TakenLine,
} from "../../lib/wire/session_ascii.ts";
import {
  BodyFrames,
  encodeMessage,
  type JsonObject,
  lengthPrefix,
  parseMessage,
  takeMessage,
} from "../../lib/wire/session_json.ts";
import {
  bytes,
  fileName,
  hash,
  hostileText,
  property,
  sizeBytes,
  streamBytes,
} from "../support/arbitraries.ts";

const pieces = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

/** `stream` as it might arrive: in pieces of these sizes, again and again. */
function* cut(stream: Uint8Array<ArrayBuffer>, sizes: readonly number[]) {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const end = Math.min(stream.length, at + sizes[i % sizes.length]!);
    yield stream.slice(at, end);
    at = end;
  }
}

function filled(stream: Uint8Array<ArrayBuffer>, sizes: readonly number[]): ByteQueue {
  const queue = new ByteQueue();
  for (const piece of cut(stream, sizes)) queue.push(piece);
  return queue;
}

property("a byte queue gives what it was given, whichever way it is taken", [
  bytes(200),
  pieces,
  fc.array(fc.tuple(fc.constantFrom("take", "takeSome", "skip", "peek"), fc.nat(60)), {
    maxLength: 12,
  }),
], (stream, sizes, calls) => {
  const queue = filled(stream, sizes);
  let at = 0;
  for (const [call, count] of calls) {
    const left = stream.length - at;
    if (call === "peek") {
      assertEquals(queue.peek(count, 3), stream.slice(at + 3, Math.max(at + 3, at + count + 3)));
    } else if (call === "skip") {
      assertEquals(queue.skip(count), Math.min(count, left));
      at += Math.min(count, left);
    } else if (call === "take") {
      const taken = queue.take(count);
      assertEquals(taken, count > left ? undefined : stream.slice(at, at + count));
      at += taken?.length ?? 0;
    } else {
      const taken = queue.takeSome(count);
      assertEquals(taken, stream.slice(at, at + taken.length));
      assert(taken.length > 0 || count === 0 || left === 0);
      at += taken.length;
    }
    assertEquals(queue.lengthBytes, stream.length - at);
  }
});

const jsonObject: fc.Arbitrary<JsonObject> = fc.dictionary(
  fc.string({ maxLength: 8 }),
  fc.jsonValue({ maxDepth: 4 }),
  { maxKeys: 6 },
);

property("a JSON message says what was encoded, and the next begins where it ends", [
  fc.array(jsonObject, { minLength: 1, maxLength: 4 }),
  pieces,
], (values, sizes) => {
  const stream = Uint8Array.from(values.flatMap((value) => [...encodeMessage(value)]));
  const queue = new ByteQueue();
  const said: unknown[] = [];
  for (const piece of cut(stream, sizes)) {
    queue.push(piece);
    for (let taken = takeMessage(queue, 100_000); taken; taken = takeMessage(queue, 100_000)) {
      assert(taken.kind === "message");
      said.push(parseMessage(taken.bytes));
    }
  }
  assertEquals(said, values.map((value) => JSON.parse(JSON.stringify(value))));
  assertEquals(queue.lengthBytes, 0);
});

property("no bytes make the parsers of messages and bodies throw, or keep them busy", [
  fc.oneof(bytes(300), jsonObject.map((value) => encodeMessage(value)), streamBytes),
  fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 4 }),
  pieces,
], (stream, changes, sizes) => {
  const wire = Uint8Array.from(stream);
  for (const [where, byte] of changes) if (wire.length > 0) wire[where % wire.length] = byte;
  const said = parseMessage(wire);
  assert(said === undefined || (typeof said === "object" && !Array.isArray(said)));
  const queue = filled(wire, sizes);
  for (let left = Infinity; queue.lengthBytes < left;) {
    left = queue.lengthBytes;
    const taken = takeMessage(queue, 64);
    if (taken?.kind === "message") assert(taken.bytes.length <= 64);
  }
  const [body, rest] = [new BodyFrames(), filled(wire, sizes)];
  for (let left = Infinity; rest.lengthBytes < left && body.take(rest, 7) !== undefined;) {
    left = rest.lengthBytes;
  }
});

property("a body arrives as it was framed, whatever is taken at once", [
  fc.array(bytes(60, 1), { maxLength: 5 }),
  pieces,
  fc.integer({ min: 1, max: 100 }),
], (frames, sizes, takenMax) => {
  const whole = frames.flatMap((each) => [...each]);
  const framed = frames.flatMap((each) => [...lengthPrefix(each.length), ...each]);
  const stream = Uint8Array.from([...framed, ...lengthPrefix(0), 0x7b]);
  const [queue, body, taken] = [new ByteQueue(), new BodyFrames(), [] as number[]];
  for (const piece of cut(stream, sizes)) {
    queue.push(piece);
    for (let left = Infinity; queue.lengthBytes < left && !body.isAtEnd;) {
      left = queue.lengthBytes;
      taken.push(...body.take(queue, takenMax)!);
    }
  }
  assert(body.isAtEnd);
  assertEquals(taken, whole);
  assertEquals(queue.takeSome(9), Uint8Array.of(0x7b));
});

const form = fc.constantFrom<LineForm>("command", "id", "text");

property("lines come to an end, bounded, and out of any pieces the same", [
  streamBytes,
  fc.array(form, { minLength: 1, maxLength: 6 }),
  pieces,
], (stream, forms, sizes) => {
  const read = (queue: ByteQueue): TakenLine[] => {
    const lines: TakenLine[] = [];
    for (;;) {
      const line = takeLine(queue, forms[lines.length % forms.length]!, true);
      if (line === undefined || line.kind === "tooLong") return lines;
      if (line.kind === "line") {
        assertEquals(line.text, line.text.trim());
        assert(line.text !== "" && line.text.length <= SESSION_LINE_BYTES_MAX);
      }
      lines.push(line);
      assert(lines.length <= stream.length, "a line was taken and nothing with it");
    }
  };
  assertEquals(read(filled(stream, sizes)), read(filled(stream, [Math.max(1, stream.length)])));
});

Deno.test("a flood of blanks costs about as much as a look at each", () => {
  for (const text of ["\n", " \n", "\r\n\t"]) {
    const queue = new ByteQueue();
    queue.push(new TextEncoder().encode(text.repeat(500_000)));
    const startedMs = performance.now();
    assertEquals(takeLine(queue, "command", false), undefined);
    assertEquals(queue.lengthBytes, 0);
    // Looked at a line at a time it takes seconds.
    assertLess(performance.now() - startedMs, 1_000);
  }
});

property("a line of a listing says what it was made of, and any other text nothing or the same", [
  fc.oneof(fileName, hostileText),
  sizeBytes.map((value) => value % 1e15),
  bytes(16, 16),
  hostileText,
], (name, size, id, text) => {
  fc.pre(name !== "" && isSayable(name) && name.isWellFormed());
  const file = { id: id.toHex(), name, sizeBytes: size };
  assertEquals(parseListLine(listLine(file)), file);
  assertEquals(parseNameAndSize(`${name};${size}`), { name, sizeBytes: size });
  const [parsed, named] = [parseListLine(text), parseNameAndSize(text)];
  if (parsed !== undefined) assertEquals(parseListLine(listLine(parsed)), parsed);
  assert(named === undefined || (named.sizeBytes < 1e15 && !named.name.includes(";")));
});

property("a file that is registered is told of as it was", [
  fileName,
  sizeBytes,
  fc.double({ min: 0, max: MTIME_MS_MAX, noNaN: true }),
  hash,
  hash,
], (name, size, mtimeMs, sha256, root) => {
  const file = { name, sizeBytes: size, mtimeMs: mtimeMs + 0, sha256, root };
  assertEquals(fileIn(JSON.parse(JSON.stringify(fileJson(file)))), file);
});

const FIELDS = [
  "server",
  "port",
  "lease",
  "revision",
  "reset",
  "put",
  "remove",
  "names",
  "sha256",
  "prefix",
  "glob",
  "after",
  "since",
  "count",
  "name",
  "size",
  "mtime",
  "root",
  "servers",
  "id",
  "address",
  "toString",
  "__proto__",
];
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 3 }),
  hostileText,
  fc.array(hostileText, { maxLength: 4 }),
  hash,
  fc.constantFrom<unknown>(null, -1, 0, 0.5, 1e308, 65_536, "10.0.0.1", "1.2.3.4.5", "999.1.1.1"),
);

property("what a master is told is checked field by field, and nothing makes that throw", [
  fc.dictionary(fc.constantFrom(...FIELDS), value, { maxKeys: 12 }),
], (request) => {
  const told: JsonObject = JSON.parse(JSON.stringify(request));
  const provider = providerIn(told, "10.0.0.1");
  assert(provider === undefined || provider.endpoint.address === "10.0.0.1");
  leaseIn(told["lease"]);
  const update = updateIn(told);
  assert(update === undefined || update.revision > 0);
  assert((locateQueriesIn(told)?.length ?? 0) <= LOCATE_QUERIES_MAX);
  const query = listQueryIn(told);
  assert(query === undefined || typeof query.matches("a/b.txt") === "boolean");
  for (const each of [told, told["put"], null, 5, [told]]) {
    fileIn(each);
    locatedIn(each);
  }
}, 1_000);
