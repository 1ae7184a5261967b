/** What is said of what was seen, and how much it matters. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Finding } from "../../../lib/app/doctor/finding.ts";
import {
  judgeClock,
  judgeDeno,
  judgeDisk,
  judgeSockets,
} from "../../../lib/app/doctor/judge_machine.ts";
import {
  judgeEchoes,
  judgeLinks,
  judgePorts,
  judgeServers,
  linksOf,
  type PortsSeen,
} from "../../../lib/app/doctor/judge_network.ts";
import { type HostSeen, judgeHosts } from "../../../lib/app/doctor/judge_server.ts";
import { CLOCK_MS_MIN, SERVERS_TOLD_MAX } from "../../../lib/app/doctor/limits.ts";

function told(findings: readonly Finding[]): string[] {
  return findings.map(({ severity, message, advice }) =>
    `${severity}: ${message} → ${advice ?? ""}`
  );
}

function one(findings: readonly Finding[], pattern: RegExp): void {
  assertEquals(findings.length, 1, told(findings).join("\n"));
  assertMatch(told(findings)[0]!, pattern);
}

Deno.test("Deno: what it needs is a problem, an old version and the rest are worth a word", () => {
  one(judgeDeno({ version: "2.9.6", denied: ["run"] }), /^ok/);
  one(judgeDeno({ version: "2.10.0", denied: [] }), /^ok/);
  one(judgeDeno({ version: "2.9.5", denied: [] }), /^note: .* → .*deno upgrade/);
  one(judgeDeno({ version: "2.9.6", denied: ["net"] }), /^problem: .*--allow-net/);
  one(judgeDeno({ version: "2.9.6", denied: ["ffi"] }), /^note: .*--allow-ffi.*slower/);
});

Deno.test("interfaces: none, one without a cable, one without an address from others", () => {
  one(judgeLinks([], true), /^problem: no network interface/);
  one(judgeLinks([], false), /^note: Deno may not look/);
  const link = { name: "eth0", addresses: ["10.0.0.2"], mtuBytes: 1_500, isUp: true };
  one(judgeLinks([link], true), /^ok: eth0: 10\.0\.0\.2, MTU 1500/);
  one(judgeLinks([{ ...link, isUp: false }], true), /^warning: .*nothing is connected/);
  one(judgeLinks([{ ...link, addresses: ["169.254.7.7"] }], true), /^warning: .*gave itself/);
  one(judgeLinks([{ ...link, mtuBytes: 1_280 }], true), /^note: .*1280/);
  const lines = told(judgeLinks([{ ...link, addresses: ["fd00::2"] }], true));
  assertEquals(lines.filter((each) => each.startsWith("note: there is no IPv4")).length, 1);
  const subnets = [
    { address: "127.0.0.1", netmask: "255.0.0.0", interface: "lo" },
    { address: "10.0.0.2", netmask: "255.255.255.0", interface: "eth0" },
    { address: "fd00::2", netmask: "ffff::", interface: "eth0" },
  ];
  assertEquals(linksOf(subnets, () => ({})), [
    { name: "eth0", addresses: ["10.0.0.2", "fd00::2"] },
  ]);
});

const FREE: PortsSeen = {
  ...{ port: 10_526, discovery: "free", tcp: "free", master: "free", hasOwnServer: false },
  data: Array(16).fill("free"),
};

Deno.test("ports: what an own server has is as it should be, what others have is in the way", () => {
  one(judgePorts(FREE), /^ok: all ports of a server are free/);
  const used = { ...FREE, discovery: "in use", tcp: "in use" } as const;
  one(judgePorts({ ...used, hasOwnServer: true }), /^ok: in use: UDP 10526, TCP 10526; a server/);
  const lines = told(judgePorts(used));
  assertEquals(lines.length, 2);
  assertMatch(lines[0]!, /^warning: UDP port 10526 .* → .*ss -ulpn.* has a secret/);
  assertMatch(lines[1]!, /^warning: TCP port 10526/);
  const full = { ...FREE, data: Array(16).fill("in use") };
  one(judgePorts({ ...full, hasOwnServer: true }), /^warning: all UDP ports from 10530 to 10545/);
});

Deno.test("broadcasts: which do not come back says who is not heard", () => {
  const [heard, lost] = [{ sent: 2, heard: 1 }, { sent: 2, heard: 0 }];
  one(
    judgeEchoes({ client: heard, discovery: heard, data: heard }),
    /^ok: broadcasts that this machine sends come back/,
  );
  one(judgeEchoes({ client: heard, data: lost }), /^warning: .*at UDP 10530-10545 is dropped/);
  one(judgeEchoes({ client: lost, discovery: heard }), /^warning: .*answers as well → .*--server/);
  one(judgeEchoes({ client: heard, group: lost }), /^note: .*IPv6/);
  assertEquals(judgeEchoes({}), []);
});

Deno.test("sockets are a matter of speed, never of what works", () => {
  const seen = {
    ...{ os: "linux", isTuningOff: false, isFfiDenied: false, isTuned: true },
    ...{ receiveBufferBytes: 8_000_000, wantedBytes: 4_000_000 },
  };
  one(judgeSockets(seen), /^ok/);
  one(judgeSockets({ ...seen, os: "windows", isTuned: false }), /^ok/);
  one(
    judgeSockets({ ...seen, receiveBufferBytes: 400_000 }),
    /^note: .* → sudo sysctl -w .*rmem_max/,
  );
  one(judgeSockets({ ...seen, isTuned: false, isTuningOff: true }), /^note: .*SHOAL_TUNE=off/);
  one(judgeSockets({ ...seen, isTuned: false, isFfiDenied: true }), /^note: .*--allow-ffi/);
});

Deno.test("clock and disk", () => {
  one(judgeClock(CLOCK_MS_MIN), /^ok/);
  one(judgeClock(0), /^warning: the clock/);
  const disk = { folder: "/d", freeBytes: 5e10, bytesPerS: 2e8, aheadMs: -40 };
  one(judgeDisk(disk), /^ok: \/d: writes 200 MB\/s, 50\.0 GB free/);
  one(judgeDisk({ ...disk, error: "denied" }), /^problem: nothing can be written into \/d: denied/);
  one(judgeDisk({ ...disk, freeBytes: 1e8 }), /^warning: \/d has room for 100 MB only/);
  one(judgeDisk({ ...disk, aheadMs: 9_000 }), /^warning: .*9 s ahead of/);
  one(judgeDisk({ ...disk, aheadMs: -9_000 }), /^warning: .*9 s behind/);
  one(judgeDisk({ ...disk, bytesPerS: 2e6 }), /^note: \/d writes 2\.0 MB\/s/);
  // Where nothing was written, or the disk tells no times.
  one(judgeDisk({ folder: "/d", aheadMs: NaN }), /^ok: \/d → $/);
});

Deno.test("servers that were found are named, up to a number", () => {
  one(judgeServers([]), /^note: no server/);
  const places = Array.from({ length: SERVERS_TOLD_MAX + 2 }, (_, i) => `10.0.0.${i}:10530`);
  one(judgeServers(places), /^ok: found: 10\.0\.0\.0:10530, .* and 2 more/);
});

const ENDPOINT = { address: "10.0.0.7", port: 10_526 };
const DATA = { port: 10_530, longestBytes: 1_400, askedBytes: 1_400 };
const HOST: HostSeen = { endpoint: ENDPOINT, isHeard: true, tcp: "open", data: DATA };

Deno.test("a server that was named: each way to it, and what to open", () => {
  one(
    judgeHosts([HOST], []),
    /^ok: 10\.0\.0\.7:10526 answers over UDP and TCP, in datagrams of 1400/,
  );
  one(judgeHosts([{ ...HOST, data: { ...DATA, longestBytes: 1_200 } }], []), /^note: .*up to 1200/);
  const deaf = { ...HOST, data: { ...DATA, longestBytes: 0 } };
  one(judgeHosts([deaf], []), /^warning: .*UDP port 10530.* → Open UDP 10530-10545 .*TCP is used/);
  one(judgeHosts([{ ...deaf, tcp: "refused" }], []), /^problem: .* → .*Or open TCP 10526/);
  const own = { ...deaf, data: { ...DATA, port: 20_530, longestBytes: 0 } };
  one(judgeHosts([own], []), /→ Open UDP 20530 /);
  one(judgeHosts([{ ...HOST, tcp: "refused" }], []), /^note: .*takes no TCP connections/);
});

Deno.test("a server that is not heard is told by what TCP says", () => {
  const silent: HostSeen = { endpoint: ENDPOINT, isHeard: false, tcp: "open" };
  one(
    judgeHosts([silent], []),
    /^warning: .*does not answer over UDP.* → Open UDP 10526 and 10530-10545.*TCP is used\. Unless it has a secret/,
  );
  one(judgeHosts([{ ...silent, deafPort: 10_531 }], []), /^warning: .*answers searches.*10531/);
  one(judgeHosts([{ ...silent, tcp: "refused" }], []), /^problem: no server listens at/);
  one(judgeHosts([{ ...silent, tcp: "no route" }], []), /^problem: nothing leads to 10\.0\.0\.7/);
  one(judgeHosts([{ ...silent, tcp: "silent" }], []), /^problem: .*neither over UDP nor over TCP/);
  // What this machine's own firewall keeps back says nothing of the server.
  one(judgeHosts([silent], ["10.0.0.7"]), /^note: .*takes TCP connections/);
});

Deno.test("where one family leads to a server, the other is only worth a word", () => {
  const ipv6: HostSeen = {
    endpoint: { address: "fd00::7", port: 10_526 },
    ...{ isHeard: false, tcp: "refused" },
  };
  const severities = judgeHosts([HOST, ipv6], []).map(({ severity }) => severity);
  assertEquals(severities, ["ok", "note"]);
  assertEquals(judgeHosts([ipv6], []).map(({ severity }) => severity), ["problem"]);
});
