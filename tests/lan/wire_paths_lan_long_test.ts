/** What comes over the paths that people have comes over UDP, whole, and costs no more than it has to. */
import { assertEquals, assertLess } from "@std/assert";
import { randomFile } from "../support/e2e.ts";
import { type SituationName, SITUATIONS } from "../support/situations.ts";
import { Fetch, lan, MIB } from "./fault_rig.ts";

const NOTICE = /using TCP instead/;
const KIB = 1_024;

interface Expected {
  readonly sizeBytes: number;
  /** What the client may send, and be sent, for each byte of the file; headers included. */
  readonly sent?: number;
  readonly given?: number;
  /** Whether it is so slow that TCP may be tried as well. */
  readonly isSlow?: boolean;
  /** Whether the server is named; found by broadcast otherwise. */
  readonly isNamed?: boolean;
}

const EXPECTED: readonly (readonly [SituationName, Expected])[] = [
  ["50 Mbit/s", { sizeBytes: 8 * MIB, sent: 0.03, given: 1.1 }],
  ["0–50 ms of reordering jitter", { sizeBytes: 8 * MIB, given: 1.15 }],
  ["0–20 ms of jitter in order", { sizeBytes: 8 * MIB, given: 1.15 }],
  ["everything twice", { sizeBytes: 4 * MIB, given: 2.5 }],
  ["a satellite", { sizeBytes: 4 * MIB, given: 1.15 }],
  // Such a small file on such a line: what is said to find it, by both families, counts.
  ["1 Mbit/s with a queue of two seconds", { sizeBytes: 512 * KIB, given: 1.3 }],
  ["bursts of loss", { sizeBytes: 8 * MIB, given: 1.2 }],
  ["datagrams of up to 1,000 bytes", { sizeBytes: 2 * MIB }],
  ["datagrams of up to 1,000 bytes", { sizeBytes: 2 * MIB, isNamed: true }],
  ["datagrams of up to 640 bytes", { sizeBytes: 2 * MIB }],
  // Ethernet and the search included; requests alone are 1.2 %.
  ["8 Mbit/s down, 128 kbit/s up", { sizeBytes: 8 * MIB, isNamed: true, sent: 0.015, given: 1.15 }],
  ["8 Mbit/s down, 128 kbit/s up", { sizeBytes: 8 * MIB, sent: 0.017, given: 1.15 }],
  ["1 Mbit/s down, 56 kbit/s up", { sizeBytes: 512 * KIB, isNamed: true, sent: 0.06, given: 1.2 }],
  ["56 kbit/s both ways", {
    sizeBytes: 128 * KIB,
    isNamed: true,
    isSlow: true,
    sent: 0.3,
    given: 1.8,
  }],
];

for (const [situation, expected] of EXPECTED) {
  const { sizeBytes, sent, given, isNamed = false, isSlow = false } = expected;
  const how = isNamed ? "from a server that is named" : "from a server that is looked for";
  lan(`${situation}: ${sizeBytes / KIB} KiB come ${how}`, async (site) => {
    site.lab.wire(1);
    const [server, client] = await site.hosts(1, 2);
    const files = { film: randomFile(sizeBytes, 1) };
    await site.server(server, files);
    await client.impair(1, SITUATIONS[situation]);
    const before = await client.count(1);
    const named = isNamed ? ["--server", server.addresses[0]!] : [];
    const get = new Fetch(site, client, "out", "film", ...named);
    await get.brings(files);
    if (!isSlow) assertEquals(NOTICE.test(get.said), false, get.process.description());
    const { sentBytes, deliveredBytes } = await client.count(1);
    assertLess((sentBytes - before.sentBytes) / sizeBytes, sent ?? Infinity, "sent");
    assertLess((deliveredBytes - before.deliveredBytes) / sizeBytes, given ?? Infinity, "given");
  });
}
