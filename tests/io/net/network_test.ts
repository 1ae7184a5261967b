import { assertEquals, assertRejects } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { discoveryAddresses, resolveHost } from "../../../lib/io/net/network.ts";

const HOME = { address: "192.168.7.20", netmask: "255.255.255.0" };
const LOOPBACK = { address: "127.0.0.1", netmask: "255.0.0.0" };

Deno.test("a search goes to loopback and to every subnet once", () => {
  const subnets = [LOOPBACK, HOME, { ...HOME, address: "192.168.7.21" }];
  assertEquals(discoveryAddresses(subnets), ["127.255.255.255", "192.168.7.255"]);
});

Deno.test("a search without knowledge of the interfaces falls back to the limited broadcast", () => {
  assertEquals(discoveryAddresses([]), ["127.255.255.255", "255.255.255.255"]);
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
