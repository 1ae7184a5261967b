import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { assert, assertEquals, assertThrows } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import type { ByteStream } from "../../../lib/io/net/byte_stream.ts";
import { SessionConnection } from "../../../lib/io/net/session_connection.ts";
import { connectTcp, listenTcp } from "../../../lib/io/net/tcp_stream.ts";
import { encodeMessage } from "../../../lib/wire/session_json.ts";
import { MIB } from "../../../lib/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import { xorConfig } from "../../support/xor_layer.ts";
import { XorStream } from "../../support/xor_stream.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const HOST = "127.0.0.1";

async function withStreams(body: (a: ByteStream, b: ByteStream) => Promise<void>): Promise<void> {
  const listener = listenTcp(HOST, [0]);
  const { signal } = new AbortController();
  const [a, b] = await Promise.all([
    connectTcp({ address: HOST, port: listener.port }, signal),
    listener.accept(),
  ]);
  listener.close();
  assert(b !== undefined);
  try {
    await body(a, b);
  } finally {
    a.close();
    b.close();
  }
}

Deno.test(
  "a stream carries bytes to the end, and each side knows the other",
  { ignore },
  () =>
    withStreams(async (a, b) => {
      assertEquals([a.peer.address, b.peer.address, b.localAddress], [HOST, HOST, HOST]);
      const buffer = new Uint8Array(10);
      assertEquals(await a.write(Uint8Array.of(1, 2, 3)), 3);
      await a.closeWrite();
      assertEquals(await b.read(buffer), 3);
      assertEquals(await b.read(buffer), 0);
      // Half of it is closed.
      assertEquals(await b.write(Uint8Array.of(4)), 1);
      assertEquals(await a.read(buffer), 1);
      a.close();
      a.close();
      assertEquals([await a.read(buffer), await a.write(buffer)], [0, 0]);
    }),
);

Deno.test("a listener that is closed meets nobody any more", { ignore }, async () => {
  const listener = listenTcp(HOST, [0]);
  const accepted = listener.accept();
  listener.close();
  assertEquals(await accepted, undefined);
  assertEquals(await listener.accept(), undefined);
});

Deno.test("the first TCP port that is free is listened on", { ignore }, () => {
  const taken = listenTcp(HOST, [0]);
  const other = listenTcp(HOST, [taken.port, 0]);
  assert(other.port !== taken.port);
  const error = assertThrows(() => listenTcp(HOST, [taken.port]));
  assert(error instanceof ShoalError && error.code === "port_in_use");
  taken.close();
  other.close();
});

Deno.test(
  "a session is held over a layer that changes every byte",
  { ignore },
  () =>
    withStreams(async (a, b) => {
      const config = xorConfig();
      const [client, server] = [
        new SessionConnection(new XorStream(a, config, "client"), denoClock),
        new SessionConnection(new XorStream(b, config, "server"), denoClock),
      ];
      const body = new Random(1).bytes(3 * MIB);
      const sent = client.send(encodeMessage({ hello: "there" })).then(() => client.send(body));
      const read = await server.message(MIB);
      assert(read.kind === "message");
      assertEquals(JSON.parse(new TextDecoder().decode(read.bytes)), { hello: "there" });
      const pace = server.pace();
      while (server.queue.lengthBytes < body.length) await server.more(pace);
      await sent;
      assertSameBytes(server.queue.take(body.length)!, body);
      client.close();
      server.close();
    }),
);
