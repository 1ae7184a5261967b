/** Files that go by a code, over real sockets: what comes, who is told what, and what is left of it. */
import "../support/libraries.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { MIB } from "../../lib/limits.ts";
import type { CodeGetOptions, Incoming, Sending, SendOptions } from "../../lib/app/code_options.ts";
import type { CodeGetEvent, SendEvent } from "../../lib/app/events.ts";
import { getByCode, getByCodeSettled, master, send, ShoalError } from "../../mod.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { contentsOf, e2e, randomFile } from "../support/e2e.ts";
import { eventually, freeTcpPort } from "../support/master.ts";
import { freePort, Scratch, ShoalProcess } from "../support/shoal_process.ts";

const HERE = { broadcast: ["127.255.255.255"], tune: false } as const;
const SLOW_BYTES_PER_S = 6 * MIB;

/** A scratch folder in which everything of both sides lies, with what was told. */
class Scene implements AsyncDisposable {
  readonly sent: SendEvent[] = [];
  readonly got: CodeGetEvent[] = [];
  readonly #sendings: Sending[] = [];

  private constructor(readonly scratch: Scratch) {}

  static async make(files: Readonly<Record<string, number>>): Promise<Scene> {
    const scratch = await Scratch.make();
    for (const [name, bytes] of Object.entries(files)) {
      await scratch.serve(name, randomFile(bytes, bytes));
    }
    return new Scene(scratch);
  }

  async send(options: SendOptions): Promise<Sending> {
    const { scratch: { cache: cacheDir }, sent } = this;
    const sending = await send({
      ...{ port: 0, cacheDir, onEvent: (event) => sent.push(event), ...HERE },
      ...options,
    });
    this.#sendings.push(sending);
    return sending;
  }

  to({ code, port }: Pick<Sending, "code" | "port">, options: Partial<CodeGetOptions> = {}) {
    const { scratch: { out: outDir, cache: cacheDir }, got } = this;
    const onEvent = (event: CodeGetEvent): void => void got.push(event);
    return { code, port, outDir, cacheDir, onEvent, waitMs: 5_000, ...HERE, ...options };
  }

  path(name: string): string {
    return `${this.scratch.served}/${name}`;
  }

  /** How it went with the code. */
  states(): readonly string[] {
    return this.sent.flatMap((event) => event.event === "code" ? [event.state] : []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#sendings.map((sending) => sending.close()));
    await this.scratch[Symbol.asyncDispose]();
  }
}

async function errorOf(promise: Promise<unknown>): Promise<ShoalError> {
  const error = await promise.then(() => undefined, (thrown) => thrown);
  assert(error instanceof ShoalError, String(error));
  return error;
}

/** A code of the same number, and another word. */
function wrong({ code, port }: Sending): { readonly code: string; readonly port: number } {
  const [number, first] = code.split("-");
  const other = first === "aardvark" ? "absurd" : "aardvark";
  return { code: code.replace(`${number}-${first}`, `${number}-${other}`), port };
}

e2e(
  "files and folders come once, by one code; both sides know; nothing of the code is left",
  async () => {
    await using scene = await Scene.make({ "a.bin": MIB + 7, "f/g/b.txt": 5, "f/c": 0, "h/d": 9 });
    await Deno.mkdir(scene.path("f/empty"));
    const sending = await scene.send({
      files: [{ path: scene.path("a.bin") }],
      folders: [{ path: scene.path("f") }, { path: scene.path("h") }],
    });
    assertEquals(sending.files, 4);
    let incoming: Incoming | undefined;
    const done = await getByCode(scene.to(sending, {
      onIncoming: (all) => {
        incoming = all;
        return true;
      },
    }));
    const names = ["a.bin", "f/c", "f/g/b.txt", "h/d"];
    assertEquals(incoming?.files.map(({ name }) => name), names);
    assertEquals(incoming?.bytes, MIB + 7 + 5 + 9);
    assertEquals(done.map(({ name }) => name).sort(), names);
    assertEquals(new Set(done.map(({ sealed }) => sealed)), new Set(["code"]));
    assertSameBytes(await scene.scratch.read("a.bin"), randomFile(MIB + 7, MIB + 7));
    assert((await Deno.stat(`${scene.scratch.out}/f/empty`)).isDirectory);
    assertEquals((await sending.ended).files, 4);
    assertEquals(scene.states(), ["waiting", "taken", "fetching", "done"]);
    const late = await errorOf(getByCode(scene.to(sending, { waitMs: 300 })));
    assertEquals(late.code, "no_server");
    const kept = JSON.stringify([contentsOf(scene.scratch.cache), scene.sent, scene.got]);
    for (const word of sending.code.split("-").slice(1)) assert(!kept.includes(word), word);
  },
);

e2e(
  "a wrong code is told to both, and there is no second try, not even with the right one",
  async () => {
    await using scene = await Scene.make({ "a.txt": 5 });
    const sending = await scene.send({ files: [{ path: scene.path("a.txt") }] });
    const failed = await errorOf(getByCode(scene.to(wrong(sending))));
    assertEquals(failed.code, "refused");
    assertStringIncludes(failed.message, "not the code");
    const told = await errorOf(sending.ended);
    assertEquals(told.code, "refused");
    assertStringIncludes(told.message, "tried another code");
    assertEquals(scene.states(), ["waiting", "wrong"]);
    const right = await errorOf(getByCode(scene.to(sending, { waitMs: 300 })));
    assert(["refused", "no_server"].includes(right.code), right.code);
    assertEquals([...Deno.readDirSync(scene.scratch.out)], []);
  },
);

e2e("a slip is told without a word to anybody, and the code is as good as before", async () => {
  await using scene = await Scene.make({ "a.txt": 5 });
  const sending = await scene.send({ files: [{ path: scene.path("a.txt") }] });
  const slip = await errorOf(getByCode(scene.to({ ...sending, code: `${sending.code}x` })));
  assertEquals(slip.code, "usage");
  assertStringIncludes(slip.hint, sending.code.split("-")[2]!);
  assertEquals(scene.states(), ["waiting"]);
  await getByCode(scene.to(sending));
  await sending.ended;
});

e2e("who declines fetches nothing, and the sender is told", async () => {
  await using scene = await Scene.make({ "a.txt": 5 });
  const sending = await scene.send({ files: [{ path: scene.path("a.txt") }] });
  await assertRejects(
    () => getByCode(scene.to(sending, { onIncoming: () => false })),
    ShoalError,
    "declined",
  );
  assertEquals((await errorOf(sending.ended)).code, "refused");
  assertEquals(scene.states(), ["waiting", "taken", "declined"]);
  assertEquals([...Deno.readDirSync(scene.scratch.out)], []);
});

e2e("of two at once one gets it, and the other is told that it was taken", async () => {
  await using scene = await Scene.make({ "a.txt": 5 });
  const sending = await scene.send({ files: [{ path: scene.path("a.txt") }] });
  const other = await Deno.makeTempDir({ dir: scene.scratch.root });
  // Whoever gets it says yes once the other one was told.
  const first = Promise.withResolvers<void>();
  const get = (options: Partial<CodeGetOptions>) =>
    getByCode(scene.to(sending, { onIncoming: () => first.promise.then(() => true), ...options }))
      .catch((error) => {
        first.resolve();
        return error as ShoalError;
      });
  const both = await Promise.all([get({}), get({ outDir: other })]);
  const [refused, ...others] = both.filter((each) => each instanceof ShoalError);
  assertEquals(others, []);
  assertStringIncludes(refused?.message ?? "", "somebody else has proved this code");
  await sending.ended;
  assertEquals(scene.states().filter((state) => state === "taken").length, 1);
});

e2e("a receiver that is stopped comes again with the same code, and resumes", async () => {
  await using scene = await Scene.make({ "a.bin": 4 * MIB });
  const sending = await scene.send({
    files: [{ path: scene.path("a.bin") }],
    rateBytesPerS: SLOW_BYTES_PER_S,
  });
  const stop = new AbortController();
  const options = scene.to(sending, {
    signal: stop.signal,
    onEvent: (event) => {
      if (event.event === "progress" && event.bytes > 0) stop.abort();
    },
  });
  const [stopped] = await getByCodeSettled(options);
  assert(stopped?.event === "failed" && stopped.code === "interrupted", JSON.stringify(stopped));
  await eventually(
    "the sender knows",
    10_000,
    () => Promise.resolve(scene.states().includes("left")),
  );
  const [resumed] = await getByCode(scene.to(sending));
  assertGreater(resumed!.resumedBytes, 0);
  assertSameBytes(await scene.scratch.read("a.bin"), randomFile(4 * MIB, 4 * MIB));
  await sending.ended;
  assertEquals(scene.states().slice(-3), ["taken", "fetching", "done"]);
});

e2e(
  "a sender that is stopped is missed at once, and what came is kept for the next code",
  async () => {
    await using scene = await Scene.make({ "a.bin": 4 * MIB });
    const offer = { files: [{ path: scene.path("a.bin") }], rateBytesPerS: SLOW_BYTES_PER_S };
    const sending = await scene.send(offer);
    const error = await errorOf(getByCode(scene.to(sending, {
      onEvent: (event) => {
        if (event.event === "progress" && event.bytes > 0) void sending.close();
      },
    })));
    assertEquals(error.code, "stalled");
    assertStringIncludes(error.message, "the sender has stopped");
    assertEquals((await errorOf(sending.ended)).code, "interrupted");
    const again = await scene.send(offer);
    const [resumed] = await getByCode(scene.to(again));
    assertGreater(resumed!.resumedBytes, 0);
    await again.ended;
  },
);

e2e(
  "where searches do not arrive a master leads to the sender, and has nothing of the code but its number",
  async () => {
    await using scene = await Scene.make({ "a.txt": 5 });
    const port = freeTcpPort();
    const registry = await master({ port, store: "memory" });
    try {
      const masters = [`127.0.0.1:${port}`];
      const sending = await scene.send({ files: [{ path: scene.path("a.txt") }], masters });
      // Nobody hears it there.
      const nowhere = { port: sending.port, broadcast: ["127.255.255.254"], masters };
      const [file] = await getByCode(scene.to(sending, nowhere));
      assertEquals(file?.name, "a.txt");
      await sending.ended;
    } finally {
      await registry.close();
    }
  },
);

e2e("what cannot be sent is told before there is a code", async () => {
  await using scene = await Scene.make({ "a.txt": 5, "f/x": 1, "f/y/.hidden": 1 });
  const cases: readonly (readonly [SendOptions, RegExp])[] = [
    [{}, /nothing to offer/],
    [{ files: [{ path: scene.path("missing") }] }, /does not exist/],
    [{ folders: [{ path: scene.path("f/y") }] }, /no file in what is to be sent/],
    [{ folders: [{ path: scene.path("f") }, { path: scene.path("f") }] }, /two folders/],
    [{ folders: [{ path: scene.path("a.txt") }] }, /not a folder/],
  ];
  for (const [options, says] of cases) {
    const error = await errorOf(scene.send(options));
    assertEquals([error.code === "usage" || error.code === "folder", says.test(error.message)], [
      true,
      true,
    ], error.message);
  }
  assertEquals(scene.states(), []);
});

e2e(
  "the programs: send ends with 0 when get has everything; a code from standard input is in no list of processes",
  async () => {
    await using scene = await Scene.make({ "a.txt": 5, "f/b.txt": 6 });
    const { env } = scene.scratch;
    const port = String(freePort());
    const args = ["send", scene.path("a.txt"), scene.path("f"), "--port", port];
    await using sender = new ShoalProcess(args, { env });
    const code = (): string | undefined => /^Code: (.+)$/m.exec(sender.description())?.[1];
    await eventually("there is a code", 20_000, () => code() !== undefined);
    await using getter = new ShoalProcess(
      ["get", "--code", "-", "--yes", "--port", port, "--out", scene.scratch.out],
      { env, hasInput: true },
    );
    const writer = getter.input.getWriter();
    await writer.write(new TextEncoder().encode(`${code()}\n`));
    await writer.close();
    assertEquals(await getter.exit(), 0, getter.description());
    assertEquals(await sender.exit(), 0, sender.description());
    assertEquals(getter.events.filter(({ event }) => event === "done").length, 2);
    assertEquals(contentsOf(scene.scratch.out), contentsOf(scene.scratch.served));
  },
);
