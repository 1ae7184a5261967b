/** IPv6 alone, beside IPv4, and on links where an address means nothing without its interface. */
import { assertEquals } from "@std/assert";
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
