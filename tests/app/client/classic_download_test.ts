import type { Endpoint } from "../../../lib/address.ts";
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { WrittenFiles } from "../../../lib/io/files/written_files.ts";
import { type Bytes, hashHex, type SafeFileName, toHex } from "../../../lib/ids.ts";
import {
  ClassicDownload,
  type ClassicDownloadOptions,
} from "../../../lib/app/client/classic_download.ts";
import type { GetEvent } from "../../../lib/app/events.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import {
  decodeClassicRequest,
  encodeClassicAnswer,
  encodeClassicChunk,
} from "../../../lib/wire/classic.ts";
import { decodeFrame, type Frame } from "../../../lib/wire/frames.ts";
import { canTouchFiles, canUseNetwork } from "../../support/permissions.ts";
import { withFolder } from "../../support/folder.ts";
import { testTransport } from "../../support/test_transport.ts";

const ignore = !(await canTouchFiles() && await canUseNetwork());
const NAME = "a.bin" as SafeFileName;
const CHUNK_BYTES = 1_024;

/** A classic server of one file, on a port of loopback: answers, then sends every chunk in order. */
class ClassicPeer {
  readonly frames: Frame["kind"][] = [];
  requests = 0;
  /** Chunks that the network loses, the first time. */
  lost = new Set<number>();
  readonly #file: Bytes;
  readonly #socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  readonly #served: Promise<void>;

  constructor(file: Bytes) {
    this.#file = file;
    this.#served = this.#serve();
  }

  get endpoint(): Endpoint {
    const { hostname, port } = this.#socket.addr as Deno.NetAddr;
    return { address: hostname, port };
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#served;
  }

  async #serve(): Promise<void> {
    try {
      for await (const [bytes, from] of this.#socket) {
        const frame = decodeFrame(bytes);
        if (frame.kind !== "malformed") this.frames.push(frame.kind);
        if (decodeClassicRequest(bytes) === NAME) await this.#send(from);
      }
    } catch (error) {
      assert(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted);
    }
  }

  async #send(to: Deno.Addr): Promise<void> {
    this.requests += 1;
    const chunkCount = Math.ceil(this.#file.length / CHUNK_BYTES);
    const digest = hashHex(toHex(sha256(this.#file)));
    await this.#socket.send(encodeClassicAnswer({ chunkCount, sha256: digest }), to);
    for (let number = 0; number < chunkCount; number++) {
      if (this.lost.delete(number)) continue;
      const payload = this.#file.subarray(number * CHUNK_BYTES, (number + 1) * CHUNK_BYTES);
      await this.#socket.send(encodeClassicChunk(number, payload, sha256(payload)), to);
    }
  }
}

/** Runs one download into `outDir` to its end. */
async function download(
  outDir: string,
  targets: readonly Endpoint[],
  options: Partial<ClassicDownloadOptions> = {},
) {
  const events: GetEvent[] = [];
  const running = new ClassicDownload({
    name: NAME,
    outDir,
    onTaken: "number",
    sparse: true,
    portableNames: false,
    written: new WrittenFiles(denoRuntime().disk),
    targets,
    timeoutMs: 1_000,
    retries: 10,
    runtime: denoRuntime(),
    transport: testTransport({ tune: false }),
    startedMs: 0,
    onAnswer: () => true,
    emit: (event) => events.push(event),
    ...options,
  });
  try {
    return { ended: await running.ended, events };
  } finally {
    await running.close();
  }
}

async function withPeer(
  file: Bytes,
  body: (peer: ClassicPeer, outDir: string) => Promise<void>,
): Promise<void> {
  const peer = new ClassicPeer(file);
  try {
    await withFolder({}, async (dir) => await body(peer, join(dir, "out")));
  } finally {
    await peer.close();
  }
}

const namesIn = (dir: string): string[] =>
  [...Deno.readDirSync(dir)].map(({ name }) => name).sort();

// Nothing at all, one short chunk, several with a short end.
for (const sizeBytes of [0, 1, 20_001]) {
  Deno.test({
    name: `a classic download of ${sizeBytes} bytes ends as a verified file and nothing beside it`,
    ignore,
    fn: () =>
      withPeer(new Random(1).bytes(sizeBytes), async (peer, outDir) => {
        const { ended, events } = await download(outDir, [peer.endpoint]);
        assert(ended?.event === "done");
        assertEquals(ended.path, join(outDir, NAME));
        assertEquals(ended.size, sizeBytes);
        assertEquals(ended.present, false);
        assertEquals(ended.servers.map((server) => server.bytes), [sizeBytes]);
        assertEquals(await Deno.readFile(ended.path), new Random(1).bytes(sizeBytes));
        assertEquals(namesIn(outDir), [NAME]);
        const [notice] = events.filter((event) => event.event === "notice");
        assertStringIncludes(notice!.message, "Server found");
      }),
  });
}

Deno.test({
  name: "a classic download says that it speaks Shoal before it asks the classic way",
  ignore,
  fn: () =>
    withPeer(new Random(2).bytes(10), async (peer, outDir) => {
      await download(outDir, [peer.endpoint]);
      assertEquals(peer.frames, ["find"]);
      assertEquals(peer.requests, 1);
    }),
});

Deno.test({
  name: "chunks that are lost come with the next burst",
  ignore,
  fn: () =>
    withPeer(new Random(3).bytes(5_000), async (peer, outDir) => {
      peer.lost = new Set([0, 4]);
      const { ended } = await download(outDir, [peer.endpoint]);
      assert(ended?.event === "done");
      assertEquals(peer.requests, 2);
      assertEquals(ended.servers[0]!.retransmits, 1);
      assertEquals(await Deno.readFile(ended.path), new Random(3).bytes(5_000));
    }),
});

Deno.test({
  name: "an identical file is left alone, a different one is kept beside the new one",
  ignore,
  fn: () =>
    withPeer(new Random(4).bytes(3_000), async (peer, outDir) => {
      await Deno.mkdir(outDir);
      await Deno.writeTextFile(join(outDir, NAME), "different");
      const first = await download(outDir, [peer.endpoint]);
      assert(first.ended?.event === "done");
      assertEquals(first.ended.path, join(outDir, "a (2).bin"));
      const second = await download(outDir, [peer.endpoint]);
      assert(second.ended?.event === "done" && second.ended.present);
      assertEquals(second.ended.path, join(outDir, "a (2).bin"));
      assertEquals(await Deno.readTextFile(join(outDir, NAME)), "different");
      const third = await download(outDir, [peer.endpoint], { onTaken: "replace" });
      assert(third.ended?.event === "done");
      assertEquals(third.ended.path, join(outDir, NAME));
      assertEquals(namesIn(outDir), ["a (2).bin", NAME]);
    }),
});

Deno.test({
  name: "a classic answer that is not wanted any more leaves nothing",
  ignore,
  fn: () =>
    withPeer(new Random(5).bytes(3_000), async (peer, outDir) => {
      const { ended } = await download(outDir, [peer.endpoint], { onAnswer: () => false });
      assertEquals(ended, undefined);
      assertEquals(await Deno.stat(outDir).catch(() => "not there"), "not there");
    }),
});

Deno.test({
  name: "a classic download that is closed in the middle removes its part file",
  ignore,
  fn: () =>
    withPeer(new Random(6).bytes(50_000), async (peer, outDir) => {
      peer.lost = new Set([7]);
      const progress = Promise.withResolvers<void>();
      const running = new ClassicDownload({
        name: NAME,
        outDir,
        onTaken: "number",
        sparse: true,
        portableNames: false,
        written: new WrittenFiles(denoRuntime().disk),
        targets: [peer.endpoint],
        timeoutMs: 10_000,
        retries: 10,
        runtime: denoRuntime(),
        transport: testTransport({ tune: false }),
        startedMs: 0,
        onAnswer: () => true,
        emit: (event) => event.event === "progress" && progress.resolve(),
      });
      await progress.promise;
      assertEquals(namesIn(outDir).length, 1);
      await running.close();
      assertEquals(await running.ended, undefined);
      assertEquals(namesIn(outDir), []);
    }),
});

Deno.test({
  name: "silence ends a classic download as a failure with a code",
  ignore,
  fn: () =>
    withFolder({}, async (dir) => {
      const silent = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
      const { hostname: address, port } = silent.addr as Deno.NetAddr;
      const { ended } = await download(dir, [{ address, port }], { timeoutMs: 20, retries: 2 });
      silent.close();
      assert(ended?.event === "failed");
      assertEquals(ended.code, "no_server");
    }),
});
