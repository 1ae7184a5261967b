import { assertEquals } from "@std/assert";
import { Upload, type UploadParts } from "../../../lib/web/assets/upload.js";
import { UploadError } from "../../../lib/web/assets/upload_api.js";
import { UploadQueue } from "../../../lib/web/assets/upload_queue.js";

/** A server of uploads that does as it is told. */
class ScriptedUploads {
  readonly received = new Map<string, string>();
  readonly requests: string[] = [];
  /** Thrown by the next requests, one each; `undefined` lets one pass. */
  failures: (Error | undefined)[] = [];
  readonly waits: number[] = [];
  /** Called in every slice, before it is taken. */
  onSlice: (offset: number) => void = () => {};
  readonly #sliceBytesMax: number;

  constructor(sliceBytesMax = 4) {
    this.#sliceBytesMax = sliceBytesMax;
  }

  readonly parts: UploadParts = {
    api: {
      begin: async ({ name }) => {
        await this.#step(`begin ${name}`);
        const offset = this.received.get(name)?.length ?? 0;
        return { id: name, offset, sliceBytesMax: this.#sliceBytesMax };
      },
      put: async (id, offset, slice, onSent, signal) => {
        this.onSlice(offset);
        signal.throwIfAborted();
        await this.#step(`put ${id} ${offset}`);
        onSent(slice.size);
        const text = (this.received.get(id) ?? "") + await slice.text();
        this.received.set(id, text);
        return { offset: text.length };
      },
      finish: async (id, { sha256 }) => {
        await this.#step(`finish ${id} ${sha256}`);
        return { name: id, sha256 };
      },
      cancel: async (id) => {
        await this.#step(`cancel ${id}`);
      },
    },
    sha256Of: async (file) => `hash of ${await file.text()}`,
    nowMs: () => 0,
    wait: (seconds) => {
      this.waits.push(seconds);
      return Promise.resolve();
    },
    onChange: () => {},
  };

  #step(request: string): Promise<void> {
    this.requests.push(request);
    const failure = this.failures.shift();
    return failure === undefined ? Promise.resolve() : Promise.reject(failure);
  }
}

Deno.test("a file goes in slices, and its hash with the end of it", async () => {
  const server = new ScriptedUploads();
  const upload = new Upload("d/a", fileOf("0123456789"), server.parts);
  await upload.run();
  assertEquals(server.requests, [
    "begin d/a",
    "put d/a 0",
    "put d/a 4",
    "put d/a 8",
    "finish d/a hash of 0123456789",
  ]);
  assertEquals([upload.state, upload.sent], ["done", 10]);
  assertEquals(upload.stored?.sha256, upload.sha256Here);
});

Deno.test("an empty file is one without slices", async () => {
  const server = new ScriptedUploads();
  const upload = new Upload("a", fileOf(""), server.parts);
  await upload.run();
  assertEquals([upload.state, server.requests], ["done", ["begin a", "finish a hash of "]]);
});

Deno.test("after a lost connection it asks where it is, and goes on there", async () => {
  const server = new ScriptedUploads();
  const lost = new UploadError("lost", { status: 0 });
  server.failures = [undefined, undefined, lost, lost];
  const upload = new Upload("a", fileOf("0123456789"), server.parts);
  await upload.run();
  assertEquals([upload.state, server.received.get("a")], ["done", "0123456789"]);
  assertEquals(server.requests.slice(2, 6), ["put a 4", "begin a", "begin a", "put a 4"]);
  assertEquals(server.waits, [1, 2]);
});

Deno.test("it waits as long as the server says, and not where only the place was wrong", async () => {
  const server = new ScriptedUploads();
  server.failures = [
    new UploadError("too much", { status: 429, waitS: 7 }),
    undefined,
    new UploadError("elsewhere", { status: 409, offset: 0 }),
  ];
  const upload = new Upload("a", fileOf("0123"), server.parts);
  await upload.run();
  assertEquals([upload.state, server.waits], ["done", [7, 0]]);
});

Deno.test("what will not change is not tried again, and the server's reason is shown", async () => {
  for (const status of [400, 403, 409, 413, 507]) {
    const server = new ScriptedUploads();
    server.failures = [new UploadError("no room", { status })];
    const upload = new Upload("a", fileOf("0123"), server.parts);
    await upload.run();
    assertEquals(
      [upload.state, upload.message, server.waits],
      ["failed", "no room", []],
      `${status}`,
    );
  }
});

Deno.test("without any progress it gives up in the end, and can be told to go on", async () => {
  const server = new ScriptedUploads();
  server.failures = Array.from({ length: 8 }, () => new UploadError("lost", { status: 0 }));
  const upload = new Upload("a", fileOf("0123"), server.parts);
  await upload.run();
  assertEquals([upload.state, server.requests.length], ["failed", 8]);
  upload.queue();
  await upload.run();
  assertEquals(upload.state, "done");
});

Deno.test("as long as something arrives between failures, it does not give up", async () => {
  const server = new ScriptedUploads();
  const lost = new UploadError("lost", { status: 0 });
  server.failures = Array.from({ length: 20 }, () => [undefined, undefined, lost]).flat();
  const text = "0123".repeat(25);
  const upload = new Upload("a", fileOf(text), server.parts);
  await upload.run();
  assertEquals([upload.state, server.received.get("a")], ["done", text]);
  assertEquals(new Set(server.waits), new Set([1]));
});

Deno.test("what is broken off while it is hashed is not finished", async () => {
  const server = new ScriptedUploads();
  const hash = Promise.withResolvers<string>();
  const upload = new Upload("a", fileOf("0123"), { ...server.parts, sha256Of: () => hash.promise });
  const run = upload.run();
  await until(() => upload.state === "checking");
  upload.pause();
  hash.resolve("hash");
  await run;
  assertEquals([upload.state, server.requests.at(-1)], ["paused", "put a 0"]);
});

Deno.test("what was broken off goes on where it was", async () => {
  const server = new ScriptedUploads();
  const upload = new Upload("a", fileOf("0123456789"), server.parts);
  server.onSlice = (offset) => offset === 4 && upload.pause();
  await upload.run();
  assertEquals([upload.state, server.received.get("a")], ["paused", "0123"]);
  server.onSlice = () => {};
  upload.queue();
  await upload.run();
  assertEquals([upload.state, server.received.get("a")], ["done", "0123456789"]);
});

Deno.test("two go at a time, in their order, and what is dropped twice goes once", async () => {
  const server = new ScriptedUploads();
  const queue = new UploadQueue(server.parts);
  const files = ["a", "b", "c"].map((name) => ({ name, file: fileOf("01") }));
  queue.add(files);
  queue.add(files);
  assertEquals(queue.uploads.map(({ state }) => state), ["sending", "sending", "queued"]);
  await until(() => !queue.isBusy);
  assertEquals(queue.uploads.map(({ state }) => state), ["done", "done", "done"]);
  assertEquals([queue.sent, queue.bytes], [6, 6]);
  queue.clear();
  assertEquals(queue.uploads, []);
});

Deno.test("a removed upload is called off at the server, too", async () => {
  const server = new ScriptedUploads();
  const queue = new UploadQueue(server.parts);
  server.onSlice = (offset) => {
    if (offset === 4) queue.uploads[0]?.pause();
  };
  queue.add([{ name: "a", file: fileOf("0123456789") }]);
  await until(() => !queue.isBusy);
  await queue.drop(queue.uploads[0]!);
  assertEquals(queue.uploads, []);
  assertEquals(server.requests.at(-1), "cancel a");
});

function fileOf(text: string): File {
  return new File([text], "f", { lastModified: 1 });
}

/** Turns of the event loop, until it holds; the test's own time limit is the end of patience. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 0));
}
