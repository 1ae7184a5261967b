import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { join } from "@std/path/join";
import { LiveIndex } from "../../../lib/app/index/live_index.ts";
import { ListedFilesOrigin } from "../../../lib/app/index/listed_files_origin.ts";
import { openOrigins } from "../../../lib/app/index/open_origins.ts";
import { resolveServe } from "../../../lib/app/option_defaults.ts";
import type { ServeOptions } from "../../../lib/app/options.ts";
import { getIn } from "../../../lib/app/client/get_files.ts";
import { serveIn } from "../../../lib/app/serve/serve.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { openContent } from "../../../lib/io/files/content_reader.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const ignore = !await canTouchFiles();
const runtime = denoRuntime();
const utf8 = new TextEncoder();

function streamOf(...texts: readonly string[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(texts.map((text) => utf8.encode(text)));
}

function origins(dir: string, offered: ServeOptions) {
  return openOrigins(runtime, resolveServe({ ...offered, cacheDir: join(dir, "cache") }));
}

function pattern(sizeBytes: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: sizeBytes }, (_, i) => (i * 7 + (i >> 8)) % 251);
}

Deno.test({
  name: "what each kind of origin offers can be read where it says that it lies",
  ignore,
}, () =>
  withFolder({ "served/in": "folder", "else/where": "listed" }, async (dir) => {
    const { all, streams } = await origins(dir, {
      dir: join(dir, "served"),
      files: [{ path: join(dir, "else/where"), name: "by/name" }],
      contents: [{ name: "memory", bytes: utf8.encode("memory") }],
      streams: [{ name: "stream", stream: streamOf("str", "eam") }],
    });
    assertEquals(await streams[0]!.fill(), 6);
    const read = new Map<string, string>();
    for (const origin of all) {
      const scan = {
        isKnown: () => false,
        onLeftOut() {},
        onHidden() {},
        onShape() {},
        signal: new AbortController().signal,
      };
      for await (const { name, signature } of origin.scan(scan)) {
        const opened = openContent(runtime.disk, origin.placeOf(name), signature);
        assert(opened.ok);
        const bytes = new Uint8Array(signature.sizeBytes + 2);
        assertEquals(
          opened.reader.readAt(bytes, 1, signature.sizeBytes + 1, 0),
          signature.sizeBytes,
        );
        assert(opened.reader.isUnchanged());
        opened.reader.close();
        read.set(name, new TextDecoder().decode(bytes.subarray(1, -1)));
        assertEquals(origin.nameOf(origin.keyOf(name)), name);
      }
    }
    assertEquals([...read].sort(), [
      ["by/name", "listed"],
      ["in", "folder"],
      ["memory", "memory"],
      ["stream", "stream"],
    ]);
    for (const origin of all) origin.close();
  }));

Deno.test(
  { name: "a name that two origins offer is refused, in whatever normal form", ignore },
  () =>
    withFolder({ "served/\u00e4": "x" }, async (dir) => {
      const bytes = new Uint8Array(1);
      const clashes: ServeOptions[] = [
        { dir: join(dir, "served"), contents: [{ name: "a\u0308", bytes }] },
        { contents: [{ name: "same", bytes }, { name: "same", bytes }] },
        { contents: [{ name: "same", bytes }], streams: [{ name: "same", stream: streamOf() }] },
      ];
      for (const offered of clashes) {
        const { all } = await origins(dir, offered);
        const options = { runtime, origins: all, cacheDir: join(dir, "cache"), onNotice() {} };
        const error = await assertRejects(() => LiveIndex.start(options), ShoalError);
        assertEquals(ShoalError.from(error).code, "usage");
      }
    }),
);

Deno.test(
  { name: "nothing to offer, and what cannot be offered, is refused", ignore },
  () =>
    withFolder({ "sub/x": "" }, async (dir) => {
      await assertRejects(() => origins(dir, {}), ShoalError, "nothing to offer");
      const path = (name: string) => [{ path: join(dir, name) }];
      const listed = (name: string) => () => new ListedFilesOrigin(runtime.disk, path(name));
      assertThrows(listed("none"), ShoalError, "does not exist");
      assertThrows(listed("sub"), ShoalError, "is a folder");
      await assertRejects(
        () => origins(dir, { files: path("sub/x"), allowUpload: true }),
        ShoalError,
        "need a folder",
      );
    }),
);

Deno.test(
  { name: "a stream that breaks off is offered in no part, and its file goes", ignore },
  () =>
    withFolder({}, async (dir) => {
      const stream = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(utf8.encode("half")),
        pull: (controller) => controller.error(new Error("cable pulled")),
      });
      const { all, streams } = await origins(dir, { streams: [{ name: "x", stream }] });
      const error = await assertRejects(() => streams[0]!.fill(), ShoalError);
      assertEquals(ShoalError.from(error).code, "changed");
      assertEquals(streams[0]!.inspect("x" as SafeFileName).kind, "nothing");
      for (const origin of all) origin.close();
      assertEquals([...Deno.readDirSync(join(dir, "cache/spool"))], []);
    }),
);

Deno.test(
  { name: "a stream that breaks off ends its server with the reason", ignore },
  () =>
    withFolder({}, async (dir) => {
      const stream = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.error(new Error("cable pulled")),
      });
      const streams = [{ name: "x", stream }];
      const server = await serveIn(runtime, { streams, port: 0, cacheDir: dir, host: "127.0.0.1" });
      const error = await assertRejects(() => server.closed, ShoalError);
      assertEquals(ShoalError.from(error).code, "changed");
    }),
);

Deno.test(
  { name: "bytes in memory are fetched like a file, and change no more", ignore },
  () =>
    withFolder({}, async (dir) => {
      const [bytes, small] = [pattern(300_000), utf8.encode("small")];
      const given = bytes.slice();
      await using stopped = new AsyncDisposableStack();
      const server = await serveIn(runtime, {
        contents: [{ name: "manifest/a", bytes: given }, { name: "small", bytes: small }, {
          name: "empty",
          bytes: new Uint8Array(0),
        }],
        port: 0,
        cacheDir: join(dir, "cache"),
      });
      stopped.defer(() => server.close());
      given.fill(0);
      assertEquals(server.ready.names, ["manifest/a", "small", "empty"]);
      const results = await getIn(runtime, {
        names: ["manifest/a", "small", "empty"],
        outDir: join(dir, "out"),
        port: server.ready.port,
        broadcast: ["127.255.255.255"],
      });
      assertEquals(results.map(({ event }) => event), ["done", "done", "done"]);
      assertEquals(await Deno.readFile(join(dir, "out/manifest/a")), bytes);
      assertEquals(await Deno.readFile(join(dir, "out/small")), small);
      assertEquals((await Deno.stat(join(dir, "out/empty"))).size, 0);
    }),
);

Deno.test({
  name: "folders beside each other are offered under their own names, with all that is in them",
  ignore,
}, () =>
  withFolder(
    { "a/photos/x": "1", "a/photos/sub/y": "22", "b/notes/z": "333", "top": "4" },
    async (dir) => {
      await Deno.mkdir(join(dir, "b/notes/empty"));
      await Deno.symlink("sub", join(dir, "a/photos/link"));
      const { all: [files, folders] } = await origins(dir, {
        files: [{ path: join(dir, "top") }],
        folders: [{ path: join(dir, "a/photos") }, { path: join(dir, "b/notes"), name: "texts" }],
      });
      assert(files !== undefined && folders !== undefined);
      const shapes: string[] = [];
      const scan = {
        isKnown: () => false,
        onLeftOut() {},
        onHidden() {},
        onShape: ({ kind, name }: { kind: string; name: string }) => shapes.push(`${kind} ${name}`),
        signal: new AbortController().signal,
      };
      const names: SafeFileName[] = [];
      for await (const { name, signature } of folders.scan(scan)) {
        names.push(name);
        assertEquals(folders.inspect(name), { kind: "file", signature });
        assertEquals(folders.nameOf(folders.keyOf(name)), name);
        const opened = openContent(runtime.disk, folders.placeOf(name), signature);
        assert(opened.ok);
        opened.reader.close();
      }
      assertEquals(names.filter((name) => !name.includes("link")).sort(), [
        ...["photos/sub/y", "photos/x", "texts/z"],
      ]);
      assertEquals(shapes.filter((each) => each.startsWith("folder")).sort(), [
        ...["folder photos", "folder photos/sub", "folder texts", "folder texts/empty"],
      ]);
      assert(shapes.includes("link photos/link"), shapes.join());
      for (const name of ["photos", "texts", "notes/z", "photos/none", "z"] as SafeFileName[]) {
        assertEquals(folders.inspect(name), { kind: "nothing" }, name);
      }
      for (const origin of [files, folders]) origin.close();
    },
  ));

Deno.test({
  name: "folders of one name, and folders beside one that is offered without its name, are refused",
  ignore,
}, () =>
  withFolder({ "a/photos/x": "1", "b/photos/y": "2" }, async (dir) => {
    const [a, b] = [join(dir, "a/photos"), join(dir, "b/photos")];
    const cases: readonly (readonly [ServeOptions, string])[] = [
      [{ folders: [{ path: a }, { path: b }] }, "photos is the name of two folders"],
      [{ folders: [{ path: a }], dir: b }, "cannot be offered beside"],
      [{ folders: [{ path: a, name: "x/y" }] }, "is more than one folder"],
      [{ folders: [{ path: join(a, "x") }] }, "is not a folder"],
    ];
    for (const [offered, says] of cases) {
      await assertRejects(() => origins(dir, offered), ShoalError, says);
    }
  }));
