/**
 * Hosts that use another server's id and forge its address (docs/PROTOCOL.md, "Who is counted"): a server
 * that does what it should is neither replaced, nor dropped, nor outvoted by what was only invented.
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import type { Host } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import type { ShoalProcess } from "../support/shoal_process.ts";
import { Fetch, lan, namesIn, Script } from "./fault_rig.ts";

const NAME = "report.txt";
const FILE_BYTES = 3_000;
const [truth, lie] = [randomFile(FILE_BYTES, 1), randomFile(FILE_BYTES, 2)];
const IMPOSTOR = "../attack/impostor.py";

/** Somebody on `host` who passes for `server`. */
async function impostor(
  site: Site,
  host: Host,
  mode: "other" | "noise" | "gone" | "spoof",
  server: ShoalProcess,
  victim: Host,
): Promise<void> {
  const file = join(site.scratch.root, `${host.namespace}.lie`);
  await Deno.writeFile(file, mode === "noise" || mode === "gone" ? truth : lie);
  const ready = await server.event(({ event }) => event === "ready");
  const [own = "", theirs = ""] = [host.addresses[0], victim.addresses[0]];
  await Script.start(site, host, IMPOSTOR, mode, `${ready["id"]}`, own, theirs, NAME, file);
}

async function short(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return (await sha256Hex(bytes)).slice(0, 8);
}

lan(
  "forged answers in a server's name, and of hosts that are not there, change nothing",
  async (site) => {
    const [honest, attacker, client] = await site.hosts(1, 3);
    const server = await site.server(honest, { [NAME]: truth });
    await impostor(site, attacker, "spoof", server, honest);
    for (let run = 0; run < 3; run++) {
      const get = new Fetch(site, client, `out${run}`, NAME);
      await get.brings({ [NAME]: truth });
      assertEquals(get.events.filter(({ level }) => level === "warning"), []);
      assertEquals((get.done?.["servers"] as readonly unknown[]).length, 1);
    }
  },
);

for (const mode of ["noise", "gone"] as const) {
  lan(`one that has the file too, under a server's id, and answers with ${mode}`, async (site) => {
    const [honest, attacker, client] = await site.hosts(1, 3);
    const server = await site.server(honest, { [NAME]: truth });
    await impostor(site, attacker, mode, server, honest);
    for (let run = 0; run < 3; run++) {
      const get = new Fetch(site, client, `out${run}`, NAME);
      await get.brings({ [NAME]: truth });
      assertEquals(
        get.serversThatWere("dropped").filter((each) => each === honest.addresses[0]),
        [],
      );
    }
  });
}

lan(
  "another file under a server's id: with as many on either side nobody is believed",
  async (site) => {
    const [honest, attacker, client] = await site.hosts(1, 3);
    const server = await site.server(honest, { [NAME]: truth });
    await impostor(site, attacker, "other", server, honest);
    const tie = new Fetch(site, client, "out", NAME);
    assertEquals(await tie.exit(), 4, tie.process.description());
    assertEquals(namesIn(tie.out), []);
    for (const file of [truth, lie]) assertMatch(tie.said, new RegExp(await sha256Hex(file)));
    const pin = ["--sha256", await sha256Hex(truth)];
    await new Fetch(site, client, "pinned", NAME, ...pin).brings({ [NAME]: truth });
  },
);

lan(
  "another file under a server's id: more honest servers win, and who holds what is said",
  async (site) => {
    const [first, second, attacker, client] = await site.hosts(1, 4);
    const server = await site.server(first, { [NAME]: truth });
    await site.server(second, { [NAME]: truth });
    await impostor(site, attacker, "other", server, first);
    const get = new Fetch(site, client, "out", NAME);
    await get.brings({ [NAME]: truth });
    const [his] = attacker.addresses;
    const warning = new RegExp(
      `disagree.*${await short(truth)} at .*${await short(lie)} at ${his}`,
    );
    assertMatch(get.said, warning);
  },
);

lan("an honest server that answers late is heard, and what it has is said", async (site) => {
  const [honest, attacker, client] = await site.hosts(1, 3);
  const [id, file, his] = [
    "5a".repeat(16),
    ...["truth", "lie"].map((each) => join(site.scratch.root, each)),
  ];
  await Deno.writeFile(file!, truth);
  await Deno.writeFile(his!, lie);
  const [theirs = "", own = ""] = [honest.addresses[0], attacker.addresses[0]];
  await Script.start(site, honest, IMPOSTOR, "late", id, theirs, own, NAME, file!);
  await Script.start(site, attacker, IMPOSTOR, "other", id, own, theirs, NAME, his!);
  const get = new Fetch(site, client, "out", NAME);
  const code = await get.exit();
  assert(code === 0 || code === 4, get.process.description());
  assertMatch(get.said, new RegExp(await short(truth)));
  assertMatch(get.said, /disagree|would not have been/);
});
