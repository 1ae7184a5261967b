/** Chunks that clients prove bad, and what a server makes of that. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { type Bytes, type HashHex, hashHex, toHex } from "../../../lib/ids.ts";
import { sleep } from "../../../lib/io/system/deno_clock.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import type { FrameOf } from "../../../lib/wire/frames.ts";
import { DatagramPeer } from "../../support/datagram_peer.ts";
import { withFolder } from "../../support/folder.ts";
import { rememberAs } from "../../support/index_cache.ts";
import { canTouchFiles, canUseNetwork } from "../../support/permissions.ts";
import { TcpPeer } from "../../support/tcp_peer.ts";

import {
  Bench,
  bytesOf,
  CONTENT,
  find,
  NONCE,
  offerOf,
  POLL_MS,
  wantAll,
  writeSettled,
} from "../../support/serve_bench.ts";

/** The offer once it is another one; asked now and then, since a server answers only so many searches. */
async function offerAfter(
  peer: DatagramPeer,
  port: number,
  root: HashHex,
): Promise<FrameOf<"offer">> {
  for (;;) {
    const offer = await offerOf(peer, port);
    if (offer.root !== root) return offer;
    await sleep(POLL_MS);
  }
}

const ignore = !(await canTouchFiles() && await canUseNetwork());

Deno.test({
  name: "a client that was sent a chunk and proves it bad makes the server look at its disk again",
  ignore,
}, () =>
  withFolder({}, async (dir) => {
    const rotten = CONTENT.with(0, 255) as Bytes;
    await writeSettled(join(dir, "data"), "f", rotten);
    await rememberAs(join(dir, "cache"), join(dir, "data", "f"), CONTENT);
    await using bench = await Bench.ofFolder(dir);
    using peer = new DatagramPeer();
    const { port, dataPort } = bench.ready;
    const offer = await offerOf(peer, port);
    const { token, root, sizeBytes } = offer;
    assertEquals(offer.sha256, hashHex(toHex(sha256(CONTENT))));
    await peer.send(wantAll(offer), dataPort);
    assertEquals(await bytesOf(peer, sizeBytes), rotten);
    await peer.send({ kind: "strike", nonce: NONCE, token, root, sizeBytes, chunk: 0 }, dataPort);
    const after = await offerAfter(peer, port, root);
    assertEquals(after.sha256, hashHex(toHex(sha256(rotten))));
  }));

/** Fetches `lengthBytes` of `f` on a connection of its own, and says that its only chunk is bad. */
async function fetchAndStrike(
  tcpPort: number,
  { root, sizeBytes: size }: FrameOf<"offer">,
  lengthBytes: number,
): Promise<void> {
  using peer = await TcpPeer.connect(tcpPort);
  await peer.say({ command: "fetch", name: "f", length: lengthBytes });
  assertEquals((await peer.message())["status"], "file");
  while ((await peer.takeFrame())!.length > 0);
  assertEquals((await peer.message())["status"], "sent");
  await peer.say({ command: "strike", root, size, chunk: 0 });
  assertEquals(await peer.message(), { status: "noted" });
}

Deno.test({
  name: "a client that proves a chunk bad over TCP makes the server look at its disk again, too",
  ignore,
}, () =>
  withFolder({}, async (dir) => {
    const rotten = CONTENT.with(0, 255) as Bytes;
    await writeSettled(join(dir, "data"), "f", rotten);
    await rememberAs(join(dir, "cache"), join(dir, "data", "f"), CONTENT);
    await using bench = await Bench.ofFolder(dir);
    using peer = new DatagramPeer();
    const { port, tcpPort } = bench.ready;
    const offer = await offerOf(peer, port);
    assertEquals(offer.sha256, hashHex(toHex(sha256(CONTENT))));
    await fetchAndStrike(tcpPort, offer, CONTENT.length);
    const after = await offerAfter(peer, port, offer.root);
    assertEquals(after.sha256, hashHex(toHex(sha256(rotten))));
  }));

Deno.test({
  name:
    "whatever is said of a file's chunks, it stays on offer while its disk holds what was indexed",
  ignore,
}, () =>
  withFolder({}, async (dir) => {
    await using bench = await Bench.start(dir);
    using peer = new DatagramPeer();
    const { port, dataPort } = bench.ready;
    const offer = await offerOf(peer, port);
    // Until here it was hashed for the first time.
    const { length: before } = bench.events.all;
    const { token, root, sizeBytes } = offer;
    const strike = { kind: "strike", nonce: NONCE, token, root, sizeBytes, chunk: 0 } as const;
    for (let i = 0; i < 50; i++) {
      // Of what was not sent, of contents that nobody has, and once, truly sent, of what is good.
      await peer.send({ ...strike, nonce: BigInt(i) }, dataPort);
      await peer.send({ ...strike, root: hashHex(i.toString(16).padStart(64, "e")) }, dataPort);
      await peer.send(strike, i % 2 === 0 ? dataPort : port);
      await peer.send({ ...wantAll(offer), number: i + 1 }, dataPort);
      assertEquals(await bytesOf(peer, sizeBytes), CONTENT);
      await peer.send(find("f"), port);
      assertEquals((await peer.frame("offer")).root, root);
    }
    const since = bench.events.all.slice(before);
    assert(!since.some((event) => event.event === "indexing" && event.filesLeft > 0));
  }));

// — Classic ———————————————————————————————————————————————————————————————————————————————————————
