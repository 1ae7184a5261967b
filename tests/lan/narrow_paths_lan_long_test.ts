/**
 * Paths that carry 600 bytes from the start, with the headers of IP: where longer datagrams vanish and nobody says so, and
 * where an interface takes no more. Everything that goes by UDP comes on either; what goes by TCP, where it knows.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { assertSameBytes } from "../support/bytes.ts";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import { SITUATIONS } from "../support/situations.ts";
import { blockTcp, endOf, Fetch, lan, MIB } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");
const SECRET = "spell youth prepare index addict render pride reason license cube dune horn";
const TEXT = new TextEncoder().encode(
  Array.from({ length: 60_000 }, (_, i) => `line ${i} of what packs well\n`).join(""),
);

/** What makes a path narrow. */
const NARROW = {
  "where longer datagrams vanish": async (site: Site): Promise<readonly [Host, Host]> => {
    site.lab.wire(1);
    const [server, client] = await site.hosts(1, 2);
    await client.impair(1, SITUATIONS["datagrams of up to 600 bytes"]);
    return [server, client];
  },
  "behind an interface of the client": (site: Site) => withInterface(site, "client"),
  "behind an interface of the server": (site: Site) => withInterface(site, "server"),
} as const;

async function withInterface(
  site: Site,
  where: "server" | "client",
): Promise<readonly [Host, Host]> {
  const [server, client] = await site.hosts(1, 2);
  const host = where === "server" ? server : client;
  await host.run("ip", "link", "set", "e1", "mtu", "600");
  return [server, client];
}

async function seal(site: Site): Promise<void> {
  const path = join(site.scratch.root, "secret");
  await Deno.writeTextFile(path, SECRET, { mode: 0o600 });
  site.env = { SHOAL_SECRET_FILE: path };
}

/** What is fetched: files by their names, a folder, or all by a glob. */
const WANTED: Readonly<
  Record<
    string,
    {
      readonly files: () => Record<string, Uint8Array<ArrayBuffer>>;
      readonly names: readonly string[];
    }
  >
> = {
  // Of one page of the layer, of a few, and of so many that their proofs alone are long.
  "files of 1, 3 and 40 MiB": {
    files: () => ({ a: randomFile(MIB, 1), b: randomFile(3 * MIB, 2), c: randomFile(40 * MIB, 3) }),
    names: ["a", "b", "c"],
  },
  "what packs well": { files: () => ({ text: TEXT }), names: ["text"] },
  "a folder of 300 files": {
    files: () => folder(),
    names: ["many/"],
  },
  "300 files by a glob": { files: () => folder(), names: ["many/*"] },
};

function folder(): Record<string, Uint8Array<ArrayBuffer>> {
  return Object.fromEntries(
    Array.from({ length: 300 }, (_, i) => [`many/${i} ${"x".repeat(100)}`, randomFile(3_000, i)]),
  );
}

function path(how: keyof typeof NARROW, isSealed: boolean): string {
  return `a path of 600 bytes ${how}${isSealed ? ", sealed" : ""}`;
}

for (const how of Object.keys(NARROW) as (keyof typeof NARROW)[]) {
  for (const isSealed of [false, true]) {
    for (const [what, { files, names }] of Object.entries(WANTED)) {
      lan(
        `${path(how, isSealed)}: ${what}`,
        async (site) => {
          const [server, client] = await NARROW[how](site);
          if (isSealed) await seal(site);
          await blockTcp(client);
          const offered = files();
          await site.server(server, offered);
          const get = new Fetch(site, client, "out", ...names);
          assertEquals(await get.exit(), 0, get.process.description());
          for (const [name, bytes] of Object.entries(offered)) {
            assertSameBytes(await Deno.readFile(join(get.out, name)), bytes, name);
          }
        },
        nftObstacle,
        "none",
      );
    }

    lan(
      `${path(how, isSealed)}: a listing of 300 files`,
      async (site) => {
        const [server, client] = await NARROW[how](site);
        if (isSealed) await seal(site);
        await blockTcp(client);
        await site.server(server, folder());
        assertEquals((await site.list(client)).length, 300);
      },
      nftObstacle,
      "none",
    );
  }
}

lan(
  "a path of less than IPv6 asks of any, where longer datagrams vanish",
  async (site) => {
    const [server, client] = await NARROW["where longer datagrams vanish"](site);
    await blockTcp(client);
    const files = { a: randomFile(3 * MIB, 1) };
    await site.server(server, files);
    await new Fetch(site, client, "out", "a").brings(files);
  },
  nftObstacle,
  "alone",
);

for (
  const how of ["behind an interface of the client", "behind an interface of the server"] as const
) {
  lan(
    `${path(how, false)}: an upload, and a master`,
    async (site) => {
      const [server, client] = await NARROW[how](site);
      const master = await site.master(server);
      await site.server(server, { a: randomFile(3 * MIB, 1) }, [master], "--allow-upload");
      const put = join(site.scratch.root, "put");
      await Deno.writeFile(put, randomFile(3 * MIB, 2));
      const upload = site.start(client, ["put", put, "--server", server.addresses[0]!]);
      assertEquals(await endOf(upload), 0, upload.description());
      const args = ["--master", master.address, "--broadcast", "127.255.255.255"];
      const get = new Fetch(site, client, "out", "a", ...args);
      assertEquals(await get.exit(), 0, get.process.description());
      assert(get.done !== undefined);
    },
    undefined,
    "none",
  );
}
