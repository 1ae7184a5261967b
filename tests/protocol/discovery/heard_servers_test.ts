/** Who is remembered of those that prove themselves, when more do than can be remembered. */
import { assert, assertEquals } from "@std/assert";
import { type PeerId, peerId, serverId } from "../../../lib/ids.ts";
import { PATHS_PER_SERVER_MAX, SERVERS_PER_PARTY_MAX } from "../../../lib/protocol/base/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { HeardServers } from "../../../lib/protocol/discovery/heard_servers.ts";

const TOKEN = new Uint8Array(16);
const HONEST = idOf(0);
const HERE = { address: "10.0.0.2", port: 10530 };

function idOf(index: number): PeerId {
  return peerId(serverId(index.toString(16).padStart(32, "0")), "10.0.0.2:1");
}

Deno.test("a party full of servers that are there takes no other, and another party's do not mind", () => {
  const servers = new HeardServers(1);
  for (let i = 1; i <= 2 * SERVERS_PER_PARTY_MAX; i++) servers.hear(0, idOf(i), HERE.address);
  assertEquals(servers.hear(0, HONEST, HERE.address), undefined);
  assertEquals(servers.count, SERVERS_PER_PARTY_MAX);
  assert(servers.hear(0, HONEST, "10.0.0.3") !== undefined);
});

Deno.test("forged paths of a server do not take the place of the one that it answers from", () => {
  const random = new Random(7);
  const server = new HeardServers(1).hear(0, HONEST, HERE.address)!;
  for (let port = 1; port <= PATHS_PER_SERVER_MAX; port++) {
    server.pathAt({ ...HERE, port }, TOKEN, random);
  }
  assert(server.pathAt(HERE, TOKEN, random) !== undefined, "there is room for another path");
  server.validate(HERE);
  assertEquals(server.path?.endpoint, HERE, "what is proved comes first");
  for (let port = 100; port < 200; port++) server.pathAt({ ...HERE, port }, TOKEN, random);
  assert(server.knownPath(HERE) !== undefined);
});

Deno.test("a server is found by the endpoint that it was proved at, or by a token that it issued", () => {
  const servers = new HeardServers(1);
  const random = new Random(7);
  const id = serverId("0".repeat(32));
  const [its, other] = [new Uint8Array(16).fill(1), new Uint8Array(16).fill(2)];
  const server = servers.hear(0, HONEST, HERE.address)!;
  server.pathAt(HERE, its, random);
  const elsewhere = { ...HERE, address: "10.0.0.9" };
  assertEquals(servers.find(id, HERE, other), undefined, "nobody has answered there yet");
  server.validate(HERE);
  assertEquals(servers.find(id, HERE, other), server);
  assertEquals(servers.find(id, elsewhere, its), server);
  assertEquals(servers.find(id, elsewhere, other), undefined);
  assertEquals(servers.find(serverId("f".repeat(32)), HERE, its), undefined);
});
