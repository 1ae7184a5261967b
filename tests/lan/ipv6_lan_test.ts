/** IPv6 alone, beside IPv4, and on links where an address means nothing without its interface. */
import { assert, assertEquals } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { labObstacle } from "../support/lab.ts";
import { sharesOf, type Site } from "../support/master_lab.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const obstacle = await labObstacle();

function alone(name: string, fn: (site: Site) => Promise<void>): void {
  lan(name, fn, obstacle, "alone");
}

const TUNING = [["tuned", {}], ["untuned", { SHOAL_TUNE: "off" }]] as const;

for (const [how, env] of TUNING) {
  alone(`a server without IPv4 is fetched from by a link-local address, ${how}`, async (site) => {
    site.env = env;
    const files = { film: randomFile(5 * MIB, 1), note: randomFile(9, 2) };
    const [server, client] = await site.hosts(1, 2);
    await site.server(server, files);
    for (
      const target of [
        `${server.linkLocal}%e1`,
        `[${server.linkLocal}%e1]:10530`,
        // Where there is one link, it needs no name.
        server.linkLocal,
        server.ipv6[0]!,
      ]
    ) {
      const names = Object.keys(files);
      const get = new Fetch(site, client, target, ...names, "--server", target);
      await get.brings(files);
      assertEquals(get.said, "", "nothing is to be said of it");
    }
  });
}

for (const [how, env] of TUNING) {
  alone(`one link-local address on two links is two servers, ${how}`, async (site) => {
    site.env = env;
    const { lab } = site;
    const [file, other] = [randomFile(2 * MIB, 1), randomFile(2 * MIB, 2)];
    // One client with the same address on both links, and two servers with one address.
    const [a, b, client] = [await lab.host(1), await lab.host(2), await lab.host(1, 2)];
    await b.run("ip", "address", "add", `${a.linkLocal}/64`, "dev", "e2", "nodad");
    await site.server(a, { "from-a": file });
    await site.server(b, { "from-b": other });
    const servers = ["e1", "e2"].flatMap((link) => ["--server", `${a.linkLocal}%${link}`]);
    const get = new Fetch(site, client, "both", "from-a", "from-b", ...servers);
    await get.brings({ "from-a": file, "from-b": other });
    const one = new Fetch(site, client, "one", "from-b", ...servers);
    await one.brings({ "from-b": other });
    assertEquals(Object.keys(sharesOf(one.events)), [`${a.linkLocal}%e2`]);
  });
}

alone("a server answers from the address that was asked, whichever it is", async (site) => {
  const file = randomFile(MIB, 1);
  const [server, client] = await site.hosts(1, 2);
  // Of these, the system would choose the first for whatever it sends.
  const addresses = ["fd99:1::7", "fd99:1::8"];
  for (const each of addresses) {
    await server.run("ip", "address", "add", `${each}/64`, "dev", "e1", "nodad");
  }
  await site.server(server, { file });
  for (const target of [...addresses, server.ipv6[0]!]) {
    const get = new Fetch(site, client, target, "file", "--server", target);
    await get.brings({ file });
    assertEquals(Object.keys(sharesOf(get.events)), [target]);
  }
});

alone("an address that comes later is served, and one that is gone hurts nobody", async (site) => {
  const file = randomFile(MIB, 1);
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, { file });
  await server.run("ip", "address", "add", "fd99:1::77/64", "dev", "e1", "nodad");
  await server.run("ip", "address", "delete", `${server.ipv6[0]}/64`, "dev", "e1");
  await new Fetch(site, client, "late", "file", "--server", "fd99:1::77").brings({ file });
  const target = `${server.linkLocal}%e1`;
  await new Fetch(site, client, "link", "file", "--server", target).brings({ file });
});

alone("sessions reach a server without IPv4: get --tcp, list and put", async (site) => {
  const files = { film: randomFile(2 * MIB, 1) };
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, files, [], "--allow-upload");
  for (const target of [`${server.linkLocal}%e1`, server.ipv6[0]!]) {
    await new Fetch(site, client, target, "film", "--tcp", "--server", target).brings(files);
    for (const how of [[], ["--tcp"]]) {
      const listed = await site.list(client, "--server", target, ...how);
      assertEquals(listed.map((line) => line.split(" ")[0]), ["film"]);
    }
  }
  const path = `${site.scratch.root}/up`;
  await Deno.writeFile(path, randomFile(MIB, 3));
  const put = site.start(client, ["put", path, "--server", `[${server.linkLocal}%e1]:10526`]);
  assertEquals(await put.exit(), 0, put.description());
  const back = new Fetch(site, client, "back", "up", "--server", server.ipv6[0]!);
  await back.brings({ up: randomFile(MIB, 3) });
});

alone("a master without IPv4 tells of servers, of a link to those on it alone", async (site) => {
  const files = { film: randomFile(MIB, 1) };
  const { lab } = site;
  const host = await lab.host(1, 2);
  await host.run("ip", "address", "add", "fe80::99/64", "dev", "e2", "nodad");
  await host.run("ip", "address", "delete", `${host.linkLocal}/64`, "dev", "e2");
  const [server, near, far] = [await lab.host(1), await lab.host(1), await lab.host(2)];
  const master = await site.master(host);
  // It registers by its link: nobody elsewhere can use that.
  await site.server(server, files, [], "--master", `${host.linkLocal}%e1`);
  const byLink = ["--master", `${host.linkLocal}%e1`];
  const known = await site.list(near, ...byLink);
  assertEquals(known, [`film ${server.linkLocal}%e1`]);
  await new Fetch(site, near, "near", "film", ...byLink).brings(files);
  const elsewhere = await site.list(far, "--master", "fe80::99%e2");
  assertEquals(elsewhere, []);
  // By an address that everybody can use.
  await site.server(await lab.host(1), files, [master]);
  await master.tells(["film fd99:1::5"]);
});

for (const [how, env] of TUNING) {
  alone(`hosts without IPv4 find each other by themselves, ${how}`, async (site) => {
    site.env = env;
    const files = { film: randomFile(3 * MIB, 1), note: randomFile(9, 2) };
    const [server, client] = await site.hosts(1, 2);
    await site.server(server, files);
    const get = new Fetch(site, client, "out", "film", "note");
    await get.brings(files);
    assertEquals(get.said, "", "nothing is to be said of it");
    assertEquals(Object.keys(sharesOf(get.events)), [`${server.linkLocal}%e1`]);
    assertEquals(await site.list(client), [
      `film ${server.linkLocal}%e1`,
      `note ${server.linkLocal}%e1`,
    ]);
  });
}

alone("two servers on one host are both found by their group", async (site) => {
  const [film, song] = [randomFile(MIB, 1), randomFile(MIB, 2)];
  const [host, client] = await site.hosts(1, 2);
  for (const [name, bytes] of Object.entries({ film, song })) {
    await site.scratch.serve(name, bytes, `${site.scratch.root}/of-${name}`);
    const server = site.start(host, ["server", `${site.scratch.root}/of-${name}`]);
    await server.event(({ event }) => event === "ready");
  }
  await new Fetch(site, client, "out", "film", "song").brings({ film, song });
});

function beside(name: string, fn: (site: Site) => Promise<void>): void {
  lan(name, fn, obstacle, "beside");
}

beside("a server that is found by both families has one vote", async (site) => {
  const [one, other] = [randomFile(MIB, 1), randomFile(MIB, 2)];
  const [a, b, c, client] = await site.hosts(1, 4);
  // It has nothing but IPv4, and so an address less.
  await b.run("ip", "-6", "address", "flush", "dev", "e1");
  await site.server(a, { file: one });
  await new Fetch(site, client, "alone", "file").brings({ file: one });
  await site.server(b, { file: other });
  const tied = new Fetch(site, client, "tied", "file");
  assertEquals(await tied.exit(), 4, tied.process.description());
  await site.server(c, { file: other });
  await new Fetch(site, client, "outvoted", "file").brings({ file: other });
});

beside(
  "a mirror of what one server has by both families removes what is not there",
  async (site) => {
    const file = randomFile(9, 1);
    const [server, client] = await site.hosts(1, 2);
    await site.server(server, { "t/file": file });
    const first = new Fetch(site, client, "out", "t/");
    assertEquals(await first.exit(), 0, first.process.description());
    for (const round of [1, 2, 3]) {
      await Deno.writeTextFile(`${first.out}/t/stray`, `${round}`);
      const mirror = new Fetch(site, client, "out", "t/", "--mirror");
      assertEquals(await mirror.exit(), 0, mirror.process.description());
      assertEquals(mirror.said, "", "nothing is to be said of it");
      assertEquals([...Deno.readDirSync(`${mirror.out}/t`)].map(({ name }) => name), ["file"]);
    }
  },
);

beside("interfaces that are chosen, or are not, are kept to on both sides", async (site) => {
  const { lab } = site;
  const [a, b, client] = [await lab.host(1), await lab.host(2), await lab.host(1, 2)];
  await site.server(a, { "on-1": randomFile(9, 1) });
  await site.server(b, { "on-2": randomFile(9, 2) });
  const names = async (
    ...args: string[]
  ) => [...new Set((await site.list(client, ...args)).map((line) => line.split(" ")[0]))];
  assertEquals(await names(), ["on-1", "on-2"]);
  assertEquals(await names("--interface", "e1"), ["on-1"]);
  assertEquals(await names("--no-interface", "e1"), ["on-2"]);
  assertEquals(await names("--interface", "e1", "--interface", "e2"), ["on-1", "on-2"]);
  const wrong = site.start(client, ["list", "--interface", "e3"]);
  assertEquals(await wrong.exit(), 2, wrong.description());
  // A server lets itself be found by one of its links.
  const both = await lab.host(1, 2);
  await site.server(both, { "of-both": randomFile(9, 3) }, [], "--no-interface", "e2");
  assertEquals(await names("--interface", "e1"), ["of-both", "on-1"]);
  assertEquals(await names("--interface", "e2"), ["on-2"]);
});

lan(
  "where broadcasts are filtered, a sweep asks the addresses one by one",
  async (site) => {
    const files = { film: randomFile(MIB, 1), note: randomFile(9, 2) };
    const [server, client] = await site.hosts(1, 2);
    await server.run("nft", "add table inet f");
    await server.run("nft", "add chain inet f i { type filter hook input priority 0; }");
    for (const to of ["ip daddr 10.99.1.255", "ip6 daddr ff02::5348:291e"]) {
      await server.run("nft", `add rule inet f i ${to} drop`);
    }
    await site.server(server, files);
    const patience = ["--timeout", "3", "--retries", "1"];
    const blind = new Fetch(site, client, "blind", "film", ...patience);
    assertEquals(await blind.exit(), 3, blind.process.description());
    // By a pattern, so that there are two searches, of which the second asks whom the first has found.
    await new Fetch(site, client, "swept", "*", "--sweep").brings(files);
  },
  await labObstacle("nft"),
  "beside",
);

lan(
  "where searches go is said by --broadcast alone, if it is given",
  async (site) => {
    const [server, client] = await site.hosts(1, 2);
    const counted = "ip6 daddr ff02::5348:291e counter";
    for (const host of [server, client]) {
      await host.run("nft", "add table inet f");
      await host.run("nft", "add chain inet f o { type filter hook output priority 0; }");
      await host.run("nft", `add rule inet f o ${counted}`);
    }
    const sent = async () => / packets (\d+)/.exec(await client.run("nft", "list", "ruleset"))?.[1];
    const joined = async () => (await server.run("ip", "maddr", "show")).includes("5348:291e");
    site.env = { SHOAL_BROADCAST: "127.255.255.255" };
    await site.server(server, { film: randomFile(9, 1) });
    const get = new Fetch(site, client, "out", "film", "--timeout", "1", "--retries", "1");
    assertEquals(await get.exit(), 3, get.process.description());
    assertEquals([await sent(), await joined()], ["0", false]);
    // The same shows that it would be seen.
    site.env = {};
    await site.server(server, { song: randomFile(9, 2) });
    await new Fetch(site, client, "out", "song").brings({ song: randomFile(9, 2) });
    assert(await sent() !== "0" && await joined());
  },
  await labObstacle("nft"),
  "alone",
);
