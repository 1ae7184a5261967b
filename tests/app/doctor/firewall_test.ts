/** What rules do to a packet, as `nft` and `iptables-save` print them, and what is said of it. */
import { assertEquals, assertMatch } from "@std/assert";
import { type Packet, verdictOn } from "../../../lib/app/doctor/firewall_rules.ts";
import { iptablesRules } from "../../../lib/app/doctor/iptables_rules.ts";
import { judgeFirewall } from "../../../lib/app/doctor/judge_firewall.ts";
import { nftRules } from "../../../lib/app/doctor/nft_rules.ts";

type Json = Readonly<Record<string, unknown>>;

const IN: Packet = { direction: "input", transport: "udp", port: 10_526, link: "eth0" };
const IN_DATA: Packet = { ...IN, port: 10_530 };
const IN_TCP: Packet = { ...IN, transport: "tcp" };
const OUT: Packet = { ...IN, direction: "output" };

const match = (left: Json, right: unknown, op = "=="): Json => ({ match: { op, left, right } });
const dport = (right: unknown, protocol = "udp") =>
  match({ payload: { protocol, field: "dport" } }, right);
const state = (...states: string[]) => match({ ct: { key: "state" } }, states, "in");
const link = (name: string) => match({ meta: { key: "iifname" } }, name);
const ACCEPT = { accept: null };
const DROP = { drop: null };

/** A ruleset as `nft --json list ruleset` prints it, with these rules in its chain for what comes in. */
function nft(policy: string, ...rules: readonly (readonly Json[])[]): string {
  const place = { family: "inet", table: "f" };
  const hook = { type: "filter", hook: "input", prio: 0, policy };
  return JSON.stringify({
    nftables: [
      { metainfo: { version: "1.0.6" } },
      { table: { family: "inet", name: "f" } },
      { set: { ...place, name: "open", elem: [10_526, { range: [10_530, 10_545] }] } },
      { chain: { ...place, name: "user" } },
      { chain: { ...place, name: "input", ...hook } },
      { rule: { ...place, chain: "user", expr: [dport(10_530), DROP] } },
      ...rules.map((expr) => ({ rule: { ...place, chain: "input", expr } })),
    ],
  });
}

function verdict(packet: Packet, text: string): string {
  return verdictOn(packet, nftRules(text) ?? []).kind;
}

Deno.test("a packet meets the first rule that is for it, and else the policy", () => {
  const text = nft("drop", [dport(10_526), ACCEPT], [dport(10_526, "tcp"), { reject: {} }]);
  assertEquals(verdict(IN, text), "accept");
  assertEquals(verdict(IN_TCP, text), "drop");
  assertEquals(verdict(IN_DATA, text), "drop");
  assertEquals(verdict(OUT, text), "accept");
  assertEquals(verdict(IN_DATA, nft("accept", [dport(10_526), DROP])), "accept");
});

Deno.test("ports are read one by one, in ranges, in sets and in sets with a name", () => {
  const sets = [
    { set: [10_526, { range: [10_530, 10_545] }] },
    { range: [10_526, 10_545] },
    "@open",
  ];
  for (const set of sets) {
    const text = nft("drop", [dport(set), ACCEPT]);
    assertEquals([verdict(IN, text), verdict(IN_DATA, text), verdict(IN_TCP, text)], [
      "accept",
      "accept",
      "drop",
    ]);
  }
  const protocols = match({ meta: { key: "l4proto" } }, { set: ["tcp", "udp"] });
  const either = nft("drop", [protocols, dport(10_526, "th"), ACCEPT]);
  assertEquals([verdict(IN_TCP, either), verdict(IN_DATA, either)], ["accept", "drop"]);
});

Deno.test("what answers passes where what is new does not, also by a map of states", () => {
  const answer: Packet = { ...OUT, direction: "input", fromPort: 10_526 };
  const map = {
    vmap: {
      key: { ct: { key: "state" } },
      data: { set: [["invalid", DROP], ["established", ACCEPT]] },
    },
  };
  for (const rule of [[state("established", "related"), ACCEPT], [map]]) {
    const text = nft("drop", rule);
    assertEquals([verdict(IN, text), verdict(answer, text)], ["drop", "accept"]);
  }
});

Deno.test("interfaces are told apart, and stand for several where they end so", () => {
  assertEquals(verdict(IN, nft("drop", [link("lo"), ACCEPT])), "drop");
  assertEquals(verdict(IN, nft("drop", [link("eth0"), ACCEPT])), "accept");
  assertEquals(verdict(IN, nft("drop", [link("eth*"), ACCEPT])), "accept");
  assertEquals(verdict(IN, nft("drop", [link("wlan*"), ACCEPT])), "drop");
});

Deno.test("chains are followed, and come back", () => {
  const jump = [{ jump: { target: "user" } }];
  assertEquals(verdict(IN_DATA, nft("accept", jump)), "drop");
  assertEquals(verdict(IN, nft("accept", jump)), "accept");
  assertEquals(verdict(IN, nft("drop", jump, [dport(10_526), ACCEPT])), "accept");
  assertEquals(verdict(IN, nft("drop", [{ goto: { target: "user" } }], [ACCEPT])), "drop");
});

Deno.test("nothing is said to be dropped that a rule might let through", () => {
  const some = match({ payload: { protocol: "ip", field: "saddr" } }, "10.0.0.0/8");
  assertEquals(verdict(IN, nft("drop", [some, ACCEPT])), "unknown");
  assertEquals(verdict(IN, nft("drop", [some, { jump: { target: "user" } }])), "drop");
  assertEquals(verdict(IN, nft("accept", [some, { return: null }], [DROP])), "unknown");
  // That a rule may drop it is no reason to say that it does.
  assertEquals(verdict(IN, nft("accept", [some, DROP])), "accept");
  assertEquals(verdict(IN, nft("drop", [{ xt: { type: "match", name: "x" } }, ACCEPT])), "unknown");
  assertEquals(verdict(IN, nft("drop", [{ jump: { target: "missing" } }])), "unknown");
});

Deno.test("what is no ruleset is none", () => {
  for (const text of ["", "[]", "{}", '{"nftables":1}', "table inet f"]) {
    assertEquals(nftRules(text), undefined);
  }
  assertEquals(iptablesRules("nothing here"), undefined);
  // What no version prints must not make it fall over.
  for (const odd of [{ rule: { expr: 7 } }, { chain: {} }, { rule: { expr: [{ match: 1 }] } }, 7]) {
    nftRules(JSON.stringify({ nftables: [odd] }));
  }
});

const IPTABLES = `*nat
:PREROUTING ACCEPT [0:0]
-A PREROUTING -p udp -j DROP
COMMIT
*filter
:INPUT DROP [1:60]
:OUTPUT ACCEPT [0:0]
:user - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -j user
-A INPUT -p udp -m multiport --dports 10526,10530:10540 -m comment --comment "a -j DROP here" -j ACCEPT
-A INPUT ! -p udp -m limit --limit 3/min -j LOG --log-prefix "[x] "
-A user -p tcp -m tcp --dport 10526 -j REJECT --reject-with icmp-port-unreachable
COMMIT
`;

Deno.test("iptables' rules mean the same", () => {
  const chains = iptablesRules(IPTABLES)!;
  const kinds = [IN, IN_DATA, { ...IN, port: 10_541 }, IN_TCP, OUT].map((each) =>
    verdictOn(each, chains).kind
  );
  assertEquals(kinds, ["accept", "accept", "drop", "drop", "accept"]);
  assertEquals(verdictOn(IN_TCP, chains).where, "table filter, chain user");
});

const seen = (text: string | undefined) => ({
  ...{ os: "linux", mayRun: true, managers: [], links: ["eth0"], port: 10_526 } as const,
  ...(text !== undefined && { chains: nftRules(text)! }),
});

Deno.test("what is dropped is named with its ports, its chain and what opens them", () => {
  const [closed, ...others] = judgeFirewall(seen(nft("drop", [dport(10_526), ACCEPT])));
  assertEquals([others, closed?.severity], [[], "warning"]);
  assertMatch(
    closed!.message,
    /comes in to UDP 10530-10545, TCP 10526 \(table inet f, chain input\)/,
  );
  assertMatch(
    closed!.advice!,
    /^sudo nft insert rule inet f input udp dport '\{ 10526, 10530-10545 \}'/,
  );
  const [ufw] = judgeFirewall({ ...seen(nft("drop")), managers: ["ufw"] });
  assertEquals(ufw?.advice, "sudo ufw allow 10526 && sudo ufw allow 10530:10545/udp");
  const [firewalld] = judgeFirewall({ ...seen(nft("drop")), managers: ["firewalld"] });
  assertMatch(firewalld!.advice!, /firewall-cmd .*--add-port=10530-10545\/udp.* --reload/);
  assertEquals(judgeFirewall(seen(nft("accept"))).map(({ severity }) => severity), ["ok"]);
});

Deno.test("rules that only administrators read are said to be that, and nothing is wrong", () => {
  for (const managers of [[], ["ufw"], ["firewalld"]] as const) {
    const [finding] = judgeFirewall({ ...seen(undefined), managers });
    assertEquals(finding?.severity, "note");
    assertMatch(finding!.message, /administrators only/);
  }
  const [denied] = judgeFirewall({ ...seen(undefined), mayRun: false });
  assertMatch(denied!.message, /--allow-run/);
});
