/** What `doctor` finds on hosts where something is in the way, by its findings and its exit code. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import type { ShoalProcess } from "../support/shoal_process.ts";
import { endOf, lan, namesIn } from "./fault_rig.ts";

const nftObstacle = await labObstacle("nft");
const FILES = { film: randomFile(90_000, 1) };

async function filter(host: Host, hook: "input" | "output", ...rules: string[]): Promise<void> {
  await host.run("nft", "add table inet f");
  await host.run("nft", `add chain inet f ${hook} { type filter hook ${hook} priority 0; }`);
  for (const rule of rules) await host.run("nft", `add rule inet f ${hook} ${rule}`);
}

interface Examined {
  readonly code: number;
  /** What is in the way, line by line. */
  readonly found: string;
  /** … and all that it has said. */
  readonly all: string;
  readonly process: ShoalProcess;
}

async function examine(site: Site, host: Host, ...args: string[]): Promise<Examined> {
  const process = site.start(host, ["doctor", "--out", site.scratch.out, ...args]);
  const code = await endOf(process);
  const findings = process.events.filter(({ event }) => event === "finding");
  const text = (severities: readonly unknown[]): string =>
    findings.filter(({ severity }) => severities.includes(severity))
      .map(({ check, severity, message, advice }) => `${severity} ${check} ${message} → ${advice}`)
      .join("\n");
  assertEquals(namesIn(site.scratch.out), [], "nothing is left in the download folder");
  return {
    ...{ code, process, found: text(["warning", "problem"]) },
    all: text(["ok", "note", "warning", "problem"]),
  };
}

/** All is well, and it has said this. */
function isWell({ code, found, all, process }: Examined, ...patterns: readonly RegExp[]): void {
  assertEquals([code, found], [0, ""], process.description());
  for (const pattern of patterns) assertMatch(all, pattern);
}

/** This is found, and nothing else. */
function isFound({ code, found, process }: Examined, ...patterns: readonly RegExp[]): void {
  assertEquals(code, 1, process.description());
  for (const pattern of patterns) assertMatch(found, pattern);
  assertEquals(found.split("\n").length, patterns.length, found);
}

lan("a machine beside a server is well, in both families", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, FILES);
  isWell(
    await examine(site, client),
    /^ok interfaces e1: 10\.99\.1\.2/m,
    /^ok broadcast broadcasts and IPv6 multicasts that this machine sends come back/m,
    /^ok servers found: .*10\.99\.1\.1:1053\d/m,
  );
  isWell(
    await examine(site, client, "--server", server.addresses[0]!, "--server", server.ipv6[0]!),
    /^ok server 10\.99\.1\.1:10526 answers over UDP and TCP, in datagrams of 1400 bytes \(IPv4\)/m,
    /^ok server \[fd99:1::1\]:10526 answers over UDP and TCP, in datagrams of 1400 bytes \(IPv6\)/m,
  );
  isWell(await examine(site, server), /^ok ports in use: .*a server runs on this machine/m);
});

lan("a machine without a network has none", async (site) => {
  const host = await site.lab.host();
  isFound(await examine(site, host), /^problem interfaces no network interface/m);
});

lan("a firewall that lets nothing out is found by its rules and by its effect", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, FILES);
  await filter(client, "output", "oifname e1 meta l4proto udp drop");
  isFound(
    await examine(site, client, "--server", server.addresses[0]!),
    /^problem firewall .*drops what goes out to UDP 10526, UDP 10530-10545/m,
    /^problem firewall .*keeps UDP from leaving for 10\.99\.1\.1/m,
  );
}, nftObstacle);

lan(
  "a firewall that closes the data ports is found by its rules and by its effect",
  async (site) => {
    const [host] = await site.hosts(1, 1);
    await filter(host, "input", "udp dport 10530-10545 drop");
    isFound(
      await examine(site, host),
      /^warning firewall .*comes in to UDP 10530-10545 \(table inet f, chain input\).*nft insert rule/m,
      /^warning broadcast what comes in at UDP 10530-10545 is dropped/m,
    );
  },
  nftObstacle,
);

lan("a firewall that lets nothing in unasked is found", async (site) => {
  const [host] = await site.hosts(1, 1);
  await filter(host, "input", "ct state established,related accept", "iifname lo accept", "drop");
  isFound(
    await examine(site, host),
    /^warning firewall .*comes in to UDP 10526, UDP 10530-10545, TCP 10526/m,
    /^warning broadcast .*answers as well.*--server HOST/m,
    /^warning broadcast what comes in at UDP 10526 and UDP 10530-10545 is dropped/m,
  );
}, nftObstacle);

const SERVERS_BLOCKED = {
  "no UDP passes": ["meta l4proto udp drop", /does not answer over UDP .*Open UDP 10526 and 10530/],
  "the data ports are closed": [
    "udp dport 10530-10545 drop",
    /no data comes through its UDP port 1053\d .*Open UDP 10530-10545 .*TCP is used, which works/,
  ],
} as const;
for (const [what, [rule, pattern]] of Object.entries(SERVERS_BLOCKED)) {
  lan(`a server where ${what} and TCP is open`, async (site) => {
    const [server, client] = await site.hosts(1, 2);
    await filter(server, "input", rule);
    await site.server(server, FILES);
    const at = ["--server", server.addresses[0]!];
    isFound(await examine(site, client, ...at), pattern);
  }, nftObstacle);
}

lan("an address where nothing listens, and one that nobody has", async (site) => {
  const [other, client] = await site.hosts(1, 2);
  isFound(
    await examine(site, client, "--server", other.addresses[0]!),
    /^problem server no server listens at 10\.99\.1\.1:10526/m,
  );
  isFound(
    await examine(site, client, "--server", "10.99.1.77"),
    /^problem server nothing leads to 10\.99\.1\.77, or it is off/m,
  );
});

lan("a path that takes shorter datagrams only is worth a word", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, FILES);
  await filter(client, "input", "udp sport 10530-10545 meta length > 1300 drop");
  isWell(
    await examine(site, client, "--server", server.addresses[0]!),
    /^note server datagrams from 10\.99\.1\.1:10526 arrive up to 1200 bytes, not of 1400/m,
  );
}, nftObstacle);

lan("a user without rights, and Deno without FFI, see what can be seen", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await site.server(server, FILES);
  const permissions = "--allow-net --allow-read --allow-write --allow-env --allow-sys";
  const args = ["doctor", "--out", site.scratch.out, "--server", server.addresses[0]!];
  const process = site.start(client, args, { permissions });
  assertEquals(await endOf(process), 0, process.description());
  const said = process.events.map(({ check, message }) => `${check} ${message}`).join("\n");
  assertMatch(
    said,
    /^firewall rules of the firewall are read with --allow-run only/m,
  );
  assertMatch(said, /^sockets sockets are not tuned/m);
  assertMatch(said, /^server 10\.99\.1\.1:10526 answers over UDP and TCP/m);
  assert(!/root|bug/.test(process.stderr), process.stderr);
});
