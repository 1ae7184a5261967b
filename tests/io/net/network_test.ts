import { assert, assertEquals, assertRejects } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import {
  broadcastAddress,
  discoveryAddresses,
  isGroupAddress,
  isIpv4,
  isLoopback,
  isOnSubnet,
  resolveHost,
} from "../../../lib/io/net/network.ts";

const HOME = { address: "192.168.7.20", netmask: "255.255.255.0" };
const LOOPBACK = { address: "127.0.0.1", netmask: "255.0.0.0" };

Deno.test("a directed broadcast address has every host bit set", () => {
  assertEquals(broadcastAddress(HOME), "192.168.7.255");
  assertEquals(
    broadcastAddress({ address: "10.1.2.3", netmask: "255.255.252.0" }),
    "10.1.3.255",
  );
  assertEquals(broadcastAddress(LOOPBACK), "127.255.255.255");
});

Deno.test("point-to-point subnets have no broadcast address", () => {
  assertEquals(
    broadcastAddress({ address: "10.0.0.1", netmask: "255.255.255.254" }),
    undefined,
  );
  assertEquals(
    broadcastAddress({ address: "10.0.0.1", netmask: "255.255.255.255" }),
    undefined,
  );
});

Deno.test("a search goes to loopback and to every subnet once", () => {
  const subnets = [LOOPBACK, HOME, { ...HOME, address: "192.168.7.21" }];
  assertEquals(discoveryAddresses(subnets), ["127.255.255.255", "192.168.7.255"]);
});

Deno.test("a search without knowledge of the interfaces falls back to the limited broadcast", () => {
  assertEquals(discoveryAddresses([]), ["127.255.255.255", "255.255.255.255"]);
});

Deno.test("the netmask tells neighbours from other hosts", () => {
  assert(isOnSubnet("192.168.7.254", HOME));
  assert(!isOnSubnet("192.168.8.1", HOME));
  assert(!isOnSubnet("not an address", HOME));
});

Deno.test("only dotted quads of bytes are IPv4 addresses", () => {
  for (const text of ["0.0.0.0", "255.255.255.255", "127.0.0.1"]) assert(isIpv4(text), text);
  for (const text of ["", "1.2.3", "1.2.3.256", "1.2.3.4.5", "::1", "a.b.c.d", " 1.2.3.4"]) {
    assert(!isIpv4(text), text);
  }
  assert(isLoopback("127.9.9.9"));
  assert(!isLoopback("127.example"));
});

Deno.test("broadcast, multicast and unspecified addresses name no single machine", () => {
  for (
    const address of [
      "255.255.255.255",
      "224.0.0.251",
      "0.0.0.0",
      "127.255.255.255",
      "192.168.7.255",
    ]
  ) {
    assert(isGroupAddress(address, [HOME]), address);
  }
  assert(!isGroupAddress("192.168.7.20", [HOME]));
  assert(!isGroupAddress("10.0.0.255", [HOME]));
});

const canResolve = (await Deno.permissions.query({ name: "net" })).state === "granted" &&
  (await Deno.permissions.query({ name: "sys" })).state === "granted";

Deno.test({
  name: "a host is taken by address or by name, with a port or without",
  ignore: !canResolve,
  async fn() {
    assertEquals(await resolveHost("127.0.0.1"), { address: "127.0.0.1" });
    assertEquals(await resolveHost("127.0.0.1:10530"), { address: "127.0.0.1", port: 10530 });
    assertEquals((await resolveHost("localhost:80")).address, "127.0.0.1");
  },
});

for (
  const [text, message] of [
    ["127.255.255.255", "one machine"],
    [":80", "no host"],
    ["127.0.0.1:0", "port"],
    ["127.0.0.1:70000", "port"],
    ["127.0.0.1:x", "port"],
    ["[::1]:80", "not an IPv4 address"],
    ["::1", "not an IPv4 address"],
    ["no-such-host.invalid", "unknown host"],
  ] as const
) {
  Deno.test({
    name: `'${text}' as a host is refused with what is wrong about it`,
    ignore: !canResolve,
    async fn() {
      await assertRejects(() => resolveHost(text), ShoalError, message);
    },
  });
}
