/** Who is one server, whichever way it is asked. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type ServerId, serverId } from "../../../lib/ids.ts";
import { CANDIDATES_MAX } from "../../../lib/protocol/discovery/limits.ts";
import { PeerIds } from "../../../lib/protocol/discovery/peer_ids.ts";

const ID = serverId("a1".repeat(16));
const [UDP, OTHER_UDP, TCP] = [10_530, 10_531, 10_540];
const at = (port: number, address = "10.0.0.1") => ({ address, port });
const token = (mark: number) => new Uint8Array(16).fill(mark);

function fresh(...own: string[]): PeerIds {
  return new PeerIds((address) => own.includes(address), () => 1);
}

/** As a search does with an answer that nobody else can have given. */
function prove(ids: PeerIds, port: number, mark: number, address = "10.0.0.1", id: ServerId = ID) {
  const peer = ids.ofProved(id, at(port, address), token(mark));
  ids.prove(peer, at(port, address));
  return peer;
}

Deno.test("a session is of the server that has proved itself at its address under its id", () => {
  const ids = fresh();
  const peer = prove(ids, UDP, 1);
  assertEquals(ids.ofSession(ID, at(TCP)), peer);
  assertNotEquals(ids.ofSession(ID, at(TCP, "10.0.0.2")), peer);
  assertNotEquals(ids.ofSession(serverId("b2".repeat(16)), at(TCP)), peer);
});

Deno.test("a server that proves itself is the one that was known by a session, with its later tokens too", () => {
  const ids = fresh();
  const session = ids.ofSession(ID, at(TCP));
  assertEquals(prove(ids, UDP, 1), session);
  assertEquals(ids.of(ID, at(UDP), token(2)), session);
  assertEquals(ids.at(ID, at(UDP)), session);
  assertEquals(ids.ofSession(ID, at(TCP)), session);
  assertNotEquals(prove(fresh(), UDP, 1), session, "by itself it is known by its UDP port");
});

Deno.test("what is only claimed joins no session, and takes no place of the one that proves it", () => {
  const ids = fresh();
  const session = ids.ofSession(ID, at(TCP));
  assertEquals(ids.awaitsProof(ID, "10.0.0.1"), true);
  assertEquals(ids.awaitsProof(ID, "10.0.0.2"), false);
  assertNotEquals(ids.of(ID, at(OTHER_UDP), token(9)), session);
  assertEquals(prove(ids, UDP, 1), session);
  assertEquals(ids.awaitsProof(ID, "10.0.0.1"), false);
});

Deno.test("a claim that came first gives no session its name", () => {
  const ids = fresh();
  const claimed = ids.of(ID, at(UDP), token(1));
  assertNotEquals(ids.ofSession(ID, at(TCP)), claimed);
});

Deno.test("one server of an id and address has the session: who proves the same later is another", () => {
  const ids = fresh();
  const session = ids.ofSession(ID, at(TCP));
  assertEquals(prove(ids, UDP, 1), session);
  assertNotEquals(prove(ids, OTHER_UDP, 2), session);
  // And where two have proved it, a session on another port is of neither.
  const third = ids.ofSession(ID, at(TCP + 1));
  assertNotEquals(third, session);
  assertNotEquals(third, ids.at(ID, at(OTHER_UDP)));
});

Deno.test("at this machine's addresses a server is one, by datagrams, sessions and a master's word", () => {
  const ids = fresh("127.0.0.1", "10.0.0.9");
  const peer = prove(ids, UDP, 1, "10.0.0.9");
  assertEquals(prove(ids, UDP, 2, "127.0.0.1"), peer);
  assertEquals(ids.ofSession(ID, at(TCP, "127.0.0.1")), peer);
  assertEquals(ids.at(ID, at(UDP, "10.0.0.9")), peer);
  const later = fresh("127.0.0.1", "10.0.0.9");
  const session = later.ofSession(ID, at(TCP, "10.0.0.9"));
  assertEquals(prove(later, UDP, 1, "127.0.0.1"), session);
});

Deno.test("of tokens no more than a bound are remembered: who is forgotten is known by its endpoint", () => {
  const ids = fresh();
  const each = Array.from({ length: 2 * CANDIDATES_MAX }, (_, index) => {
    const mark = new Uint8Array(16);
    new DataView(mark.buffer).setUint32(0, index);
    return { id: serverId(index.toString(16).padStart(32, "0")), mark };
  });
  const peers = each.map(({ id, mark }) => ids.of(id, at(UDP), mark));
  const known = each.filter(({ id, mark }, i) => ids.of(id, at(OTHER_UDP), mark) === peers[i]);
  assert(known.length > 0 && known.length <= CANDIDATES_MAX);
});
