import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Bytes, claimedIdOf, type Content, type SafeFileName } from "../../../lib/ids.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { resolveGet } from "../../../lib/app/option_defaults.ts";
import type { FindOptions } from "../../../lib/app/options.ts";
import { openSearch, type Search } from "../../../lib/app/discovery/search.ts";
import { openTransport } from "../../../lib/io/net/transport_factory.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { SourceRoute } from "../../../lib/protocol/download/source_route.ts";
import type { FindNews, Offer } from "../../../lib/protocol/discovery/finder.ts";
import type { Query } from "../../../lib/wire/frames.ts";
import { type ScriptedFile, scriptedFile, withServers } from "../../support/scripted_server.ts";
import { testTransport } from "../../support/test_transport.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const MIB = 1024 * 1024;
const BROADCAST = ["127.255.255.255"];

async function withSearch(
  options: FindOptions,
  body: (search: Search) => Promise<void>,
): Promise<void> {
  const search = await openSearch(
    resolveGet({ names: [], outDir: "", broadcast: BROADCAST, tune: false, ...options }),
    denoRuntime(),
  );
  try {
    await body(search);
  } finally {
    await search.close();
  }
}

const byName = (name: string): Query => ({ by: "name", name: name as SafeFileName });

/** Only takes offers. */
function offersTo(onOffer: (queryIndex: number, offer: Offer) => void): (news: FindNews) => void {
  return (news) => {
    if (news.kind === "offer") onOffer(news.queryIndex, news.offer);
  };
}

function contentOf({ entry: { sizeBytes, sha256 }, root }: ScriptedFile): Content {
  return { sizeBytes, sha256, root };
}

Deno.test({ name: "one broadcast finds two servers that share a port", ignore }, async () => {
  const file = scriptedFile("example.txt", 5 * MIB, 1);
  await withServers([[file], [file]], async (servers, port) => {
    await withSearch({ port }, async (search) => {
      const offers: Offer[] = [];
      await new Promise<void>((resolve) => {
        search.find(
          [byName("example.txt")],
          offersTo((_, offer) => {
            offers.push(offer);
            if (offers.length === 2) resolve();
          }),
        );
      });
      const ids = (each: readonly { readonly id?: string; readonly server?: string }[]) =>
        each.map(({ id, server }) => id ?? server?.slice(0, 32)).sort();
      assertEquals(ids(offers), ids(servers));
      for (const { content } of offers) assertEquals(content, contentOf(file));
    });
  });
});

Deno.test({ name: "several answers in one datagram are told apart", ignore }, async () => {
  const files = [scriptedFile("a", 10, 1), scriptedFile("longer-name", 20, 2)];
  await withServers([files], async (_, port) => {
    await withSearch({ port }, async (search) => {
      const found = new Map<number, string>();
      await new Promise<void>((resolve) => {
        search.find(
          [byName("a"), byName("longer-name")],
          offersTo((index, { name }) => {
            found.set(index, name);
            if (found.size === 2) resolve();
          }),
        );
      });
      assertEquals([...found].sort(), [[0, "a"], [1, "longer-name"]]);
    });
  });
});

Deno.test(
  { name: "a layer comes from whoever was found, each of them confirmed", ignore },
  async () => {
    const file = scriptedFile("big.bin", 300 * MIB, 1);
    await withServers([[file], [file]], async (servers, port) => {
      await withSearch({ port }, async (search) => {
        const confirmed = new Map<string, readonly SourceRoute[]>();
        const layer = await new Promise<Bytes>((resolve, reject) => {
          let whole: Bytes | undefined;
          const fetch = search.fetchLayer(contentOf(file), (news) => {
            if (news.kind === "lost") return reject(new Error(news.reason));
            if (news.kind === "confirmed") confirmed.set(news.server, news.routes);
            if (news.kind === "layer") whole = news.layer;
            if (whole !== undefined && confirmed.size === 2) resolve(whole);
          });
          search.find(
            [byName("big.bin")],
            offersTo((_, offer) => fetch.add(offer)),
          );
        });
        assertEquals(layer, file.layer);
        const texts = [...confirmed.values()].flat().map(({ endpoint: { address, port: own } }) =>
          `${address}:${own}`
        );
        assertEquals(texts.sort(), servers.map((server) => server.endpointText).sort());
      });
    });
  },
);

Deno.test({ name: "a named server is asked at its port, and nobody else is", ignore }, async () => {
  const file = scriptedFile("example.txt", 10, 1);
  await withServers([[file]], async ([named], port) => {
    await withServers([[file]], async ([other], otherPort) => {
      await withSearch({ servers: [`127.0.0.1:${port}`], port: otherPort }, async (search) => {
        const offer = await new Promise<Offer>((resolve) => {
          search.find([byName("example.txt")], offersTo((_, each) => resolve(each)));
        });
        assertEquals(claimedIdOf(offer.server), named!.id);
        assertEquals(other!.finds, 0);
      });
    });
  });
});

Deno.test({ name: "a broadcast address is no server", ignore }, async () => {
  const error = await assertRejects(
    () => withSearch({ servers: ["127.255.255.255"] }, () => Promise.resolve()),
    ShoalError,
  );
  assert(error instanceof ShoalError);
  assertEquals(error.code, "usage");
});

Deno.test(
  { name: "names that end at the same moment all end, whoever finishes first", ignore },
  async () => {
    const silent = openTransport(testTransport({ host: "127.0.0.1", tune: false }));
    const servers = [`127.0.0.1:${silent.port}`];
    try {
      await withSearch({ servers, timeoutMs: 20, retries: 1 }, async (search) => {
        const ended: number[] = [];
        await new Promise<void>((resolve) => {
          const find = search.find([byName("a"), byName("b"), byName("c")], (news) => {
            if (news.kind !== "timedOut") return;
            ended.push(news.queryIndex);
            // As a download does, while the others are still to be told.
            find.finish(news.queryIndex);
            if (ended.length === 3) resolve();
          });
        });
        assertEquals(ended, [0, 1, 2]);
      });
    } finally {
      await silent.close();
    }
  },
);
