/** Who is remembered of those that answer, when more answer than can be remembered. */
import { assert, assertEquals } from "@std/assert";
import { type ServerId, serverId } from "../../../lib/ids.ts";
import { PATHS_PER_SERVER_MAX } from "../../../lib/protocol/base/limits.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { HeardServers } from "../../../lib/protocol/discovery/heard_servers.ts";
import {
  SERVERS_HEARD_MAX,
  SERVERS_PER_ADDRESS_MAX,
} from "../../../lib/protocol/discovery/limits.ts";

const TOKEN = new Uint8Array(16);
const HONEST = idOf(0);
const HERE = { address: "10.0.0.2", port: 10530 };

function idOf(index: number): ServerId {
  return serverId(index.toString(16).padStart(32, "0"));
}

function heard(): { servers: HeardServers; evicted: ServerId[] } {
  const evicted: ServerId[] = [];
  const servers = new HeardServers(1, new Random(7), ({ id }) => evicted.push(id));
  return { servers, evicted };
}

Deno.test("any number of invented servers, at one address or many, keep no honest one from being heard", () => {
  for (const addressOf of [() => HERE.address, (i: number) => `10.1.${i >> 8}.${i & 255}`]) {
    const { servers } = heard();
    for (let i = 1; i <= 2 * SERVERS_HEARD_MAX; i++) servers.hear(0, idOf(i), addressOf(i));
    assert(servers.hear(1, HONEST, HERE.address) !== undefined);
    assert(servers.count <= SERVERS_HEARD_MAX);
  }
});

Deno.test("who answered a question of its own is not pushed out by those who did not", () => {
  const { servers, evicted } = heard();
  servers.hear(0, HONEST, HERE.address)!.validate(HERE);
  for (let i = 1; i <= 3 * SERVERS_HEARD_MAX; i++) {
    servers.hear(0, idOf(i), HERE.address);
    servers.hear(0, idOf(1_000_000 + i), `10.1.${i >> 8}.${i & 255}`);
  }
  assert(servers.get(HONEST) !== undefined);
  assert(!evicted.includes(HONEST));
  assert(evicted.length > 4 * SERVERS_HEARD_MAX);
});

Deno.test("a table full of servers that are there takes no other", () => {
  const { servers } = heard();
  for (let i = 1; i <= SERVERS_PER_ADDRESS_MAX; i++) {
    servers.hear(0, idOf(i), HERE.address)!.validate({ ...HERE, port: i });
  }
  assertEquals(servers.hear(0, HONEST, HERE.address), undefined);
  assertEquals(servers.count, SERVERS_PER_ADDRESS_MAX);
});

Deno.test("forged paths of a server do not take the place of the one that it answers from", () => {
  const { servers } = heard();
  const random = new Random(7);
  const server = servers.hear(0, HONEST, HERE.address)!;
  for (let port = 1; port <= PATHS_PER_SERVER_MAX; port++) {
    server.pathAt({ ...HERE, port }, TOKEN, random);
  }
  assert(server.pathAt(HERE, TOKEN, random) !== undefined, "there is room for another path");
  server.validate(HERE);
  for (let port = 100; port < 200; port++) server.pathAt({ ...HERE, port }, TOKEN, random);
  assert(server.knownPath(HERE) !== undefined);
});
