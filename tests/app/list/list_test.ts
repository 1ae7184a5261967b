import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLess,
  assertMatch,
  assertRejects,
} from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import type { ListEvent } from "../../../lib/app/events.ts";
import { list } from "../../../lib/app/list/list.ts";
import { nowMs } from "../../../lib/io/system/deno_clock.ts";
import { LIST_TCP_PATIENCE_MS } from "../../../lib/app/list/limits.ts";
import {
  type ScriptedFile,
  scriptedFile,
  ScriptedServer,
  withServers,
} from "../../support/scripted_server.ts";
import { TcpPeer } from "../../support/tcp_peer.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const BROADCAST = ["127.255.255.255"];

Deno.test(
  { name: "list merges what servers share and keeps apart what differs", ignore },
  async () => {
    const shared = scriptedFile("shared.txt", 10, 1);
    const mine = scriptedFile("differs.txt", 20, 2);
    const yours = scriptedFile("differs.txt", 20, 3);
    const hashing = { ...scriptedFile("hashing.txt", 30, 4) };
    const pending = { ...hashing, entry: { ...hashing.entry, state: "pending" } } as ScriptedFile;
    // Listings are sorted by name.
    const folders = [[mine, pending, shared], [yours, shared]];
    await withServers(folders, async ([first, second], port) => {
      const events: ListEvent[] = [];
      const onEvent = (event: ListEvent) => void events.push(event);
      const patience = { timeoutMs: 60_000 };
      const startMs = nowMs();
      const files = await list({ port, broadcast: BROADCAST, tune: false, onEvent, ...patience });
      assertLess(nowMs() - startMs, patience.timeoutMs);
      const both = [first!.endpointText, second!.endpointText].sort();
      const bySha = [
        { sha256: mine.entry.sha256, servers: [first!.endpointText] },
        { sha256: yours.entry.sha256, servers: [second!.endpointText] },
      ].sort((a, b) => a.sha256 < b.sha256 ? -1 : 1);
      assertEquals(files, [
        { event: "file", name: "differs.txt", size: 20, ...bySha[0]! },
        { event: "file", name: "differs.txt", size: 20, ...bySha[1]! },
        { event: "file", name: "hashing.txt", size: 30, servers: [first!.endpointText] },
        { event: "file", name: "shared.txt", size: 10, sha256: shared.entry.sha256, servers: both },
      ]);
      assertEquals(events.filter(({ event }) => event === "file"), [...files]);
    });
  },
);

Deno.test({ name: "list fails when nobody answers in the time given", ignore }, async () => {
  const silent = new ScriptedServer(1, []);
  const port = silent.discoveryPort;
  await silent.close();
  const error = await assertRejects(
    () => list({ port, broadcast: BROADCAST, tune: false, timeoutMs: 700, retries: 1 }),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals(error.code, "no_server");
});

Deno.test({ name: "list ends when it is aborted", ignore }, async () => {
  const silent = new ScriptedServer(1, []);
  const port = silent.discoveryPort;
  await silent.close();
  const aborting = new AbortController();
  const onEvent = ({ event }: ListEvent) => {
    if (event === "waiting") aborting.abort();
  };
  const { signal } = aborting;
  const error = await assertRejects(
    () => list({ port, broadcast: BROADCAST, tune: false, signal, onEvent }),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals(error.code, "interrupted");
});

/** Six files of a server whose datagrams hold two. */
const SIX = Array.from({ length: 6 }, (_, i) => scriptedFile(`file-${i}`, 10 + i, 10 + i));
const SIX_NAMES = SIX.map(({ entry }) => entry.name);

/** The file as a session describes it. */
function described({ entry: { name, sizeBytes, sha256 }, root }: ScriptedFile) {
  return { name, size: sizeBytes, mtime: 0, sha256, root };
}

/** Lists what a server offers whose sessions `talk` holds; the listener is closed if it is absent. */
async function listed(talk?: (peer: TcpPeer) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const talks: Promise<void>[] = [];
  let connections = 0;
  const accepting = (async () => {
    for await (const conn of listener) {
      using peer = new TcpPeer(conn);
      connections += 1;
      const talking = talk!(peer);
      talks.push(talking);
      await talking;
    }
  })();
  if (talk === undefined) listener.close();
  let names: string[] = [];
  await withServers([SIX], async ([server], port) => {
    server!.tcpPort = listener.addr.port;
    server!.filesPerPage = 2;
    names = (await list({ port, broadcast: BROADCAST, tune: false })).map(({ name }) => name);
  });
  if (talk !== undefined) listener.close();
  await accepting;
  await Promise.all(talks);
  return { names, connections };
}

Deno.test({ name: "the rest of a long listing is read over TCP", ignore }, async () => {
  const asked: unknown[] = [];
  const { names, connections } = await listed(async (peer) => {
    asked.push(await peer.message());
    await peer.say({ status: "files", files: SIX.slice(2, 5).map(described), next: "file-4" });
    asked.push(await peer.message());
    // Not what datagrams would have told, so that it shows whence it came.
    await peer.say({ status: "files", files: [{ ...described(SIX[5]!), name: "by-tcp" }] });
  });
  assertEquals(asked, [
    { command: "list", after: "file-1" },
    { command: "list", after: "file-4" },
  ]);
  assertEquals(names, ["by-tcp", ...SIX_NAMES.slice(0, 5)]);
  assertEquals(connections, 1);
});

Deno.test(
  { name: "a server that was named lists over TCP where no UDP passes", ignore },
  async () => {
    // Its UDP port of the same number is closed.
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async () => {
      using peer = new TcpPeer(await listener.accept());
      assertEquals(await peer.message(), { command: "list" });
      await peer.say({ status: "files", files: SIX.slice(0, 3).map(described), next: "file-2" });
      assertEquals(await peer.message(), { command: "list", after: "file-2" });
      await peer.say({ status: "files", files: SIX.slice(3).map(described) });
      await peer.end();
    })();
    const server = `127.0.0.1:${listener.addr.port}`;
    const said: string[] = [];
    const onEvent = (event: ListEvent) =>
      void (event.event === "notice" && said.push(event.message));
    const options = { servers: [server], tune: false, onEvent };
    const files = await list({ ...options, timeoutMs: 60_000, retries: 1 });
    await answering;
    assertEquals(files.map(({ name }) => name), SIX_NAMES);
    assertEquals(files[0]!.servers, [server]);
    assertEquals(said, [`${server} does not answer over UDP: listing over TCP instead`]);
  },
);

Deno.test(
  { name: "a server that was named and is not there is told as such", ignore },
  async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const server = `127.0.0.1:${listener.addr.port}`;
    listener.close();
    const error = await assertRejects(
      () => list({ servers: [server], tune: false, timeoutMs: 2_000, retries: 1 }),
      ShoalError,
    );
    assert(error instanceof ShoalError);
    assertEquals(error.code, "no_server");
    assertMatch(error.message, /no server listens at 127\.0\.0\.1/);
  },
);

Deno.test({ name: "a long listing comes by datagrams where TCP is closed", ignore }, async () => {
  assertEquals(await listed(), { names: SIX_NAMES, connections: 0 });
});

Deno.test(
  { name: "a long listing continues over UDP when TCP falls silent", ignore },
  async () => {
    const startMs = nowMs();
    const { names } = await listed(async (peer) => {
      await peer.message();
      await peer.say({ status: "files", files: [described(SIX[2]!)], next: "file-2" });
      await peer.message();
      await peer.end();
    });
    assertEquals(names, SIX_NAMES);
    assertGreaterOrEqual(nowMs() - startMs, LIST_TCP_PATIENCE_MS);
  },
);

for (
  const answer of [{ status: "files" }, { status: "files", files: [7] }, { status: "error" }, []]
) {
  const title = `a long listing comes by datagrams after the nonsense ${JSON.stringify(answer)}`;
  Deno.test({ name: title, ignore }, async () => {
    const { names } = await listed(async (peer) => {
      await peer.message();
      await peer.say(answer);
    });
    assertEquals(names, SIX_NAMES);
  });
}
