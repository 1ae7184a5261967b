/** The layouts of `sockaddr_in` and `sockaddr_in6` of Linux, in both directions. */
import { assertEquals, assertStrictEquals } from "@std/assert";
import { denoSubnets } from "../../../lib/io/net/deno_network.ts";
import { socketAddress } from "../../../lib/io/net/socket_address.ts";

const hex = (bytes: Uint8Array) => [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");

Deno.test("an IPv4 endpoint is laid out as the kernel has it", () => {
  const address = socketAddress("0.0.0.0");
  address.endpoint = { address: "192.168.1.7", port: 10526 };
  assertEquals(hex(address.bytes), "0200291ec0a80107" + "00".repeat(8));
  address.bytes.set([0x29, 0x1f], 2);
  assertEquals(address.endpoint, { address: "192.168.1.7", port: 10527 });
});

Deno.test("an IPv6 endpoint is laid out as the kernel has it, and its interface is a number there", () => {
  const address = socketAddress("::", "2001:db8::1");
  address.endpoint = { address: "fe80::7%3", port: 10526 };
  assertEquals(hex(address.bytes), "0a00291e00000000fe80" + "00".repeat(13) + "0703000000");
  address.bytes.set([0x20, 0x01, 0x0d, 0xb8], 8);
  // Somebody who has heard that on several addresses of his own has to know which.
  const global = { address: "2001:db8::7", port: 10526, askedAt: "2001:db8::1" };
  assertEquals(address.endpoint, global);
  assertStrictEquals(address.endpoint, address.endpoint);
  address.endpoint = { address: "2001:db8::7", port: 1 };
  assertEquals(hex(address.bytes.subarray(24)), "00000000", "no interface is left over");
});

const canLook =
  (await Deno.permissions.query({ name: "sys", kind: "networkInterfaces" })).state === "granted";
const link = canLook
  ? denoSubnets().find(({ interfaceIndex }) => interfaceIndex !== undefined)
  : undefined;

Deno.test({
  name: "an interface has its name on this side",
  ignore: link === undefined,
  fn() {
    const { interface: name, interfaceIndex: index } = link!;
    const address = socketAddress("::");
    address.endpoint = { address: `fe80::7%${name}`, port: 1 };
    assertEquals(new DataView(address.bytes.buffer).getUint32(24, true), index);
    address.bytes.set([2], 3);
    assertEquals(address.endpoint, { address: `fe80::7%${name}`, port: 2 });
  },
});
