/** What the text of an address says, for IPv4 and IPv6. */
import { assert, assertEquals } from "@std/assert";
import {
  broadcastAddress,
  canonicalAddress,
  endpointKey,
  endpointText,
  ipv6Bytes,
  ipv6Text,
  isGroupAddress,
  isIpv4,
  isIpv6,
  isLinkLocal,
  isLoopback,
  isOnSubnet,
  isPrivate,
  isSameEndpoint,
  parseHostPort,
  partyOf,
  peerAddress,
  scopeOf,
  withoutScope,
} from "../lib/address.ts";

import { Random } from "../lib/protocol/base/random.ts";

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

Deno.test("an endpoint has a key for maps and a text for people, which can be read again", () => {
  const v4 = { address: "192.168.1.7", port: 10526 };
  const v6 = { address: "fe80::1%eth0", port: 10526 };
  assertEquals(endpointText(v4), "192.168.1.7:10526");
  assertEquals(endpointText(v6), "[fe80::1%eth0]:10526");
  for (const { address, port } of [v4, v6]) {
    assertEquals(parseHostPort(endpointText({ address, port })), { host: address, port });
  }
  // As texts without brackets these would be one.
  const close = [{ address: "::1", port: 12 }, { address: "::", port: 112 }, {
    address: "::1:1",
    port: 2,
  }];
  assertEquals(new Set(close.map(endpointKey)).size, close.length);
  assert(isSameEndpoint(v4, { ...v4 }));
  assert(!isSameEndpoint(v4, { ...v4, port: 1 }) && !isSameEndpoint(v4, v6));
});

Deno.test("IPv6 addresses are told from names, with a scope and without", () => {
  for (const text of ["::", "::1", "fe80::1%eth0", "2001:db8::7", "::ffff:1.2.3.4"]) {
    assert(isIpv6(text), text);
  }
  for (const text of ["", "1.2.3.4", "::g", "1:2:3", "host", "fe80::1::2"]) {
    assert(!isIpv6(text), text);
  }
});

Deno.test("loopback and private ranges are known in both families, and in IPv4 within IPv6", () => {
  for (const address of ["127.0.0.1", "127.255.0.9", "::1", "::ffff:127.0.0.1"]) {
    assert(isLoopback(address), address);
  }
  for (const address of ["128.0.0.1", "::2", "localhost", "127", ""]) {
    assert(!isLoopback(address), address);
  }
  for (
    const address of [
      "10.0.0.1",
      "172.31.255.1",
      "192.168.0.1",
      "169.254.1.1",
      "fd00::1",
      "fe80::1%2",
    ]
  ) {
    assert(isPrivate(address), address);
  }
  for (const address of ["172.32.0.1", "8.8.8.8", "2001:db8::1"]) {
    assert(!isPrivate(address), address);
  }
});

Deno.test("a party is one IPv4 address, or all of a /64", () => {
  assertEquals(partyOf("10.0.0.1"), "10.0.0.1");
  assert(partyOf("10.0.0.1") !== partyOf("10.0.0.2"));
  assertEquals(partyOf("2001:db8::1"), partyOf("2001:db8::ffff:1"));
  assert(partyOf("2001:db8::1") !== partyOf("2001:db8:0:1::1"));
  assertEquals(partyOf("fe80::1%eth0"), partyOf("fe80::2%eth0"));
  assert(partyOf("fe80::1%eth0") !== partyOf("fe80::1%eth1"), "links are apart");
  assertEquals(partyOf("::ffff:10.0.0.1"), "10.0.0.1");
  assertEquals(partyOf("nas"), "nas");
});

Deno.test("a host with a port is read in every form, and nothing else is", () => {
  const read: readonly (readonly [string, ReturnType<typeof parseHostPort>])[] = [
    ["nas", { host: "nas" }],
    ["nas:80", { host: "nas", port: 80 }],
    ["10.0.0.1", { host: "10.0.0.1" }],
    ["10.0.0.1:65535", { host: "10.0.0.1", port: 65_535 }],
    ["::1", { host: "::1" }],
    ["[::1]", { host: "::1" }],
    ["[fe80::1%eth0]:80", { host: "fe80::1%eth0", port: 80 }],
    ["fe80::1%eth0", { host: "fe80::1%eth0" }],
    ["FE80:0::1%br-lan.7", { host: "fe80::1%br-lan.7" }],
    ["fe80::1%eth0:80", { host: "fe80::1%eth0", port: 80 }],
    ["fe80::1:80", { host: "fe80::1:80" }],
    ["[::ffff:10.0.0.1]:80", { host: "10.0.0.1", port: 80 }],
  ];
  for (const [text, expected] of read) assertEquals(parseHostPort(text), expected, text);
  for (
    const text of [
      "",
      ":80",
      "nas:",
      "nas:0",
      "nas:65536",
      "nas:x",
      "a:b:80",
      "[nas]:80",
      "[::1",
      "[]:80",
      "[10.0.0.1]:80",
      "[fe80::1%]:80",
      "fe80::1%eth0:",
      "fe80::1%eth0:0",
      "fe80::1%et h0",
      "10.0.0.1%eth0",
      "nas%eth0:80",
    ]
  ) {
    assertEquals(parseHostPort(text), undefined, text);
  }
});

Deno.test("an IPv6 address has one text, the shortest, as RFC 5952 has it", () => {
  const texts = [
    ["0:0:0:0:0:0:0:0", "::"],
    ["0:0:0:0:0:0:0:1", "::1"],
    ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["1:2:3:4:5:6:0:0", "1:2:3:4:5:6::"],
    ["0:0:1::", "0:0:1::"],
    ["::ffff:192.168.1.7", "192.168.1.7"],
    ["::ffff:c0a8:107", "192.168.1.7"],
    ["fe80:0::1%eth0", "fe80::1%eth0"],
    ["ff02::1%eth0", "ff02::1%eth0"],
    // Only what is of one link needs an interface.
    ["2001:db8::1%eth0", "2001:db8::1"],
    ["10.0.0.1", "10.0.0.1"],
  ] as const;
  for (const [text, expected] of texts) assertEquals(canonicalAddress(text), expected, text);
  for (const text of ["nas", "1:2:3", "10.0.0.1%eth0", "fe80::1%", "fe80::1%a/b", "", "10.1"]) {
    assertEquals(canonicalAddress(text), undefined, text);
  }
});

Deno.test("what is written of any sixteen bytes is what others write of them, and reads as them", () => {
  const random = new Random(6);
  for (let i = 0; i < 500; i++) {
    const bytes = random.bytes(16);
    // Runs of zeros, of any length and anywhere.
    for (let at = random.below(16), end = at + random.below(17 - at); at < end; at++) bytes[at] = 0;
    const text = ipv6Text(bytes);
    assertEquals(ipv6Bytes(text), bytes, text);
    assertEquals(`[${text}]`, new URL(`http://[${text}]/`).hostname);
  }
});

Deno.test("a peer's address gets the scope of the socket that heard it, where it needs one", () => {
  assertEquals(peerAddress("fe80::1", "eth0"), "fe80::1%eth0");
  assertEquals(peerAddress("fe80::1%eth1", "eth0"), "fe80::1%eth1");
  assertEquals(peerAddress("fe80::1"), "fe80::1");
  assertEquals(peerAddress("2001:db8::1", "eth0"), "2001:db8::1");
  assertEquals(peerAddress("::ffff:10.0.0.1", "eth0"), "10.0.0.1");
  assertEquals(peerAddress("10.0.0.1", "eth0"), "10.0.0.1");
  assertEquals([scopeOf("fe80::1%eth0"), scopeOf("fe80::1")], ["eth0", undefined]);
  assertEquals(withoutScope("fe80::1%eth0"), "fe80::1");
  assert(isLinkLocal("fe80::1%eth0") && isLinkLocal("ff02::1") && isLinkLocal("febf::1"));
  assert(!isLinkLocal("fd00::1") && !isLinkLocal("169.254.0.1") && !isLinkLocal("ff05::1"));
});

Deno.test("neighbours are told by the mask in IPv6, too, on their own link", () => {
  const mask = "ffff:ffff:ffff:ffff::";
  assert(isOnSubnet("2001:db8::7", { address: "2001:db8::1", netmask: mask }));
  assert(!isOnSubnet("2001:db8:0:1::7", { address: "2001:db8::1", netmask: mask }));
  assert(isOnSubnet("fe80::7%eth0", { address: "fe80::1%eth0", netmask: mask }));
  assert(!isOnSubnet("fe80::7%eth1", { address: "fe80::1%eth0", netmask: mask }));
  assert(!isOnSubnet("192.168.7.1", { address: "2001:db8::1", netmask: mask }));
});
