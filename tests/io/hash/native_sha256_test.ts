import { assertEquals, assertNotEquals } from "@std/assert";
import { toHex } from "../../../lib/ids.ts";
import { useNativeSha256 } from "../../../lib/io/hash/native_sha256.ts";
import { sha256, StreamingHash, useSha256 } from "../../../lib/protocol/base/sha256.ts";

const granted =
  (await Promise.all((["ffi", "env"] as const).map((name) => Deno.permissions.query({ name }))))
    .every((status) => status.state === "granted");

const ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

Deno.test("a SHA-256 that gets a digest wrong is refused", () => {
  assertEquals(useSha256(() => {}), false);
  assertEquals(toHex(sha256(new TextEncoder().encode("abc"))), ABC);
});

Deno.test({
  name: "the system's SHA-256 gives the published digests, on views too, each in bytes of its own",
  ignore: !granted,
  // A library stays loaded for as long as its thread.
  sanitizeResources: false,
  fn() {
    useNativeSha256();
    const digest = sha256(new TextEncoder().encode("xabcx").subarray(1, 4));
    assertEquals(toHex(digest), ABC);
    assertNotEquals(toHex(sha256(new Uint8Array(0))), ABC);
    assertEquals(toHex(digest), ABC);
    const streams = [new StreamingHash(), new StreamingHash()];
    for (const letter of "abc") {
      for (const stream of streams) stream.update(new TextEncoder().encode(letter));
      streams[1]!.digestSoFarHex();
    }
    assertEquals(streams.map((stream) => stream.digestHex()), [ABC, ABC]);
  },
});
