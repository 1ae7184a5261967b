import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path/join";
import { serve } from "../../../lib/app/serve/serve.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { type Bytes, hashHex, toHex } from "../../../lib/ids.ts";
import { CLASSIC_CHUNK_BYTES_DEFAULT } from "../../../lib/wire/limits.ts";
import { provesLayerPage } from "../../../lib/protocol/merkle/merkle.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { unpack } from "../../../lib/protocol/base/zstd.ts";
import { rootOfBytes } from "../../../lib/protocol/merkle/unit_root.ts";
import {
  decodeClassicAnswer,
  decodeClassicChunk,
  encodeClassicRequest,
} from "../../../lib/wire/classic.ts";
import { DatagramPeer } from "../../support/datagram_peer.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles, canUseNetwork } from "../../support/permissions.ts";

import {
  Bench,
  bytesOf,
  CONTENT,
  find,
  NONCE,
  offerOf,
  wantAll,
  writeSettled,
} from "../../support/serve_bench.ts";

const ignore = !(await canTouchFiles() && await canUseNetwork());

Deno.test(
  { name: "a file is found, proved and fetched, all from the data port", ignore },
  () =>
    withFolder({}, async (dir) => {
      await using bench = await Bench.start(dir);
      using peer = new DatagramPeer();
      const { port, dataPort, files } = bench.ready;
      assertEquals(files, 1);

      const offer = await offerOf(peer, port);
      assertEquals(peer.lastFrom?.port, dataPort);
      assertEquals([offer.server as string, offer.sizeBytes], [bench.ready.id, CONTENT.length]);
      assertEquals(offer.sha256, hashHex(toHex(sha256(CONTENT))));

      const { token, root, sizeBytes } = offer;
      const head = { nonce: NONCE, token, number: 1, root, sizeBytes };
      await peer.send({ kind: "layer_want", ...head, firstPage: 0, pageCount: 1 }, dataPort);
      assert(provesLayerPage(await peer.frame("layer"), 0, sizeBytes, root));

      await peer.send(wantAll(offer), dataPort);
      assertEquals(await bytesOf(peer, sizeBytes), CONTENT);
      const client = `127.0.0.1:${peer.endpoint.port}`;
      const told = { name: "f", client, classic: false };
      assertEquals(await bench.events.first("request"), { event: "request", ...told });
      assertEquals(await bench.events.first("sending"), { event: "sending", ...told });
    }),
);

Deno.test(
  { name: "a range is packed on request, fetched as a content, and is what it was", ignore },
  () =>
    withFolder({}, async (dir) => {
      const text = new TextEncoder().encode("one line like all the others\n".repeat(10_000));
      const noise = new Uint8Array(70_000).map((_, i) => (i * i * 2_654_435_761) >>> 24);
      const contents = [{ name: "text", bytes: text }, { name: "noise", bytes: noise }];
      await using bench = await Bench.start(dir, { contents });
      using peer = new DatagramPeer();
      const { port, dataPort } = bench.ready;
      const offer = await offerOf(peer, port, "text");
      const { token, root, sizeBytes } = offer;
      const range = { offset: 65_536, lengthBytes: 131_072 };
      const ask = { kind: "pack_want", nonce: NONCE, token, number: 3 } as const;
      await peer.send({ ...ask, root, sizeBytes, ranges: [range] }, dataPort);
      const packed = await peer.frame("packed");
      assertEquals([packed.nonce, packed.number, packed.offset], [NONCE, 3, 65_536]);
      assert(packed.packedBytes > 0 && packed.packedBytes < 10_000);

      const ranges = [{ offset: 0, lengthBytes: packed.packedBytes }];
      const pack = { root: packed.root, sizeBytes: packed.packedBytes, ranges };
      await peer.send(wantAll(offer, pack), dataPort);
      const bytes = await bytesOf(peer, packed.packedBytes);
      assertEquals(hashHex(toHex(rootOfBytes(bytes))), packed.root);
      assertEquals(unpack(bytes, 131_072), text.subarray(65_536, 65_536 + 131_072));

      const other = await offerOf(peer, port, "noise");
      const whole = { offset: 0, lengthBytes: noise.length };
      const content = { root: other.root, sizeBytes: noise.length };
      await peer.send({ ...ask, ...content, ranges: [whole] }, dataPort);
      assertEquals((await peer.frame("packed")).packedBytes, 0);
    }),
);

Deno.test(
  {
    name: "a repeated search is answered from the shared port, one at the data port from there",
    ignore,
  },
  () =>
    withFolder({}, async (dir) => {
      await using bench = await Bench.start(dir);
      using peer = new DatagramPeer();
      const { port, dataPort, tcpPort } = bench.ready;
      await offerOf(peer, port);
      for (const [asked, named] of [[port, dataPort], [dataPort, 0]]) {
        await peer.send({ ...find("f"), round: 1 }, asked!);
        const offer = await peer.frame("offer");
        assertEquals([peer.lastFrom?.port, offer.dataPort], [asked, named]);
        assertEquals(offer.tcpPort, tcpPort);
      }
    }),
);

Deno.test(
  { name: "a search at the data port is answered too, and so is a listing", ignore },
  () =>
    withFolder({}, async (dir) => {
      await using bench = await Bench.start(dir);
      using peer = new DatagramPeer();
      const { dataPort } = bench.ready;
      const { token } = await offerOf(peer, dataPort);
      await peer.send(
        { kind: "list", queryId: 2n, token, number: 1, pagesMax: 1, after: undefined },
        dataPort,
      );
      const listing = await peer.frame("listing");
      assertEquals(listing.entries.map((entry) => [entry.name as string, entry.state]), [[
        "f",
        "ready",
      ]]);
    }),
);

Deno.test(
  { name: "two servers share the discovery port, and a broadcast finds both", ignore },
  () =>
    withFolder({}, async (dir) => {
      await using first = await Bench.start(join(dir, "1"));
      await using second = await Bench.start(join(dir, "2"), { port: first.ready.port });
      assert(first.ready.dataPort !== second.ready.dataPort);
      using peer = new DatagramPeer();
      const heard = new Set<string>();
      while (heard.size < 2) {
        await peer.send(find("f"), first.ready.port, "127.255.255.255");
        for (let i = 0; i < 2; i++) {
          const answer = await peer.anyFrame();
          assert(answer.kind === "offer" || answer.kind === "pending");
          heard.add(answer.server);
        }
      }
      assertEquals(heard, new Set([first.ready.id, second.ready.id]));
    }),
);

Deno.test(
  { name: "a name that is not there is told to be absent, with what is like it", ignore },
  () =>
    withFolder({}, async (dir) => {
      await using bench = await Bench.start(dir);
      using peer = new DatagramPeer();
      await peer.send(find("ff"), bench.ready.port);
      assertEquals((await peer.frame("absent")).similar.map(String), ["f"]);
    }),
);

Deno.test({
  name: "a file that changes is refused, hashed again and offered as what it is",
  ignore,
}, () =>
  withFolder({}, async (dir) => {
    await using bench = await Bench.start(dir);
    using peer = new DatagramPeer();
    const { port, dataPort } = bench.ready;
    const before = await offerOf(peer, port);
    const changed = CONTENT.with(0, 255) as Bytes;
    await writeSettled(join(dir, "data"), "g", changed);
    await Deno.rename(join(dir, "data", "g"), join(dir, "data", "f"));
    await peer.send(wantAll(before), dataPort);
    assertEquals((await peer.frame("gone")).root, before.root);
    const after = await offerOf(peer, port);
    assertEquals(after.sha256, hashHex(toHex(sha256(changed))));
    await peer.send(wantAll(after), dataPort);
    assertEquals(await bytesOf(peer, changed.length), changed);
  }));

Deno.test(
  { name: "a classic client gets the answer first, then every chunk", ignore },
  () =>
    withFolder({}, async (dir) => {
      await using bench = await Bench.start(dir);
      using shoal = new DatagramPeer();
      await offerOf(shoal, bench.ready.port);
      using peer = new DatagramPeer();
      await peer.send(encodeClassicRequest("f"), bench.ready.port);
      const answer = decodeClassicAnswer(await peer.receive());
      assertEquals(peer.lastFrom?.port, bench.ready.port);
      assertEquals(answer?.sha256, hashHex(toHex(sha256(CONTENT))));
      const file = new Uint8Array(CONTENT.length);
      for (let i = 0; i < (answer?.chunkCount ?? 0); i++) {
        const chunk = decodeClassicChunk(await peer.receive());
        assert(chunk !== undefined);
        file.set(chunk.payload, chunk.number * CLASSIC_CHUNK_BYTES_DEFAULT);
      }
      assertEquals(file, CONTENT);
      assert(bench.events.all.some((event) => event.event === "sending" && event.classic));
    }),
);

for (
  const [what, request] of [
    ["leaves the folder", "../data/f"],
    ["is absolute", "/etc/hostname"],
    ["holds a NUL", "f\0"],
    ["is not there", "nothing"],
  ] as const
) {
  Deno.test(
    { name: `a classic request for a name that ${what} is met with silence`, ignore },
    () =>
      withFolder({}, async (dir) => {
        await using bench = await Bench.start(dir);
        using peer = new DatagramPeer();
        await peer.send(encodeClassicRequest(request), bench.ready.port);
        // The first answer is to the question after it, which comes from another port.
        await peer.send(find("f"), bench.ready.port);
        const answer = await peer.anyFrame();
        assert(answer.kind === "offer" || answer.kind === "pending");
      }),
  );
}

Deno.test(
  { name: "whoever has searched the Shoal way is not answered the classic way", ignore },
  () =>
    withFolder({}, async (dir) => {
      await using bench = await Bench.start(dir);
      using peer = new DatagramPeer();
      await offerOf(peer, bench.ready.port);
      await peer.send(encodeClassicRequest("f"), bench.ready.port);
      await peer.send(find("f"), bench.ready.port);
      await peer.frame("offer");
      assert(!bench.events.all.some((event) => event.event === "request" && event.classic));
    }),
);

Deno.test({ name: "classic can be turned off", ignore }, () =>
  withFolder({}, async (dir) => {
    await using bench = await Bench.start(dir, { classic: false });
    using classic = new DatagramPeer();
    using peer = new DatagramPeer();
    await classic.send(encodeClassicRequest("f"), bench.ready.port);
    await offerOf(peer, bench.ready.port);
    assertEquals(bench.ready.classic, false);
    assert(!bench.events.all.some((event) => event.event === "request" && event.classic));
  }));

// — Beginning and end —————————————————————————————————————————————————————————————————————————————

Deno.test(
  { name: "a port that another program holds alone is said to be in use", ignore },
  () =>
    withFolder({ "data/f": "" }, async (dir) => {
      using other = new DatagramPeer();
      const { port } = other.endpoint;
      const error = await assertRejects(
        () => serve({ dir: join(dir, "data"), port, cacheDir: join(dir, "cache") }),
        ShoalError,
      ) as ShoalError;
      assertEquals(error.code, "port_in_use");
    }),
);

Deno.test(
  { name: "a folder that does not exist is an error, and the port is free again", ignore },
  () =>
    withFolder({}, async (dir) => {
      const cacheDir = join(dir, "cache");
      const error = await assertRejects(
        () => serve({ dir: join(dir, "nothing"), port: 0, cacheDir }),
        ShoalError,
      ) as ShoalError;
      assertEquals([error.code, error.exitCode], ["folder", 2]);
    }),
);

Deno.test(
  { name: "an address of another machine is an error", ignore },
  () =>
    withFolder({ "data/f": "" }, async (dir) => {
      const error = await assertRejects(
        () => serve({ dir: join(dir, "data"), port: 0, host: "192.0.2.1" }),
        ShoalError,
      ) as ShoalError;
      assertEquals(error.code, "network");
    }),
);

Deno.test(
  { name: "a signal ends a server, and its port can be held alone again", ignore },
  () =>
    withFolder({}, async (dir) => {
      const abort = new AbortController();
      const bench = await Bench.start(dir, { signal: abort.signal });
      abort.abort();
      await bench.server.closed;
      await bench.server.close();
      Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: bench.ready.port })
        .close();
    }),
);

Deno.test(
  { name: "a server that is told to stop before it started does not start", ignore },
  () =>
    withFolder({}, async (dir) => {
      const error = await assertRejects(
        () => Bench.start(dir, { signal: AbortSignal.abort() }),
        ShoalError,
      ) as ShoalError;
      assertEquals(error.code, "interrupted");
    }),
);

Deno.test({ name: "noise at every port is survived", ignore }, () =>
  withFolder({}, async (dir) => {
    await using bench = await Bench.start(dir);
    using peer = new DatagramPeer();
    const noise = Array.from({ length: 50 }, (_, i) => sha256(Uint8Array.of(i)).slice(0, i % 33));
    noise.push(new Uint8Array(65_000), encodeClassicRequest("x".repeat(5_000)));
    for (const port of [bench.ready.port, bench.ready.dataPort]) {
      for (const bytes of noise) await peer.send(bytes, port);
    }
    assertEquals((await offerOf(peer, bench.ready.dataPort)).sizeBytes, CONTENT.length);
  }));
