/**
 * What Linux can do for a UDP socket and `Deno.listenDatagram` cannot ask for: larger buffers, one
 * send that leaves as many datagrams (UDP_SEGMENT), one receive that brings many (UDP_GRO). A
 * setsockopt each, through FFI, on the descriptor that Deno opened. Everything works without it.
 */
import { SOCKET_BUFFER_BYTES_UNKNOWN, SOCKET_BUFFER_BYTES_WANTED } from "../limits.ts";

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const SOCK_DGRAM = 2;
const AF_INET = 2;
const DESCRIPTOR_MAX = 4_096;

const SYMBOLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>;
let libc: Libc | undefined;

/** What a socket could be tuned to. */
export interface Tuning {
  readonly receiveBufferBytes: number;
  readonly isTuned: boolean;
  /** Cuts later sends into datagrams of this many bytes; 0 switches that off. `false`: not possible. */
  setSegmentBytes(bytes: number): boolean;
}

const UNTUNED: Tuning = {
  receiveBufferBytes: SOCKET_BUFFER_BYTES_UNKNOWN,
  isTuned: false,
  setSegmentBytes: () => false,
};

/** Tunes the socket of this process that is bound to `address:port`; silently does nothing where that fails. */
export function tuneSocket(address: string, port: number): Tuning {
  if (Deno.build.os !== "linux") return UNTUNED;
  if (Deno.env.get("SHOAL_TUNE") === "off") return UNTUNED;
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") return UNTUNED;
  try {
    libc ??= Deno.dlopen("libc.so.6", SYMBOLS);
    const descriptor = findDescriptor(libc, address, port);
    return descriptor === undefined ? UNTUNED : tune(libc, descriptor);
  } catch {
    return UNTUNED;
  }
}

function tune(library: Libc, descriptor: number): Tuning {
  setOption(library, descriptor, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES_WANTED);
  setOption(library, descriptor, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES_WANTED);
  const hasOffload = setOption(library, descriptor, SOL_UDP, UDP_GRO, 1) &&
    setOption(library, descriptor, SOL_UDP, UDP_SEGMENT, 0);
  let segmentBytes = 0;
  return {
    receiveBufferBytes: getOption(library, descriptor, SOL_SOCKET, SO_RCVBUF) ??
      SOCKET_BUFFER_BYTES_UNKNOWN,
    isTuned: hasOffload,
    setSegmentBytes(bytes) {
      if (!hasOffload) return false;
      if (bytes === segmentBytes) return true;
      const isSet = setOption(library, descriptor, SOL_UDP, UDP_SEGMENT, bytes);
      if (isSet) segmentBytes = bytes;
      return isSet;
    },
  };
}

function findDescriptor(library: Libc, address: string, port: number): number | undefined {
  const wanted = address.split(".").map(Number);
  const name = new Uint8Array(16);
  const length = new Uint32Array(1);
  for (let descriptor = 3; descriptor < DESCRIPTOR_MAX; descriptor++) {
    length[0] = name.length;
    if (library.symbols.getsockname(descriptor, name, length) !== 0) continue;
    const view = new DataView(name.buffer);
    // sa_family is in host order, and every platform that Deno runs on is little-endian.
    if (view.getUint16(0, true) !== AF_INET || view.getUint16(2) !== port) continue;
    if (wanted.some((part, i) => name[4 + i] !== part)) continue;
    if (getOption(library, descriptor, SOL_SOCKET, SO_TYPE) === SOCK_DGRAM) return descriptor;
  }
  return undefined;
}

function setOption(
  library: Libc,
  descriptor: number,
  level: number,
  option: number,
  value: number,
): boolean {
  const bytes = new Int32Array([value]);
  return library.symbols.setsockopt(descriptor, level, option, bytes, bytes.byteLength) === 0;
}

function getOption(
  library: Libc,
  descriptor: number,
  level: number,
  option: number,
): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  const failed = library.symbols.getsockopt(descriptor, level, option, value, length) !== 0;
  return failed ? undefined : value[0];
}
