/** What the routes of this machine take, as Linux tells of a socket that is connected: asked through FFI, no datagram is sent. */
import type { Endpoint } from "../../address.ts";
import { openLibc } from "../system/libc.ts";
import { isTuningOff } from "../system/tuning.ts";
import { socketAddress } from "./socket_address.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const SOL_IP = 0;
const IP_MTU = 14;
const IPV4_HEADERS_BYTES = 20 + 8;
const SOL_IPV6 = 41;
const IPV6_MTU = 24;
const IPV6_HEADERS_BYTES = 40 + 8;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

let libc: Deno.DynamicLibrary<typeof SYMBOLS>["symbols"] | undefined;

/** The longest datagram, without headers, that the route to `to` takes; `undefined` where that is not known. */
export function routeBytes(to: Endpoint): number | undefined {
  const symbols = isTuningOff() ? undefined : libc ??= openLibc(SYMBOLS);
  if (symbols === undefined) return undefined;
  const isIpv6 = to.address.includes(":");
  const descriptor = symbols.socket(isIpv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return undefined;
  try {
    const target = socketAddress(to.address);
    target.endpoint = to;
    if (symbols.connect(descriptor, target.bytes, target.bytes.length) !== 0) return undefined;
    const value = new Int32Array(1);
    const length = new Uint32Array([value.byteLength]);
    const [level, option, headersBytes] = isIpv6
      ? [SOL_IPV6, IPV6_MTU, IPV6_HEADERS_BYTES]
      : [SOL_IP, IP_MTU, IPV4_HEADERS_BYTES];
    if (symbols.getsockopt(descriptor, level, option, value, length) !== 0) return undefined;
    return value[0]! - headersBytes;
  } finally {
    symbols.close(descriptor);
  }
}
