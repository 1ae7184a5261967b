/**
 * What Linux can do for a UDP socket and `Deno.listenDatagram` cannot ask for: larger buffers, one
 * send that leaves as many datagrams (UDP_SEGMENT), one receive that brings many (UDP_GRO); a
 * setsockopt each, through FFI, on the descriptor that Deno opened. Datagrams longer than usual that leave in one piece or
 * not at all (IP_MTU_DISCOVER). And sends and receives that do
 * not wait, without a promise for each: where they cannot be done at once, Deno's own wait and tell
 * errors. Everything works without it.
 *
 * How long joined datagrams are, only a control message of `recvmsg` says, which Deno's receive does not
 * ask for; and so it is with the address of ours that a datagram was sent to. So a socket that joins, or answers
 * from where it was asked on a machine with several addresses, is read by `recvmsg` alone, and waited for by `poll`: on a
 * helper thread, or, since that costs twice what Deno's receive does, for a moment in this one. Any other socket may be
 * read by Deno's receive as well.
 */
import { type Endpoint, UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { AnswerMessage } from "./answer_message.ts";
import type { Received } from "./datagram_transport.ts";
import {
  BRIEF_WAIT_MS,
  DESCRIPTOR_MAX,
  POLL_MS_MAX,
  SOCKET_BUFFER_BYTES_UNKNOWN,
  SOCKET_BUFFER_BYTES_WANTED,
} from "./limits.ts";
import { IP_PKTINFO, ReceiveMessage, SOL_IP } from "./receive_message.ts";
import { socketAddress } from "./socket_address.ts";
import { openLibc } from "../system/libc.ts";
import { isTuningOff } from "../system/tuning.ts";

const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SOL_UDP = 17;
const UDP_SEGMENT = 103;
const UDP_GRO = 104;
const SOCK_DGRAM = 2;
const SOL_IPV6 = 41;
const IP_MTU_DISCOVER = 10;
const IPV6_MTU_DISCOVER = 23;
/** In both families: what is longer than the route takes is refused, and nothing on the way may cut it. */
const PMTUDISC_DO = 2;
const MSG_DONTWAIT = 0x40;
const SHUT_RDWR = 2;
const POLLIN = 1;
const POLLOUT = 4;
/** `struct pollfd`: a descriptor, what is waited for, what has happened. */
const POLLFD_BYTES = 8;

const SYMBOLS = {
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  // Both return an ssize_t, of which a datagram needs no more than the low half.
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "i32" },
  sendmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  malloc: { parameters: ["usize"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
  ppoll: { parameters: ["buffer", "usize", "buffer", "pointer"], result: "i32" },
  // On a thread of the runtime's pool. What it works on is malloc's: a buffer could move or go meanwhile.
  poll: { parameters: ["pointer", "u64", "i32"], result: "i32", nonblocking: true },
} as const satisfies Deno.ForeignLibraryInterface;

type Libc = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];
let libc: Libc | undefined;

/** What a socket could be tuned to. */
export interface Tuning {
  readonly receiveBufferBytes: number;
  /** Whether the kernel cuts sends. */
  readonly cuts: boolean;
  /** Whether {@linkcode setWhole} can forbid fragments. */
  readonly keepsWhole: boolean;
  /** Whether the kernel joins what arrives: then nothing but {@linkcode receiveNow} may read the socket. */
  readonly joins: boolean;
  /** Whether {@linkcode receiveNow} tells at which address of ours it was sent to, which no other way of reading does. */
  readonly notesAsked: boolean;
  /** Whether the kernel joins what arrives from now on, where that was asked for. */
  setJoining(isJoining: boolean): void;
  /** Whether later sends leave whole or not at all; otherwise as the system has it. */
  setWhole(isWhole: boolean): void;
  /** Cuts later sends into datagrams of this many bytes; 0 switches that off. `false`: not possible. */
  setSegmentBytes(bytes: number): boolean;
  /** `false` when the kernel did not take it, for whatever reason. */
  sendNow(bytes: Bytes, to: Endpoint): boolean;
  /** What has arrived already; `undefined` when nothing has, or for whatever other reason. */
  receiveNow(buffer: Bytes): Received | undefined;
  /** Whether there is something to read, or the socket was woken; waits {@linkcode POLL_MS_MAX} at most. */
  readable(): Promise<boolean>;
  /** Whether there is room to send; waits as long at most. */
  writable(): Promise<boolean>;
  /** The same, holding up this thread for {@linkcode BRIEF_WAIT_MS} at most. */
  readableSoon(): boolean;
  /** Ends these waits for good. */
  wake(): void;
}

/** A socket of this process. */
interface OwnSocket {
  /** What it is bound to, with the scope; who sent what arrives has its `askedAt`. */
  readonly endpoint: Endpoint;
  /** Whether others may be bound there as well. */
  readonly share: boolean;
  /** Whether the kernel shall join what arrives. */
  readonly joins: boolean;
  /** Whether what it sends answers what came in. */
  readonly answers: boolean;
}

/**
 * Tunes a socket; `undefined` where that fails.
 *
 * @param before what {@linkcode socketsAt} told before it was opened: this process may share the port with itself
 */
export function tuneSocket(socket: OwnSocket, before: ReadonlySet<number>): Tuning | undefined {
  const library = loadLibc();
  if (library === undefined) return undefined;
  const descriptor = openedSocket(descriptorsOf(library, socket.endpoint), socket.share, before);
  return descriptor === undefined ? undefined : tune(library, descriptor, socket);
}

function openedSocket(
  found: Iterable<number>,
  isShared: boolean,
  before: ReadonlySet<number>,
): number | undefined {
  const opened: number[] = [];
  for (const each of found) {
    // There is no second one: thousands of descriptors need not be looked at for it.
    if (!isShared) return each;
    if (!before.has(each)) opened.push(each);
  }
  // Where another thread has opened one meanwhile it is not known which is whose.
  return opened.length === 1 ? opened[0] : undefined;
}

/** The sockets of this process that are bound there; none where sockets cannot be tuned. */
export function socketsAt(endpoint: Endpoint): ReadonlySet<number> {
  const library = loadLibc();
  return new Set(library === undefined ? [] : descriptorsOf(library, endpoint));
}

function loadLibc(): Libc | undefined {
  return isTuningOff() ? undefined : libc ??= openLibc(SYMBOLS);
}

function setBuffers(library: Libc, descriptor: number): void {
  setOption(library, descriptor, SOL_SOCKET, SO_RCVBUF, SOCKET_BUFFER_BYTES_WANTED);
  setOption(library, descriptor, SOL_SOCKET, SO_SNDBUF, SOCKET_BUFFER_BYTES_WANTED);
}

function tune(
  library: Libc,
  descriptor: number,
  { endpoint: { address, askedAt }, joins, answers }: OwnSocket,
): Tuning {
  setBuffers(library, descriptor);
  const cuts = setOption(library, descriptor, SOL_UDP, UDP_SEGMENT, 0);
  const target = socketAddress(address);
  const message = new ReceiveMessage(socketAddress(address, askedAt));
  const answer = new AnswerMessage();
  const briefly = briefWait(descriptor);
  const isJoining = joins && setOption(library, descriptor, SOL_UDP, UDP_GRO, 1);
  const notesAsked = answers && address === UNSPECIFIED_ADDRESS;
  const isNoting = notesAsked && setOption(library, descriptor, SOL_IP, IP_PKTINFO, 1);
  const { sendto, sendmsg, recvmsg, ppoll, shutdown } = library;
  const [level, discovery] = address.includes(":")
    ? [SOL_IPV6, IPV6_MTU_DISCOVER]
    : [SOL_IP, IP_MTU_DISCOVER];
  const usual = answers ? getOption(library, descriptor, level, discovery) : undefined;
  let segmentBytes = 0;
  let isWhole = false;
  return {
    receiveBufferBytes: getOption(library, descriptor, SOL_SOCKET, SO_RCVBUF) ??
      SOCKET_BUFFER_BYTES_UNKNOWN,
    cuts,
    keepsWhole: usual !== undefined,
    joins: isJoining,
    notesAsked: isNoting,
    setJoining(isWanted) {
      if (isJoining) setOption(library, descriptor, SOL_UDP, UDP_GRO, isWanted ? 1 : 0);
    },
    setWhole(isWanted) {
      if (usual === undefined || isWanted === isWhole) return;
      const isSet = setOption(
        library,
        descriptor,
        level,
        discovery,
        isWanted ? PMTUDISC_DO : usual,
      );
      if (isSet) isWhole = isWanted;
    },
    setSegmentBytes(bytes) {
      if (!cuts) return false;
      if (bytes === segmentBytes) return true;
      const isSet = setOption(library, descriptor, SOL_UDP, UDP_SEGMENT, bytes);
      if (isSet) segmentBytes = bytes;
      return isSet;
    },
    sendNow(bytes, to) {
      if (isNoting && to.askedAt !== undefined) {
        answer.prepare(bytes, to, to.askedAt);
        return sendmsg(descriptor, answer.header, MSG_DONTWAIT) >= 0;
      }
      target.endpoint = to;
      const { bytes: name } = target;
      const count = BigInt(bytes.length);
      return sendto(descriptor, bytes, count, MSG_DONTWAIT, name, name.length) >= 0;
    },
    receiveNow(buffer) {
      message.prepare(buffer);
      return message.received(recvmsg(descriptor, message.header, MSG_DONTWAIT));
    },
    readable: () => pollElsewhere(library, descriptor, POLLIN),
    writable: () => pollElsewhere(library, descriptor, POLLOUT),
    readableSoon: () => ppoll(briefly.wanted, 1n, briefly.time, null) !== 0,
    // It fails, as the socket is not connected, but not before it has woken the waiting thread.
    wake: () => void shutdown(descriptor, SHUT_RDWR),
  };
}

async function pollElsewhere(
  library: Libc,
  descriptor: number,
  events: number,
): Promise<boolean> {
  const { malloc, free, poll } = library;
  const wanted = malloc(BigInt(POLLFD_BYTES));
  if (wanted === null) throw new RangeError("out of memory");
  writePollfd(Deno.UnsafePointerView.getArrayBuffer(wanted, POLLFD_BYTES), descriptor, events);
  try {
    return await poll(wanted, 1n, POLL_MS_MAX) !== 0;
  } finally {
    free(wanted);
  }
}

/** The arguments of a short `ppoll`: what is waited for, and a `struct timespec`. */
function briefWait(descriptor: number): { readonly wanted: Bytes; readonly time: BigInt64Array } {
  const wanted = new Uint8Array(POLLFD_BYTES);
  writePollfd(wanted.buffer, descriptor, POLLIN);
  return { wanted, time: new BigInt64Array([0n, BigInt(BRIEF_WAIT_MS * 1e6)]) };
}

function writePollfd(memory: ArrayBuffer, descriptor: number, events: number): void {
  const view = new DataView(memory);
  view.setInt32(0, descriptor, true);
  view.setInt16(4, events, true);
}

function* descriptorsOf(library: Libc, endpoint: Endpoint): Generator<number> {
  const wanted = socketAddress(endpoint.address);
  wanted.endpoint = endpoint;
  const name = new Uint8Array(wanted.bytes.length);
  const length = new Uint32Array(1);
  for (let descriptor = 3; descriptor < DESCRIPTOR_MAX; descriptor++) {
    length[0] = name.length;
    if (library.getsockname(descriptor, name, length) !== 0) continue;
    if (length[0] !== name.length || wanted.bytes.some((byte, i) => name[i] !== byte)) continue;
    if (getOption(library, descriptor, SOL_SOCKET, SO_TYPE) === SOCK_DGRAM) yield descriptor;
  }
}

function setOption(
  library: Libc,
  descriptor: number,
  level: number,
  option: number,
  value: number,
): boolean {
  const bytes = new Int32Array([value]);
  return library.setsockopt(descriptor, level, option, bytes, bytes.byteLength) === 0;
}

function getOption(
  library: Libc,
  descriptor: number,
  level: number,
  option: number,
): number | undefined {
  const value = new Int32Array(1);
  const length = new Uint32Array([value.byteLength]);
  const failed = library.getsockopt(descriptor, level, option, value, length) !== 0;
  return failed ? undefined : value[0];
}
