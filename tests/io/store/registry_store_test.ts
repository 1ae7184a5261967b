/** What every store of a master promises, whatever it is kept in: who has what, and for how long. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { wallMs } from "../../../lib/io/system/clock.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { LOCATED_SERVERS_MAX, REGISTRY_PAGE_FILES } from "../../../lib/protocol/master/limits.ts";
import {
  brief,
  fileName,
  fileOf,
  filesOf,
  leaseOf,
  LONG_MS,
  providerOf,
  sleep,
  until,
} from "../../support/registry.ts";
import { testEveryStore } from "../../support/registry_stores.ts";

const SHORT_MS = 150;
const A = leaseOf(1);
const B = leaseOf(2);
const C = leaseOf(3);

testEveryStore((test) => {
  // — Who has what ——————————————————————————————————————————————————————————————————————————————

  test("a file is found by its name and by its content, as it was registered", async (master) => {
    const file = fileOf("a/b.txt", 7);
    await master.register(A, providerOf(1), [file, fileOf("c", 8)]);
    const located = [{ ...file, servers: [providerOf(1)] }];
    assertEquals(await master.byName("a/b.txt"), located);
    assertEquals(await master.bySha256(7), located);
  });

  test("each question is answered in its place, with nothing for what nobody has", async (master) => {
    await master.register(A, providerOf(1), [fileOf("a", 1), fileOf("b", 2)]);
    const answers = await master.store.locate([
      { by: "name", name: fileName("none") },
      { by: "name", name: fileName("b") },
      { by: "sha256", sha256: fileOf("", 3).sha256 },
      { by: "sha256", sha256: fileOf("", 1).sha256 },
      { by: "name", name: fileName("b") },
    ], wallMs(denoClock));
    assertEquals(answers.map(brief), [[], [["b", 2, 1]], [], [["a", 1, 1]], [["b", 2, 1]]]);
    assertEquals(await master.store.locate([], wallMs(denoClock)), []);
  });

  test("contents of a name that differ are apart, in the order of their SHA-256", async (master) => {
    const contents = [30, 10, 20];
    for (const [i, content] of contents.entries()) {
      await master.register(leaseOf(i), providerOf(i), [fileOf("f", content)]);
    }
    assertEquals(brief(await master.byName("f")), [["f", 10, 1], ["f", 20, 1], ["f", 30, 1]]);
    assertEquals(brief(await master.page()), [["f", 10, 1], ["f", 20, 1], ["f", 30, 1]]);
  });

  test("the same SHA-256 with another size is another content", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    await master.register(B, providerOf(2), [{ ...fileOf("f", 1), sizeBytes: 5 }]);
    assertEquals((await master.byName("f")).map(({ servers }) => servers.length), [1, 1]);
  });

  test("a content under several names is found under each", async (master) => {
    await master.register(A, providerOf(1), [fileOf("x", 1), fileOf("y", 1), fileOf("z", 2)]);
    await master.register(B, providerOf(2), [fileOf("y", 1)]);
    assertEquals(brief(await master.bySha256(1)), [["x", 1, 1], ["y", 1, 2]]);
  });

  test("servers with the same content are gathered, each once", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    await master.register(B, providerOf(2), [{ ...fileOf("f", 1), mtimeMs: 5 }]);
    // A server that lost its first lease and took another.
    await master.register(C, providerOf(1), [fileOf("f", 1)]);
    const [file, ...others] = await master.byName("f");
    assertEquals(others, []);
    const servers = file!.servers.map(({ server }) => server).sort();
    assertEquals(servers, [providerOf(1).server, providerOf(2).server]);
  });

  test("a server that calls itself by the id of another does not hide it", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    await master.register(B, { ...providerOf(2), server: providerOf(1).server }, [fileOf("f", 1)]);
    const [file] = await master.byName("f");
    const endpoints = file!.servers.map(({ endpoint }) => endpoint);
    assertEquals(endpoints.length, 2);
    assert(endpoints.some(({ port }) => port === providerOf(1).endpoint.port));
  });

  test("no more servers of a content are told than a client can use", async (master) => {
    const count = LOCATED_SERVERS_MAX + 3;
    for (let i = 0; i < count; i++) {
      const files = [fileOf("f", 1), ...(i === count - 1 ? [fileOf("g", 1)] : [])];
      await master.register(leaseOf(i), providerOf(i), files);
    }
    assertEquals(brief(await master.byName("f")), [["f", 1, LOCATED_SERVERS_MAX]]);
    assertEquals(brief(await master.bySha256(1)), [["f", 1, LOCATED_SERVERS_MAX], ["g", 1, 1]]);
    assertEquals(brief(await master.page("f")), [["f", 1, LOCATED_SERVERS_MAX]]);
  });

  // — Updates ———————————————————————————————————————————————————————————————————————————————————

  test("a file that is put again replaces itself", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    await master.put(A, [fileOf("f", 2)]);
    assertEquals(brief(await master.byName("f")), [["f", 2, 1]]);
    assertEquals(await master.bySha256(1), []);
    assertEquals(brief(await master.bySha256(2)), [["f", 2, 1]]);
    assertEquals(await master.stats(), [1, 1]);
  });

  test("a file that is removed is gone, and only for that server", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1), fileOf("g", 2)]);
    await master.register(B, providerOf(2), [fileOf("f", 1)]);
    assertEquals(await master.remove(A, ["f", "never there"]), 1);
    assertEquals((await master.byName("f"))[0]?.servers, [providerOf(2)]);
    assertEquals((await master.bySha256(1))[0]?.servers, [providerOf(2)]);
    await master.remove(B, ["f"]);
    assertEquals(await master.byName("f"), []);
    assertEquals(await master.bySha256(1), []);
    assertEquals(await master.names(), ["g"]);
    assertEquals(await master.stats(), [2, 1]);
  });

  test("what one update puts and removes is removed", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    const put = [fileOf("f", 2), fileOf("g", 3)];
    const remove = ["f", "g", "h"].map(fileName);
    await master.store.update(
      A,
      { revision: 2, isReset: false, put, remove },
      wallMs(denoClock) + LONG_MS,
    );
    assertEquals(await master.names(), []);
    assertEquals(await master.bySha256(2), []);
    assertEquals(await master.stats(), [1, 0]);
  });

  test("of a name that one update puts twice, the last counts", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1), fileOf("f", 2)]);
    assertEquals(brief(await master.byName("f")), [["f", 2, 1]]);
    assertEquals(await master.bySha256(1), []);
    assertEquals(await master.stats(), [1, 1]);
  });

  test("a reset forgets what was there before", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1), fileOf("g", 2)]);
    await master.register(B, providerOf(2), [fileOf("g", 2)]);
    const cursor = await master.cursor();
    assertEquals(await master.reset(A, [fileOf("f", 1), fileOf("h", 3)]), 2);
    assertEquals(await master.names(), ["f", "g", "h"]);
    assertEquals((await master.byName("g"))[0]?.servers, [providerOf(2)]);
    assertEquals((await master.byName("f"))[0]?.servers, [providerOf(1)]);
    assertEquals(await master.stats(), [2, 3]);
    const isTold = async () => (await master.changed(cursor)).join() === "f,g,h";
    await until(isTold, "what the reset removed and put is told");
    await master.reset(A, []);
    assertEquals(await master.names(), ["g"]);
    assertEquals(await master.put(A, [fileOf("i", 4)]), 1);
    assertEquals(await master.names(), ["g", "i"]);
  });

  test("an update without a lease changes nothing", async (master) => {
    const cursor = await master.cursor();
    assertEquals(await master.put(A, [fileOf("f", 1)]), undefined);
    assertEquals(await master.reset(A, [fileOf("f", 1)]), undefined);
    assertEquals(await master.byName("f"), []);
    assertEquals(await master.changed(cursor), []);
    assertEquals(await master.stats(), [0, 0]);
  });

  test("nobody sees half an update", async (master) => {
    const count = REGISTRY_PAGE_FILES;
    const [old, fresh] = ["old", "new"].map((start) => filesOf(count, (i) => `${start}/${i}`));
    const queries = [...old!, ...fresh!].map(({ name }) => ({ by: "name", name } as const));
    await master.register(A, providerOf(1), old!);
    let isDone = false;
    const updates = (async () => {
      for (let i = 0; i < 10; i++) await master.reset(A, i % 2 === 0 ? fresh! : old!);
      isDone = true;
    })();
    while (!isDone) {
      const found = await master.store.locate(queries, wallMs(denoClock));
      const [oldFound, freshFound] = [found.slice(0, count), found.slice(count)]
        .map((each) => each.filter((files) => files.length > 0).length);
      assert(
        [oldFound, freshFound].sort().join() === `0,${count}`,
        `${oldFound} old and ${freshFound} new files at once`,
      );
    }
    await updates;
  });

  // — Leases ————————————————————————————————————————————————————————————————————————————————————

  test("a lease that ran out counts for nothing, swept up or not", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1), fileOf("g", 2)], SHORT_MS);
    await master.register(B, providerOf(2), [fileOf("f", 1)]);
    assertEquals(await master.stats(), [2, 3]);
    await sleep(SHORT_MS + 20);
    const look = async (): Promise<void> => {
      assertEquals((await master.byName("f"))[0]?.servers, [providerOf(2)]);
      assertEquals(await master.byName("g"), []);
      assertEquals(await master.bySha256(2), []);
      assertEquals(await master.names(), ["f"]);
      assertEquals(await master.names("", undefined, 1), ["f"]);
      assertEquals(await master.names("", "f", 1), []);
      assertEquals(await master.stats(), [1, 1]);
    };
    await look();
    const cursor = await master.cursor();
    assertEquals(await master.sweep(), 1);
    await look();
    assertEquals(await master.sweep(), 0);
    const isTold = async () => (await master.changed(cursor)).join() === "f,g";
    await until(isTold, "what the lease had is told as changed");
    assertEquals(await master.store.renew(A, wallMs(denoClock) + LONG_MS), false);
    assertEquals(await master.put(A, [fileOf("h", 1)]), undefined);
    assertEquals(
      await master.store.resume(
        A,
        A,
        providerOf(1),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      undefined,
    );
  });

  test("a lease that is renewed goes on", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)], SHORT_MS);
    assertEquals(await master.store.renew(A, wallMs(denoClock) + LONG_MS), true);
    await sleep(SHORT_MS + 20);
    assertEquals(await master.sweep(), 0);
    assertEquals(await master.names(), ["f"]);
    assertEquals(await master.store.renew(B, wallMs(denoClock) + LONG_MS), false);
  });

  test("a lease that ran out counts again when it is renewed or updated", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)], SHORT_MS);
    await master.register(B, providerOf(2), [fileOf("g", 1)], SHORT_MS);
    await sleep(SHORT_MS + 20);
    assertEquals(await master.names(), []);
    assertEquals(await master.store.renew(A, wallMs(denoClock) + LONG_MS), true);
    assertEquals(await master.names(), ["f"]);
    assertEquals(await master.put(B, [fileOf("h", 1)]), 2);
    assertEquals(await master.names(), ["f", "g", "h"]);
    assertEquals(await master.sweep(), 0);
  });

  test("a lease that is closed is gone with its files", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1), fileOf("g", 2)]);
    await master.register(B, providerOf(2), [fileOf("f", 1)]);
    const cursor = await master.cursor();
    await master.store.close(A);
    assertEquals(await master.names(), ["f"]);
    assertEquals((await master.bySha256(1))[0]?.servers, [providerOf(2)]);
    assertEquals(await master.bySha256(2), []);
    assertEquals(await master.stats(), [1, 1]);
    const isTold = async () => (await master.changed(cursor)).join() === "f,g";
    await until(isTold, "what the lease had is told as changed");
    assertEquals(await master.store.renew(A, wallMs(denoClock) + LONG_MS), false);
    assertEquals(
      await master.store.resume(
        A,
        A,
        providerOf(1),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      undefined,
    );
    await master.store.close(A);
    await master.store.close(C);
    assertEquals(await master.sweep(), 0);
  });

  test("a lease is resumed by its server only, where that is now", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    await master.put(A, [fileOf("g", 2)]);
    const endpoint = { address: "10.9.9.9", port: 999 };
    const moved = { server: providerOf(1).server, endpoint };
    const expiresMs = wallMs(denoClock) + LONG_MS;
    assertEquals(
      await master.store.resume(A, A, providerOf(2), expiresMs, wallMs(denoClock)),
      undefined,
    );
    assertEquals(await master.store.resume(B, B, moved, expiresMs, wallMs(denoClock)), undefined);
    assertEquals((await master.byName("f"))[0]?.servers, [providerOf(1)]);
    assertEquals(await master.store.resume(A, A, moved, expiresMs, wallMs(denoClock)), 2);
    assertEquals((await master.byName("f"))[0]?.servers, [moved]);
    await master.register(C, providerOf(3), []);
    assertEquals(await master.store.resume(C, C, providerOf(3), expiresMs, wallMs(denoClock)), 0);
  });

  test("a lease that is resumed goes on", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)], SHORT_MS);
    assertEquals(
      await master.store.resume(
        A,
        A,
        providerOf(1),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      1,
    );
    await sleep(SHORT_MS + 20);
    assertEquals(await master.sweep(), 0);
    assertEquals(await master.names(), ["f"]);
  });

  test("whoever held a lease that was resumed cannot end it", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)]);
    assertEquals(
      await master.store.resume(
        A,
        B,
        providerOf(1),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      1,
    );
    await master.store.close(A);
    assertEquals(await master.store.renew(A, wallMs(denoClock) + LONG_MS), false);
    assertEquals(
      await master.store.resume(
        A,
        C,
        providerOf(1),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      undefined,
    );
    assertEquals(await master.names(), ["f"]);
    await master.store.close(B);
    assertEquals(await master.names(), []);
  });

  test("a lease that ran out can be resumed until it is swept up", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)], SHORT_MS);
    await master.register(B, providerOf(2), [fileOf("g", 2)], SHORT_MS);
    await sleep(SHORT_MS + 20);
    assertEquals(await master.names(), []);
    assertEquals(await master.sweep(60_000), 0, "swept up too early");
    assertEquals(
      await master.store.resume(
        A,
        A,
        providerOf(1),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      1,
    );
    assertEquals(await master.names(), ["f"]);
    assertEquals(await master.stats(), [1, 1]);
    assertEquals(await master.sweep(), 1);
    assertEquals(
      await master.store.resume(
        B,
        B,
        providerOf(2),
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      ),
      undefined,
    );
    assertEquals(await master.names(), ["f"]);
  });

  test("a server with two leases is one server, until both have ended", async (master) => {
    await master.register(A, providerOf(1), [fileOf("f", 1)], SHORT_MS);
    await master.register(B, providerOf(1), [fileOf("f", 1)]);
    await master.register(C, providerOf(2), []);
    assertEquals((await master.stats())[0], 2);
    await sleep(SHORT_MS + 20);
    assertEquals(await master.stats(), [2, 1]);
    await master.sweep();
    assertEquals(await master.stats(), [2, 1]);
    await master.store.close(B);
    assertEquals(await master.stats(), [1, 0]);
  });

  test("many leases are swept up at once", async (master) => {
    for (let i = 0; i < 450; i++) {
      await master.register(leaseOf(i), providerOf(i), i % 9 === 0 ? [fileOf(`${i}`, i)] : [], 1);
    }
    await sleep(20);
    assertEquals(await master.sweep(), 450);
    assertEquals(await master.stats(), [0, 0]);
  });

  test("a lease with 20,000 files closes without keeping anybody waiting", async (master) => {
    const files = filesOf(20_000, (i) => `many/${String(i).padStart(5, "0")}`);
    await master.register(A, providerOf(1), []);
    for (let i = 0; i < files.length; i += 2_000) await master.put(A, files.slice(i, i + 2_000));
    await master.register(B, providerOf(2), [fileOf("other", 1)]);
    assertEquals(await master.stats(), [2, 20_001]);
    const cursor = await master.cursor();
    await master.store.close(A);
    assertEquals(await master.stats(), [1, 1]);
    assertEquals(await master.byName("many/00000"), []);
    // Forgetting goes on meanwhile, a little at a time: questions are answered in between.
    let answeredBetween = 0;
    await until(async () => {
      assertEquals(await master.names("many/"), []);
      const isForgotten = (await master.changed(cursor, 5_000)).length === files.length;
      if (!isForgotten) answeredBetween++;
      return isForgotten;
    }, "the files are forgotten");
    assertGreater(answeredBetween, 0);
    assertEquals(await master.names(), ["other"]);
  });
});
