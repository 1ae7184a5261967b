import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import type { Subnet } from "../../../lib/address.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { HOST_ADDRESSES_MAX, SWEEP_ADDRESSES_MAX } from "../../../lib/io/net/limits.ts";
import { denoNet } from "../../../lib/io/net/net.ts";
import {
  discoveryAddresses,
  isFromExcluded,
  resolveHost,
  sweepAddresses,
} from "../../../lib/io/net/network.ts";
import { openStream, reachableEndpoint } from "../../../lib/io/net/tcp_client.ts";
import type { VirtualClock } from "../../sim/virtual_clock.ts";
import { playTcp, type VirtualNames } from "../../support/virtual_tcp.ts";

const HOME = { address: "192.168.7.20", netmask: "255.255.255.0" };
const LOOPBACK = { address: "127.0.0.1", netmask: "255.0.0.0" };
const TIMEOUT_MS = 3_000;

Deno.test("a search goes to loopback and to every subnet once", () => {
  const subnets = [LOOPBACK, HOME, { ...HOME, address: "192.168.7.21" }];
  assertEquals(discoveryAddresses(subnets), ["127.255.255.255", "192.168.7.255"]);
});

Deno.test("a search without knowledge of the interfaces falls back to the limited broadcast", () => {
  assertEquals(discoveryAddresses([]), ["127.255.255.255", "255.255.255.255"]);
});

const eth = { ...HOME, interface: "eth0" };
const eth6 = { address: "fe80::20%eth0", netmask: "ffff:ffff:ffff:ffff::", interface: "eth0" };
const wlan = { address: "10.1.2.3", netmask: "255.255.0.0", interface: "wlan0" };
const lo = { ...LOOPBACK, interface: "lo" };
const choose = (only: string[], except: string[] = []) => ({ only, except });

Deno.test("a search goes to the group on each link, and only by the interfaces that are chosen", () => {
  const subnets = [lo, eth, eth6, { ...eth6, address: "fe80::21%eth0" }, wlan];
  const group = "ff02::5348:291e%eth0";
  const all = ["127.255.255.255", "192.168.7.255", "10.1.255.255", group];
  assertEquals(discoveryAddresses(subnets), all);
  const near = ["127.255.255.255", "192.168.7.255", group];
  assertEquals(discoveryAddresses(subnets, choose(["eth0"])), near);
  assertEquals(discoveryAddresses(subnets, choose([], ["wlan0"])), near);
  assertEquals(discoveryAddresses(subnets, choose(["eth0", "wlan0"], ["eth0"])), [
    "127.255.255.255",
    "10.1.255.255",
  ]);
});

Deno.test("a sweep takes no more of a network than the /24 around our own address, and a bounded number", () => {
  const swept = sweepAddresses([lo, eth, eth6]);
  assertEquals([swept[0], swept.at(-1), swept.length], ["192.168.7.1", "192.168.7.254", 253]);
  assert(!swept.includes(HOME.address));
  assertEquals(new Set(sweepAddresses([wlan]).map((each) => each.split(".")[2])), new Set(["2"]));
  assertEquals(sweepAddresses([{ ...eth, netmask: "255.255.255.252" }]), [
    "192.168.7.21",
    "192.168.7.22",
  ]);
  assertEquals(sweepAddresses([lo]), []);
  assertEquals(sweepAddresses([eth, wlan], choose(["wlan0"]))[0], "10.1.2.1");
  const many = Array.from({ length: 9 }, (_, i) => ({ ...eth, address: `172.16.${i}.1` }));
  assertEquals(sweepAddresses(many).length, SWEEP_ADDRESSES_MAX);
});

Deno.test("what comes from the networks of an interface is told from what may come by any", () => {
  const subnets = [lo, eth, eth6, wlan];
  const isExcluded = (address: string) => isFromExcluded(address, subnets, choose(["eth0"]));
  assert(isExcluded("10.1.9.9"));
  for (const address of ["192.168.7.9", "fe80::1%eth0", "127.0.0.1", "8.8.8.8"]) {
    assert(!isExcluded(address), address);
  }
});

const canResolve = (await Deno.permissions.query({ name: "net" })).state === "granted" &&
  (await Deno.permissions.query({ name: "sys" })).state === "granted";
const PLATFORM = { clock: denoClock, net: denoNet() };
const PATIENCE = { timeoutMs: 60_000 };

Deno.test({
  name: "a host is taken by address or by name, with a port or without",
  ignore: !canResolve,
  async fn() {
    const resolve = (text: string) => resolveHost(PLATFORM, text, PATIENCE);
    assertEquals(await resolve("127.0.0.1"), { addresses: ["127.0.0.1"] });
    assertEquals(await resolve("127.0.0.1:10530"), { addresses: ["127.0.0.1"], port: 10530 });
    assertEquals((await resolve("localhost:80")).addresses[0], "127.0.0.1");
    assertEquals(await resolve("::1"), { addresses: ["::1"] });
    assertEquals(await resolve("[::ffff:127.0.0.1]:80"), { addresses: ["127.0.0.1"], port: 80 });
  },
});

for (
  const [text, message] of [
    ["127.255.255.255", "one machine"],
    [":80", "no host"],
    ["127.0.0.1:0", "port"],
    ["127.0.0.1:70000", "port"],
    ["127.0.0.1:x", "port"],
    ["[::1]:0", "port"],
    ["ff02::1%lo", "interface"],
    ["fe80::1%no-such-link", "interface"],
    ["::", "one machine"],
    ["no-such-host.invalid", "unknown host"],
  ] as const
) {
  Deno.test({
    name: `'${text}' as a host is refused with what is wrong about it`,
    ignore: !canResolve,
    async fn() {
      await assertRejects(() => resolveHost(PLATFORM, text, PATIENCE), ShoalError, message);
    },
  });
}

// — A resolver in virtual time ——————————————————————————————————————————————————————————————————

const answers = (...addresses: string[]): VirtualNames["lookUp"] => () =>
  Promise.resolve(addresses);

function late(afterMs: number, address: string): VirtualNames["lookUp"] {
  return async (_host: string, world: VirtualClock) => {
    await world.elapsed(afterMs, (work) => work());
    return [address];
  };
}

function resolved(lookUp: VirtualNames["lookUp"], signal?: AbortSignal) {
  const patience = { timeoutMs: TIMEOUT_MS, signal };
  const names = lookUp === undefined ? {} : { lookUp };
  return playTcp(
    (runtime) => resolveHost(runtime, "files.example:81", patience),
    () => ({}),
    names,
  );
}

Deno.test("a name that stands for several addresses is all of them, once each, in the resolver's order", async () => {
  const { result } = await resolved(answers("192.0.2.9", "192.0.2.1", "192.0.2.9"));
  assertEquals(result, { addresses: ["192.0.2.9", "192.0.2.1"], port: 81 });
});

Deno.test("of a name with very many addresses, the first ones are asked", async () => {
  const many = Array.from({ length: 200 }, (_, i) => `192.0.2.${i + 1}`);
  const { result } = await resolved(answers(...many));
  assertEquals(result, { addresses: many.slice(0, HOST_ADDRESSES_MAX), port: 81 });
});

Deno.test("a name of which one address is a broadcast address is refused", async () => {
  const { result } = await resolved(answers("192.0.2.9", "255.255.255.255"));
  assert(result instanceof ShoalError);
  assertEquals(result.code, "usage");
});

Deno.test("a name that resolves late, but in time, is waited for", async () => {
  const { result, tookMs } = await resolved(late(0.9 * TIMEOUT_MS, "192.0.2.9"));
  assertEquals(result, { addresses: ["192.0.2.9"], port: 81 });
  assertEquals(tookMs, 0.9 * TIMEOUT_MS);
});

Deno.test("a resolver that says nothing is given up after the timeout, with its name for a reason", async () => {
  const { result, tookMs } = await resolved(() => new Promise(() => {}));
  assert(result instanceof ShoalError);
  assertEquals([result.code, tookMs], ["no_server", TIMEOUT_MS]);
  assert(result.message.includes("files.example"), result.message);
});

Deno.test("a name that stands for nothing is a mistake of whoever typed it, whichever way the resolver says so", async () => {
  for (const lookUp of [undefined, answers()]) {
    const { result } = await resolved(lookUp);
    assert(result instanceof ShoalError);
    assertEquals([result.code, result.message], ["usage", "unknown host 'files.example'"]);
  }
});

Deno.test("whoever is interrupted does not wait for a resolver", async () => {
  const { result, tookMs } = await resolved(() => new Promise(() => {}), AbortSignal.abort());
  assert(result instanceof ShoalError);
  assertEquals([result.code, tookMs], ["interrupted", 0]);
});

Deno.test("of a name's addresses those are asked whose family the machine has, IPv4 first", async () => {
  const lookUp = answers("2001:db8::7", "192.0.2.7");
  const loopback = [LOOPBACK, { address: "::1", netmask: "" }];
  const v6 = { address: "2001:db8::2", netmask: "" };
  const addresses = async (...subnets: Subnet[]) => {
    const { result } = await playTcp(
      (runtime) => resolveHost(runtime, "files.example", { timeoutMs: TIMEOUT_MS }),
      () => ({}),
      { lookUp: lookUp!, subnets: [...loopback, ...subnets] },
    );
    assert(!(result instanceof ShoalError));
    return result.addresses;
  };
  assertEquals(await addresses(HOME, v6), ["192.0.2.7", "2001:db8::7"]);
  assertEquals(await addresses(v6), ["2001:db8::7"]);
  assertEquals(await addresses(HOME), ["192.0.2.7"]);
  assertEquals(await addresses(), ["192.0.2.7", "2001:db8::7"]);
});

Deno.test("an address of a link goes with its interface, by the name that it has here", async () => {
  const link = (name: string, interfaceIndex: number) =>
    ({ address: `fe80::99%${name}`, netmask: "", interface: name, interfaceIndex }) as const;
  const resolved = async (text: string, ...subnets: Subnet[]) => {
    const { result } = await playTcp(
      (runtime) => resolveHost(runtime, text, { timeoutMs: TIMEOUT_MS }),
      () => ({}),
      { subnets: [LOOPBACK, ...subnets] },
    );
    return result instanceof ShoalError ? `${result.message}: ${result.hint}` : result.addresses[0];
  };
  const [one, two] = [link("eth0", 2), link("wlan0", 3)];
  assertEquals(await resolved("fe80::1", one), "fe80::1%eth0");
  assertEquals(await resolved("fe80::1%wlan0", one, two), "fe80::1%wlan0");
  assertEquals(await resolved("fe80::1%3", one, two), "fe80::1%wlan0");
  for (const text of ["fe80::1", "fe80::1%4"]) {
    assertStringIncludes(String(await resolved(text, one, two)), "there are eth0, wlan0".slice(1));
  }
  assertStringIncludes(String(await resolved("fe80::1")), "IPv6");
});

// — Connections to a host with several addresses ————————————————————————————————————————————————

const THREE = answers("192.0.2.1", "192.0.2.2", "192.0.2.3");
const TARGET = { server: "files.example", port: 80, layers: [], timeoutMs: TIMEOUT_MS };

Deno.test("a connection goes to the first address that takes it, past one that refuses and one that is silent", async () => {
  const fates = { "192.0.2.1": "refused", "192.0.2.2": "silent", "192.0.2.3": "accepted" } as const;
  const { result, tookMs } = await playTcp(
    async (runtime) => (await openStream(runtime, TARGET)).peer,
    () => ({}),
    { lookUp: THREE!, reach: ({ address }) => fates[address as keyof typeof fates] },
  );
  assertEquals(result, { address: "192.0.2.3", port: 80 });
  assert(tookMs < TIMEOUT_MS, `${tookMs} ms`);
});

Deno.test("where none takes a connection, the last one's reason is told, within the timeout", async () => {
  const { result, tookMs } = await playTcp(
    (runtime) => openStream(runtime, TARGET),
    () => ({}),
    { lookUp: THREE!, reach: () => "silent" },
  );
  assert(result instanceof ShoalError);
  assertEquals([result.code, tookMs], ["no_server", TIMEOUT_MS]);
  assert(result.message.includes("does not answer"), result.message);
});

Deno.test("a server that is asked at one endpoint is asked where it was reached; the only one is not tried", async () => {
  const reach: VirtualNames["reach"] = ({ address }) =>
    address === "192.0.2.2" ? "accepted" : "refused";
  const several = await playTcp(
    (runtime) => reachableEndpoint(runtime, TARGET),
    () => ({}),
    { lookUp: THREE!, reach },
  );
  assertEquals(several.result, { address: "192.0.2.2", port: 80 });
  assertEquals(several.links.map(({ isClosed }) => isClosed), [true]);
  const one = await playTcp(
    (runtime) => reachableEndpoint(runtime, TARGET),
    () => ({}),
    { lookUp: answers("192.0.2.1")!, reach },
  );
  assertEquals([one.result, one.links.length], [{ address: "192.0.2.1", port: 80 }, 0]);
});
