/** A sealed stream over one that a test holds in its hands: records, ends, and what an attacker makes of them. */
import { assert, assertEquals } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import type { ByteStream } from "../../../lib/io/net/byte_stream.ts";
import { SealedStream } from "../../../lib/io/net/sealed_stream.ts";
import type { GroupKey } from "../../../lib/protocol/seal/key_schedule.ts";
import { SEAL_RECORD_BYTES_MAX } from "../../../lib/wire/limits.ts";
import { assertSameBytes } from "../../support/bytes.ts";
import { randomFile } from "../../support/e2e.ts";
import { GROUP, OTHER_GROUP, suiteWith } from "../../support/seal_scene.ts";

/** One direction, of which what is written can be changed before it is read. */
class Pipe {
  readonly written: Bytes[] = [];
  change: (bytes: Bytes) => Bytes = (bytes) => bytes;
  #pending: Bytes = new Uint8Array(0);
  #isOver = false;
  #wake = (): void => {};

  async read(target: Bytes): Promise<number> {
    while (this.#pending.length === 0 && !this.#isOver) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    // In bits and pieces, as a network brings it.
    const count = Math.min(target.length, this.#pending.length, 1_000);
    target.set(this.#pending.subarray(0, count));
    this.#pending = this.#pending.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#isOver) return Promise.resolve(0);
    const taken = new Uint8Array(bytes.subarray(0, 40_000));
    this.written.push(taken);
    this.put(this.change(taken.slice()));
    return Promise.resolve(taken.length);
  }

  put(bytes: Bytes): void {
    this.#pending = new Uint8Array([...this.#pending, ...bytes]);
    this.#wake();
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  get all(): Bytes {
    return new Uint8Array(this.written.flatMap((bytes) => [...bytes]));
  }
}

function stream(incoming: Pipe, outgoing: Pipe): ByteStream {
  return {
    peer: { address: "10.0.0.1", port: 1 },
    localAddress: "10.0.0.2",
    read: (target) => incoming.read(target),
    write: (bytes) => outgoing.write(bytes),
    closeWrite: () => Promise.resolve(outgoing.end()),
    close() {
      incoming.end();
      outgoing.end();
    },
  };
}

function pair(clients: readonly GroupKey[] = [GROUP], servers: readonly GroupKey[] = [GROUP]) {
  const [up, down] = [new Pipe(), new Pipe()];
  const suite = suiteWith();
  const client = new SealedStream(stream(down, up), { groups: clients, suite, role: "client" });
  const server = new SealedStream(stream(up, down), { groups: servers, suite, role: "server" });
  return { up, down, client, server };
}

async function writeAll(to: ByteStream, bytes: Bytes): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const count = await to.write(bytes.subarray(at));
    if (count === 0) return;
    at += count;
  }
}

async function readAll(from: ByteStream, bytesMax = Infinity): Promise<Bytes> {
  const parts: number[] = [];
  const buffer = new Uint8Array(70_000);
  for (let count = 1; count > 0 && parts.length < bytesMax;) {
    count = await from.read(buffer);
    parts.push(...buffer.subarray(0, count));
  }
  return new Uint8Array(parts);
}

Deno.test("a sealed stream carries bytes of any length in both directions, and shows none of them", async () => {
  const { up, down, client, server } = pair();
  const [question, answer] = [randomFile(100, 1), randomFile(3 * SEAL_RECORD_BYTES_MAX + 5, 2)];
  const heard = readAll(server, question.length);
  await writeAll(client, question);
  assertSameBytes(await heard, question);
  const answered = readAll(client, answer.length);
  await writeAll(server, answer);
  assertSameBytes(await answered, answer);
  const hex = (bytes: Uint8Array) => new TextDecoder("latin1").decode(bytes);
  assert(!hex(up.all).includes(hex(question.subarray(0, 12))));
  assert(!hex(down.all).includes(hex(answer.subarray(5_000, 5_012))));
  await client.closeWrite();
  assertEquals(await server.read(new Uint8Array(10)), 0);
});

Deno.test("whoever reads first opens the stream as well, and whoever accepted may speak first", async () => {
  const { client, server } = pair();
  const heard = readAll(client, 5);
  await writeAll(server, new TextEncoder().encode("hello"));
  assertEquals(new TextDecoder().decode(await heard), "hello");
});

Deno.test("a client says nothing before the other side has shown that it has the secret", async () => {
  const { up, client } = pair();
  const written = client.write(new TextEncoder().encode("put me"));
  await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(up.all.length, 59);
  client.close();
  assertEquals(await written, 0);
  assertEquals(up.all.length, 59);
});

Deno.test("with another secret, or in clear, a stream ends without a word", async () => {
  const { client, server, down } = pair([OTHER_GROUP]);
  const wrote = client.write(new TextEncoder().encode("question"));
  assertEquals(await server.read(new Uint8Array(10)), 0);
  assertEquals(await wrote, 0);
  assertEquals(down.all.length, 0);
  const clear = pair();
  clear.up.put(new TextEncoder().encode("LIST\r\n".repeat(20)));
  assertEquals(await clear.server.read(new Uint8Array(10)), 0);
  assertEquals(await clear.server.write(new TextEncoder().encode("who is there?")), 0);
  assertEquals(clear.down.all.length, 0);
});

Deno.test("streams understand each other while a secret is changed", async () => {
  const both = [OTHER_GROUP, GROUP];
  for (
    const [clients, servers] of [[both, [GROUP]], [both, [OTHER_GROUP]], [[GROUP], both], [
      both,
      both,
    ]]
  ) {
    const { client, server } = pair(clients, servers);
    const heard = readAll(server, 5);
    await writeAll(client, new TextEncoder().encode("hello"));
    assertEquals(new TextDecoder().decode(await heard), "hello");
  }
});

Deno.test("a record that was changed, doubled, left out or cut ends the stream before a byte of it", async () => {
  const attacks: Record<string, (records: readonly Bytes[]) => readonly Bytes[]> = {
    "flipped": ([a, b]) => [a!, b!.map((byte, i) => i === 5 ? byte ^ 1 : byte)],
    "longer by its length": ([a, b]) => [a!, b!.map((byte, i) => i === 1 ? byte + 1 : byte), b!],
    "doubled": ([a]) => [a!, a!],
    "left out": ([a, , c]) => [a!, c!],
    "turned around": ([a, b, c]) => [a!, c!, b!],
    "cut": ([a, b]) => [a!, b!.subarray(0, -1)],
    "empty": ([a]) => [a!, Uint8Array.of(0, 16), new Uint8Array(16)],
  };
  for (const [what, attack] of Object.entries(attacks)) {
    const { up, client, server } = pair();
    const first = readAll(server, 3);
    await writeAll(client, new TextEncoder().encode("abc"));
    await first;
    const held: Bytes[] = [];
    up.change = (bytes) => (held.push(bytes), new Uint8Array(0));
    for (const text of ["one", "two", "three"]) {
      await writeAll(client, new TextEncoder().encode(text));
    }
    for (const bytes of attack(held)) up.put(new Uint8Array(bytes));
    up.end();
    assertEquals(new TextDecoder().decode(await readAll(server)), "one", what);
  }
});

Deno.test("a second message with any bit flipped ends the stream before anything is said", async () => {
  for (const at of [0, 6, 7, 38, 39, 43, 58]) {
    const { up, down, client, server } = pair();
    down.change = (bytes) => bytes.map((byte, i) => i === at ? byte ^ 1 : byte);
    const heard = server.read(new Uint8Array(10));
    assertEquals(await client.write(new TextEncoder().encode("question")), 0, `byte ${at}`);
    assertEquals(up.all.length, 59);
    assertEquals(await heard, 0);
  }
});

Deno.test("a whole conversation that is played to a server again brings nothing but its second message", async () => {
  const { up, client, server } = pair();
  const heard = readAll(server, 8);
  await writeAll(client, new TextEncoder().encode("put this"));
  await heard;
  const again = pair();
  again.up.put(up.all);
  again.up.end();
  assertEquals((await readAll(again.server)).length, 0);
  assertEquals(again.down.all.length, 59);
});
