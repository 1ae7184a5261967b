/** What one host can make of any store's answers: its share, however much it registers. */
import { assert, assertEquals } from "@std/assert";
import type {
  RegisteredFile,
  RegisteredServer,
} from "../../../lib/protocol/master/registry_store.ts";
import { hashHex, serverId } from "../../../lib/ids.ts";
import { wallMs } from "../../../lib/io/system/clock.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import {
  LEASES_PER_PARTY_MAX,
  LOCATED_CONTENTS_MAX,
  LOCATED_PER_PARTY_MAX,
  LOCATED_SERVERS_MAX,
} from "../../../lib/protocol/master/limits.ts";
import {
  fileName,
  fileOf,
  filesOf,
  leaseOf,
  LONG_MS,
  type Master,
  providerOf,
  sha256Of,
  sleep,
  until,
} from "../../support/registry.ts";
import { testEveryStore } from "../../support/registry_stores.ts";

/** Files that somebody registers in all, of which few are registered at a time, and in one update. */
const CHURNED = 40_000;
const PAGE = 200;
const QUIET_MS = 300;
/** Longer than registering hundreds takes on a busy machine. */
const BRIEF_MS = 3_000;
const ATTACKER = "10.9.9.9";

/** One of many servers of one host. */
function atHost(address: string, number: number): RegisteredServer {
  const id = `${number}`.padStart(8, "0") + address.replaceAll(".", "").padStart(24, "a");
  return { server: serverId(id), endpoint: { address, port: 20_000 + number } };
}

const LEASE_BASE = 1_000_000;
let lastLease = LEASE_BASE;

/** A host with as many leases as it may have, each with a content of its own under the name. */
async function crowd(master: Master, address: string, name: string, first: number): Promise<void> {
  for (let i = 0; i < LEASES_PER_PARTY_MAX; i++) {
    await master.register(leaseOf(++lastLease), atHost(address, i), [fileOf(name, first + i)]);
  }
}

function countOf(servers: readonly RegisteredServer[], address: string): number {
  return servers.filter(({ endpoint }) => endpoint.address === address).length;
}

testEveryStore((test) => {
  test("contents that one host invents hide nobody's, and have a few places", async (master) => {
    // Contents of lower digests than the honest one, so that any order by digest would favour them.
    await crowd(master, ATTACKER, "film", 1);
    await master.register(leaseOf(1), providerOf(1), [fileOf("film", 1_000_000)]);
    for (const files of [await master.byName("film"), await master.page()]) {
      assert(files.some(({ sha256 }) => sha256 === sha256Of(1_000_000)));
      const servers = files.flatMap((file) => file.servers);
      assertEquals(countOf(servers, ATTACKER), LOCATED_PER_PARTY_MAX);
    }
  });

  test("an answer is of all addresses, not of the lowest digests", async (master) => {
    const hosts = 12;
    const content = (number: number): RegisteredFile => {
      const file = fileOf("film", number);
      return { ...file, sha256: hashHex([...file.sha256].reverse().join("")) };
    };
    for (let i = 0; i < hosts * LEASES_PER_PARTY_MAX; i++) {
      const server = atHost(`10.9.0.${i % hosts}`, i);
      await master.register(leaseOf(++lastLease), server, [content(i)]);
    }
    // The last of all in the order of digests.
    const honest = content(0xffffff);
    await master.register(leaseOf(1), providerOf(1), [honest]);
    let foundCount = 0;
    for (let i = 0; i < 40; i++) {
      const files = await master.byName("film");
      assert(files.length <= LOCATED_CONTENTS_MAX);
      if (files.some(({ sha256 }) => sha256 === honest.sha256)) foundCount += 1;
    }
    // 385 contents are more than are examined at a time: most times the honest one is among them.
    assert(foundCount > 10, `only ${foundCount} of 40`);
  });

  test("servers of one host that claim a content leave places for others", async (master) => {
    for (let i = 0; i < LEASES_PER_PARTY_MAX; i++) {
      await master.register(leaseOf(++lastLease), atHost(ATTACKER, i), [fileOf("film", 7)]);
    }
    for (let i = 0; i < 40; i++) {
      await master.register(leaseOf(i), providerOf(i), [fileOf("film", 7)]);
    }
    for (let i = 0; i < 10; i++) {
      for (const [file, ...others] of [await master.byName("film"), await master.bySha256(7)]) {
        assertEquals(others, []);
        assertEquals(file!.servers.length, LOCATED_SERVERS_MAX);
        assert(countOf(file!.servers, ATTACKER) <= 1, "more than one before all others had one");
      }
    }
  });

  test("a content under thousands of names of one host is found at another", async (master) => {
    const names = filesOf(2_000, (i) => `junk/${i}`).map(({ name }) => fileOf(name, 7));
    for (let at = 0; at < names.length; at += 200) {
      const put = names.slice(at, at + 200);
      if (at === 0) await master.register(leaseOf(2), atHost(ATTACKER, 1), put);
      else await master.put(leaseOf(2), put);
    }
    await master.register(leaseOf(1), providerOf(1), [fileOf("film", 7)]);
    const files = await master.bySha256(7);
    assertEquals(files.find(({ name }) => name === "film")?.servers, [providerOf(1)]);
    assert(files.length <= 1 + LOCATED_PER_PARTY_MAX, `${files.length} names`);
    await master.remove(leaseOf(1), ["film"]);
    assert((await master.bySha256(7)).every(({ name }) => name !== "film"));
  });

  test("whoever was told of addresses that do not answer is told of others", async (master) => {
    const silent = Array.from({ length: 50 }, (_, i) => `10.8.0.${i + 1}`);
    for (const address of silent) {
      await master.register(leaseOf(++lastLease), atHost(address, 0), [fileOf("film", 7)]);
    }
    await master.register(leaseOf(1), providerOf(1), [fileOf("film", 7)]);
    const queries = [
      { by: "name", name: fileName("film") },
      { by: "sha256", sha256: sha256Of(7) },
    ] as const;
    const answers = await master.store.locate(queries, wallMs(denoClock), new Set(silent));
    assertEquals(answers.map((files) => files.map(({ servers }) => servers)), [
      [[providerOf(1)]],
      [[providerOf(1)]],
    ]);
    const nobody = new Set([...silent, providerOf(1).endpoint.address]);
    assertEquals(await master.store.locate(queries, wallMs(denoClock), nobody), [[], []]);
  });

  test("whoever registers over and over leaves little behind that counts for nothing", async (master) => {
    const lease = leaseOf(++lastLease);
    await master.register(lease, atHost(ATTACKER, 1), []);
    const pages = 5;
    for (let round = 0; round < CHURNED / (pages * PAGE); round++) {
      for (let page = 0; page < pages; page++) {
        const files = filesOf(PAGE, (i) => `film ${page} ${i}`);
        if (page === 0) await master.reset(lease, files);
        else await master.put(lease, files);
      }
    }
    // What is forgotten is told as a change: what is still to be forgotten is told later.
    const before = await master.cursor();
    await master.store.close(lease);
    let after = await master.cursor();
    await until(async () => {
      const last = after;
      await sleep(QUIET_MS);
      after = await master.cursor();
      return after === last;
    }, "everything is forgotten");
    const left = after - before;
    assert(left >= pages * PAGE && left <= 3 * pages * PAGE, `${left} of ${CHURNED}`);
    assertEquals(await master.page(), []);
  });

  test("leases that come and go hide nobody while they do", async (master) => {
    await master.register(leaseOf(1), providerOf(1), [fileOf("film", 1_000_000)]);
    let foundCount = 0;
    for (let i = 0; i < 600; i++) {
      const lease = leaseOf(++lastLease);
      await master.register(lease, atHost(`10.9.1.${i % 8}`, i), [fileOf("film", i)]);
      if (i % 3 !== 0) await master.store.close(lease);
      else if (i >= 3 * 8 * 8) await master.store.close(leaseOf(lastLease - 3 * 8 * 8));
      if (i % 15 !== 0) continue;
      const files = await master.byName("film");
      if (files.some(({ sha256 }) => sha256 === sha256Of(1_000_000))) foundCount += 1;
    }
    assertEquals(foundCount, 40);
  });

  test("leases that have run out, and are not swept up, hide nobody", async (master) => {
    for (let i = 0; i < 12 * LEASES_PER_PARTY_MAX; i++) {
      const lease = leaseOf(++lastLease);
      await master.register(lease, atHost(`10.9.2.${i % 12}`, i), [fileOf("film", i)], BRIEF_MS);
    }
    await master.register(leaseOf(1), providerOf(1), [fileOf("film", 1_000_000)]);
    await sleep(2 * BRIEF_MS);
    let foundCount = 0;
    for (let i = 0; i < 40; i++) {
      const files = await master.byName("film");
      assert(files.every(({ sha256 }) => sha256 === sha256Of(1_000_000)));
      foundCount += files.length;
    }
    assert(foundCount > 10, `only ${foundCount} of 40`);
    assertEquals((await master.page()).map(({ name }) => name), ["film"]);
  });

  test("names that look like a popular one leave it in its place", async (master) => {
    const alike = ["Film", "FILM", "film ", "film\u0301", "f\u0456lm", "film.", "film (2)"];
    for (let i = 0; i < LEASES_PER_PARTY_MAX; i++) {
      const files = [...alike, "film"].map((name, at) => fileOf(name, 100 * i + at));
      // One port for all, as many ids.
      const { server } = atHost(ATTACKER, i);
      const provider = { server, endpoint: { address: ATTACKER, port: 20_000 } };
      await master.register(leaseOf(++lastLease), provider, files);
    }
    await master.register(leaseOf(1), providerOf(1), [fileOf("film", 1_000_000)]);
    for (const files of [await master.byName("film"), await master.page("film", undefined, 1)]) {
      assertEquals([...new Set(files.map(({ name }) => name))], ["film"]);
      const honest = files.find(({ sha256 }) => sha256 === sha256Of(1_000_000));
      assertEquals(honest?.servers, [providerOf(1)]);
      assert(files.length <= 1 + LOCATED_PER_PARTY_MAX);
    }
  });

  test("one address has so many leases, those that ran out aside", async (master) => {
    const open = (number: number, address: string, forMs = LONG_MS): Promise<boolean> =>
      master.store.open(
        leaseOf(number),
        atHost(address, number),
        wallMs(denoClock) + forMs,
        wallMs(denoClock),
      );
    assertEquals(await open(0, ATTACKER, 1), true);
    for (let i = 1; i < LEASES_PER_PARTY_MAX; i++) assertEquals(await open(i, ATTACKER), true);
    await new Promise((resolve) => setTimeout(resolve, 20));
    assertEquals(await open(100, ATTACKER), true);
    assertEquals(await open(101, ATTACKER), false);
    assertEquals(await open(102, "10.9.9.8"), true);
    // Nor does one get there from elsewhere, or again.
    const resume = (number: number, address: string): Promise<number | undefined> => {
      const provider = { ...atHost(address, number), server: atHost("10.9.9.8", 102).server };
      return master.store.resume(
        leaseOf(number),
        leaseOf(200),
        provider,
        wallMs(denoClock) + LONG_MS,
        wallMs(denoClock),
      );
    };
    assertEquals(await resume(102, ATTACKER), undefined);
    assertEquals(await resume(102, "10.9.9.7"), 0);
    await master.store.close(leaseOf(5));
    assertEquals(await open(103, ATTACKER), true);
    assertEquals(await open(104, ATTACKER), false);
  });
});
