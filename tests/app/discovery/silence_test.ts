/** What people are told of a search that nobody answered, by what was seen. */
import { assertEquals, assertMatch } from "@std/assert";
import type { Endpoint, Subnet } from "../../../lib/address.ts";
import {
  type HostOutcome,
  isVain,
  type Seen,
  silenceOf,
} from "../../../lib/app/discovery/silence.ts";

const LOOPBACK: Subnet = { address: "127.0.0.1", netmask: "255.0.0.0", interface: "lo" };
const ETHERNET: Subnet = { address: "10.0.0.2", netmask: "255.255.255.0", interface: "eth0" };
const BROADCAST = "10.0.0.255";

function seen(more: Partial<Seen> = {}): Seen {
  return {
    ...{ port: 10_526, lostMasters: [] },
    subnets: [LOOPBACK, ETHERNET],
    hosts: [],
    broadcasts: [BROADCAST],
    isLimited: false,
    refused: [],
    ...more,
  };
}

function told(more: Partial<Seen>): string {
  const { why, hint } = silenceOf(seen(more));
  return `${why} | ${hint}`;
}

Deno.test("a master that cannot be asked is told before what broadcasts might need", () => {
  const text = told({ lostMasters: ["10.0.0.9", "h"] });
  assertMatch(text, /and the master 10\.0\.0\.9 and 1 more cannot be asked \| Check .* TCP 10527/);
  // Where this machine is on no network, that is the reason.
  assertMatch(told({ lostMasters: ["h"], subnets: [LOOPBACK] }), /no network interface/);
});

Deno.test("the ports to open are those that are used", () => {
  assertMatch(told({ port: 20_526 }), /open UDP 20526 and 10530-10545/);
  const silent = { endpoint: { address: "10.0.0.7", port: 20_000 }, outcome: "silent" } as const;
  assertMatch(told({ hosts: [silent] }), /open UDP 20000 and 10530-10545, or TCP 20000,/);
});

const at = (address: string): Endpoint => ({ address, port: 10_526 });
const host = (outcome: HostOutcome, address = "10.0.0.7") => ({ endpoint: at(address), outcome });

Deno.test("a machine that is on no network is told so before anything else", () => {
  const refused = [{ refusal: "blocked", address: BROADCAST }] as const;
  assertMatch(told({ subnets: [LOOPBACK], broadcasts: [], refused }), /no network interface/);
});

Deno.test("interfaces that may not be looked at are not said to be missing", () => {
  assertMatch(told({ subnets: [], broadcasts: ["255.255.255.255"] }), /no server of this network/);
});

Deno.test("a firewall that lets nothing out is named, unless it lets something out", () => {
  const refused = [{ refusal: "blocked", address: BROADCAST }] as const;
  assertMatch(
    told({ refused }),
    /own firewall lets nothing out to 10\.0\.0\.255/,
  );
  assertMatch(
    told({ refused, broadcasts: [BROADCAST, "10.1.0.255"] }),
    /no server of this network/,
  );
});

Deno.test("broadcasts that do not come back say that answers would not come in", () => {
  const silent = told({ echoes: { sent: 2, heard: 0 } });
  assertMatch(silent, /firewall on this machine seems to drop what comes in/);
  assertMatch(silent, /--server HOST/);
});

Deno.test("broadcasts that come back leave it to servers, and say what else there is", () => {
  const answered = told({ echoes: { sent: 2, heard: 1 } });
  assertMatch(answered, /come back to it, and no server of its network answers/);
  assertMatch(answered, /Start `server` .* UDP 10526 and 10530-10545 .*--server HOST.*--master/);
});

Deno.test("a search that was kept to this machine is told to be", () => {
  assertMatch(told({ broadcasts: [], isLimited: true }), /kept to this machine/);
});

Deno.test("what was named is told for what it is, and never to be named", () => {
  const cases: readonly (readonly [HostOutcome, RegExp])[] = [
    ["refused", /no server listens at 10\.0\.0\.7:10526/],
    ["no route", /nothing leads to 10\.0\.0\.7, or it is off/],
    ["silent", /10\.0\.0\.7:10526 answers neither over UDP nor over TCP/],
    ["unknown", /10\.0\.0\.7:10526 answers neither over UDP nor over TCP/],
    ["open", /10\.0\.0\.7:10526 takes TCP connections there, and answers no search/],
    ["blocked", /own firewall lets nothing out to 10\.0\.0\.7/],
  ];
  for (const [outcome, pattern] of cases) {
    const text = told({ hosts: [host(outcome)], broadcasts: [] });
    assertMatch(text, pattern);
    assertEquals(/name the server|has to be named/i.test(text), false, text);
  }
});

Deno.test("of several hosts, those that may be servers are spoken of", () => {
  const [gone, shy] = [host("refused", "10.0.0.8"), host("silent", "10.0.0.9")];
  assertMatch(told({ hosts: [gone, shy] }), /^10\.0\.0\.9:10526 answers neither/);
  assertMatch(told({ hosts: [gone, host("refused")] }), /10\.0\.0\.8:10526 and 1 more/);
});

Deno.test("waiting is vain only where nothing can listen at any of the hosts", () => {
  assertEquals(isVain({ hosts: [] }), false);
  assertEquals(isVain({ hosts: [host("refused"), host("no route")] }), true);
  for (const outcome of ["silent", "unknown", "open", "blocked"] as const) {
    assertEquals(isVain({ hosts: [host("refused"), host(outcome)] }), false, outcome);
  }
});
