import { assertEquals } from "@std/assert";
import { OfferBook } from "../../../lib/protocol/discovery/offer_book.ts";
import { type Content, hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
import type { Offer } from "../../../lib/protocol/discovery/finder.ts";

const [A, B, C] = ["a", "b", "c"].map((digit): Content => {
  const hash = hashHex(digit.repeat(64));
  return { sizeBytes: 10, sha256: hash, root: hash };
}) as [Content, Content, Content];

function offer(server: number, content: Content, address = `10.0.0.${server}`): Offer {
  return {
    server: serverId(server.toString(16).padStart(16, "0")),
    name: "a" as SafeFileName,
    content,
    mtimeMs: 0,
    tcpPort: 0,
    path: { endpoint: { address: address, port: 1 }, token: new Uint8Array(8) },
  };
}

Deno.test("an offer is new once a server and content, whatever the path", () => {
  const book = new OfferBook();
  assertEquals(book.add(offer(1, A), undefined), true);
  assertEquals(book.add(offer(1, A), undefined), false);
  assertEquals(book.add(offer(1, A, "10.1.0.1"), undefined), false);
  assertEquals(book.add(offer(2, A), undefined), true);
  assertEquals(book.of(A).length, 3);
});

Deno.test("a server's last word on a name replaces what it said before, but for what is fetched", () => {
  const book = new OfferBook();
  book.add(offer(1, A), undefined);
  assertEquals(book.add(offer(1, B), A), true);
  assertEquals([book.of(A).length, book.of(B).length], [1, 1]);
  book.add(offer(1, C), A);
  assertEquals([A, B, C].map((each) => book.of(each).length), [1, 0, 1]);
});

Deno.test("who is forgotten may come back; who is dropped is remembered for it", () => {
  const book = new OfferBook();
  const { server } = offer(1, A);
  book.add(offer(1, A), undefined);
  book.forget(server);
  assertEquals([book.isEmpty, book.isDropped(server), book.hasDropped], [true, false, false]);
  book.add(offer(1, A), undefined);
  book.drop(server);
  assertEquals([book.isEmpty, book.isDropped(server), book.hasDropped], [true, true, true]);
});
