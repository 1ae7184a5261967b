/** A client's questions to a master that answers as the test says. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { MasterSearch } from "../../../lib/app/master/master_search.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { JsonObject } from "../../../lib/wire/session_json.ts";
import { eventually } from "../../support/master.ts";
import { TcpPeer } from "../../support/tcp_peer.ts";

const FILE = {
  name: "film",
  size: 5,
  mtime: 7,
  sha256: hashHex("c".repeat(64)),
  root: hashHex("d".repeat(64)),
};
const silent = Array.from({ length: 20 }, (_, i) => `10.8.0.${i + 1}`);

function serverAt(address: string, port = 10_530): JsonObject {
  return { id: "a".repeat(32), address, port };
}

Deno.test("a client that was told of addresses that do not answer asks for others", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const asked: unknown[] = [];
  const answering = (async () => {
    for await (const conn of listener) {
      using peer = new TcpPeer(conn);
      const request = await peer.message();
      asked.push(request["except"]);
      const isFirst = asked.length === 1;
      const servers = isFirst
        ? [...silent.map((address) => serverAt(address)), serverAt("10.0.0.7")]
        : [serverAt("10.0.0.8")];
      await peer.say({ status: "located", found: [[{ ...FILE, servers }]] });
      await peer.end();
    }
  })();
  const told: Endpoint[] = [];
  const search = new MasterSearch({
    runtime: denoRuntime(),
    layers: [],
    masters: [`127.0.0.1:${listener.addr.port}`],
    wanted: () => [{ by: "name", name: FILE.name as SafeFileName }],
    onServers: (endpoints) => {
      told.push(...endpoints);
      search.heard("10.0.0.7");
    },
    onWord: () => {},
    onProblem: (message) => {
      throw new Error(message);
    },
  });
  try {
    await eventually("it asks again", 30_000, () => asked.length >= 2 && told.length >= 22);
  } finally {
    await search.close();
    listener.close();
    await answering.catch(() => {});
  }
  assertEquals(asked.slice(0, 2), [undefined, silent]);
  assertEquals(told.map(({ address }) => address), [...silent, "10.0.0.7", "10.0.0.8"]);
});

Deno.test("what one master does not know is not unknown before the others have answered, or cannot be had", async () => {
  const waiting = Promise.withResolvers<void>();
  const masterThat = (answers: () => Promise<JsonObject[]>) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const answering = (async () => {
      for await (const conn of listener) {
        using peer = new TcpPeer(conn);
        await peer.message();
        await peer.say({ status: "located", found: [await answers()] });
        await peer.end();
      }
    })();
    const end = async (): Promise<void> => {
      listener.close();
      await answering.catch(() => {});
    };
    return { master: `127.0.0.1:${listener.addr.port}`, end };
  };
  const quick = masterThat(() => Promise.resolve([]));
  const slow = masterThat(() =>
    waiting.promise.then(() => [{ ...FILE, servers: [serverAt("10.0.0.7")] }])
  );
  for (const others of [[slow.master], ["127.0.0.1:1"]]) {
    const words: boolean[] = [];
    const told: Endpoint[] = [];
    const search = new MasterSearch({
      ...{ runtime: denoRuntime(), layers: [], masters: [quick.master, ...others] },
      wanted: () => [{ by: "name", name: FILE.name as SafeFileName }],
      onServers: (endpoints) => void told.push(...endpoints),
      onWord: (_, { isUnknown }) => void words.push(isUnknown),
      onProblem: () => {},
    });
    try {
      await eventually("the quick one has answered", 30_000, () => words.length > 0);
      if (others[0] !== slow.master) {
        await eventually("who cannot be had is not waited for", 30_000, () => words.includes(true));
        continue;
      }
      assertEquals(words.includes(true), false, "the slow one has not answered");
      waiting.resolve();
      await eventually("the slow one has answered", 30_000, () => told.length > 0);
      assertEquals(words.includes(true), false, "the slow one knows of somebody");
    } finally {
      await search.close();
    }
  }
  await Promise.all([quick.end(), slow.end()]);
});

Deno.test("what a master knows of a name decides what to do about silence", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answering = (async () => {
    for await (const conn of listener) {
      using peer = new TcpPeer(conn);
      await peer.message();
      const found = [[{ ...FILE, servers: [serverAt("10.0.0.7"), serverAt("10.0.0.8")] }], []];
      await peer.say({ status: "located", found });
      await peer.end();
    }
  })();
  const queryOf = (name: string) => ({ by: "name", name: name as SafeFileName }) as const;
  let answers = 0;
  const search = new MasterSearch({
    runtime: denoRuntime(),
    layers: [],
    masters: [`127.0.0.1:${listener.addr.port}`],
    wanted: () => [queryOf(FILE.name), queryOf("flim")],
    onServers: () => void (answers += 1),
    onWord: () => {},
    onProblem: (message) => {
      throw new Error(message);
    },
  });
  assertEquals(
    search.silenceHint(queryOf("flim")),
    undefined,
    "nothing is known before it answers",
  );
  try {
    await eventually("it answers", 30_000, () => answers >= 1);
  } finally {
    await search.close();
    listener.close();
    await answering.catch(() => {});
  }
  assertMatch(search.silenceHint(queryOf(FILE.name)) ?? "", /names 10\.0\.0\.7:10530 and 1 more/);
  assertMatch(search.silenceHint(queryOf("flim")) ?? "", /know of nobody who has it/);
});
