import { assertEquals } from "@std/assert";
import { OfferBook } from "../../../lib/protocol/discovery/offer_book.ts";
import { type Content, hashHex, peerId, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { OFFERS_KEPT_MAX } from "../../../lib/protocol/discovery/limits.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";

const [A, B, C] = ["a", "b", "c"].map((digit): Content => {
  const hash = hashHex(digit.repeat(64));
  return { sizeBytes: 10, sha256: hash, root: hash };
}) as [Content, Content, Content];

function offer(
  server: number,
  content: Content,
  address = `10.0.0.${server}`,
  isProved = true,
): Offer {
  return {
    server: peerId(serverId(server.toString(16).padStart(32, "0")), "first"),
    party: address,
    isProved,
    name: "a" as SafeFileName,
    content,
    mtimeMs: 0,
    tcpPort: 0,
    path: { endpoint: { address: address, port: 1 }, token: new Uint8Array(8) },
  };
}

Deno.test("an offer is new once a server and content, whatever the path", () => {
  const book = new OfferBook(new Random(1));
  assertEquals(book.add(offer(1, A), undefined), true);
  assertEquals(book.add(offer(1, A), undefined), false);
  assertEquals(book.add(offer(1, A, "10.1.0.1"), undefined), false);
  assertEquals(book.add(offer(2, A), undefined), true);
  assertEquals(book.of(A).length, 3);
});

Deno.test("a server's last word on a name replaces what it said before, but for what is fetched", () => {
  const book = new OfferBook(new Random(1));
  book.add(offer(1, A), undefined);
  assertEquals(book.add(offer(1, B), A), true);
  assertEquals([book.of(A).length, book.of(B).length], [1, 1]);
  book.add(offer(1, C), A);
  assertEquals([A, B, C].map((each) => book.of(each).length), [1, 0, 1]);
});

Deno.test("who is forgotten may come back; who is dropped is remembered for it", () => {
  const book = new OfferBook(new Random(1));
  const { server } = offer(1, A);
  book.add(offer(1, A), undefined);
  book.forget(server, B);
  assertEquals(book.hasProved(() => true), true, "it was another content that it lacks");
  book.forget(server, A);
  assertEquals([book.hasProved(() => true), book.isDropped(server), book.hasDropped], [
    false,
    false,
    false,
  ]);
  book.add(offer(1, A), undefined);
  book.drop(server);
  assertEquals([book.hasProved(() => true), book.isDropped(server), book.hasDropped], [
    false,
    true,
    true,
  ]);
});

Deno.test("a claim is replaced by what is proved, and takes nothing of it back", () => {
  const book = new OfferBook(new Random(1));
  assertEquals(book.add(offer(1, A, "10.0.0.1", false), undefined), true);
  assertEquals(book.add(offer(1, A, "10.0.0.1", false), undefined), false);
  assertEquals([book.hasProved(() => true), book.hasClaim(() => true)], [false, true]);
  assertEquals(book.add(offer(1, B), undefined), true);
  assertEquals([book.of(A).length, book.of(B).length], [0, 1]);
  assertEquals(book.add(offer(1, A, "10.0.0.1", false), undefined), false);
  assertEquals([book.of(A).length, book.of(B).length, book.hasClaim(() => true)], [0, 1, false]);
});

Deno.test("any number of claims displaces nothing that is proved", () => {
  const book = new OfferBook(new Random(1));
  book.add(offer(1, A), undefined);
  for (let i = 0; i < 3 * OFFERS_KEPT_MAX; i++) {
    book.add(offer(2 + i, B, `10.1.${i >> 8}.${i & 255}`, false), undefined);
  }
  assertEquals(book.of(A).length, 1);
  assertEquals(book.of(B).length, OFFERS_KEPT_MAX - 1);
  // And what is proved late finds a place among them.
  book.add(offer(9_999, A), undefined);
  assertEquals(book.of(A).length, 2);
});

Deno.test("claims of several contents under one server's id stand beside each other until one is proved", () => {
  const book = new OfferBook(new Random(1));
  const claim = (content: Content): Offer => offer(1, content, "10.0.0.1", false);
  assertEquals(book.add(claim(A), undefined), true);
  assertEquals(book.add(claim(B), undefined), true);
  assertEquals(book.add(claim(B), undefined), false);
  assertEquals([book.of(A).length, book.of(B).length], [1, 1]);
  assertEquals(book.add(offer(1, A), undefined), true);
  assertEquals([book.of(A).length, book.of(B).length], [1, 0]);
});
