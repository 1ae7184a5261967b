/** What is to be said of the machine itself: Deno, sockets, clock, disk. Pure. */
import { sizeText } from "../../sizes.ts";
import { type Finding, note, ok, problem, warning } from "./finding.ts";
import {
  CLOCK_MS_MIN,
  DISK_BYTES_PER_S_MIN,
  DISK_CLOCK_MS_MAX,
  DISK_FREE_BYTES_MIN,
} from "./limits.ts";

/** What Shoal is tried on; older ones that it starts on serve and fetch as well. */
const DENO_VERSION_TRIED = "2.9.6";

interface DenoSeen {
  readonly version: string;
  readonly denied: readonly string[];
}

const WITHOUT: Readonly<Record<string, string>> = {
  net: "nothing can be found, fetched or served",
  read: "no file can be read, and no thread started",
  write: "nothing can be fetched",
  sys:
    "interfaces are not known: others are looked for at 255.255.255.255 only, and free room is not known",
  env: "SHOAL_… variables are ignored",
  ffi: "sockets are not tuned, and hashing is slower",
};
const NEEDED = ["net", "read", "write"];

export function judgeDeno({ version, denied }: DenoSeen): Finding[] {
  const findings: Finding[] = [];
  if (isOlder(version, DENO_VERSION_TRIED)) {
    const advice =
      `Shoal is tried on ${DENO_VERSION_TRIED}: if something is odd, run \`deno upgrade\`.`;
    findings.push(note("deno", `Deno is version ${version}`, advice));
  }
  // Only this command runs other programs.
  for (const name of denied.filter((each) => each !== "run")) {
    const message = `Deno was not given --allow-${name}: ${
      WITHOUT[name] ?? "some things do not work"
    }`;
    const advice = `Add --allow-${name} to the flags of \`deno run\`, or -A.`;
    findings.push(
      NEEDED.includes(name) ? problem("deno", message, advice) : note("deno", message, advice),
    );
  }
  return findings.length > 0 ? findings : [ok("deno", `Deno ${version}, with all permissions`)];
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.split(/[.+-]/).map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

export interface SocketsSeen {
  readonly os: string;
  readonly isTuningOff: boolean;
  readonly isFfiDenied: boolean;
  readonly isTuned: boolean;
  readonly receiveBufferBytes: number;
  /** What was asked for. */
  readonly wantedBytes: number;
}

/** Nothing of it is wrong anywhere: it is a matter of speed. */
export function judgeSockets(seen: SocketsSeen): Finding[] {
  const { os, isTuned, isTuningOff, isFfiDenied, receiveBufferBytes, wantedBytes } = seen;
  if (os !== "linux") return [ok("sockets", "sockets are tuned on Linux only")];
  if (!isTuned) {
    const why = isTuningOff
      ? "SHOAL_TUNE=off says so"
      : isFfiDenied
      ? "Deno was not given --allow-ffi"
      : "the system's libc could not be loaded";
    return [note("sockets", `sockets are not tuned, which costs speed: ${why}`)];
  }
  const buffer = `a receive buffer of ${sizeText(receiveBufferBytes)}`;
  if (receiveBufferBytes >= wantedBytes) {
    return [ok("sockets", `sockets are tuned, with ${buffer}`)];
  }
  return [note(
    "sockets",
    `sockets are tuned, with ${buffer}; ${
      sizeText(wantedBytes)
    } would lose less where the network is fast`,
    `sudo sysctl -w net.core.rmem_max=${wantedBytes} net.core.wmem_max=${wantedBytes}`,
  )];
}

/** @param wallMs the machine's clock, since 1970 */
export function judgeClock(wallMs: number): Finding[] {
  if (wallMs >= CLOCK_MS_MIN) return [ok("clock", "the clock is set")];
  return [warning(
    "clock",
    "the clock of this machine is years behind",
    "Set it: which files have changed is told by their modification times.",
  )];
}

export interface DiskSeen {
  /** Where files would go, or the nearest folder above that is there. */
  readonly folder: string;
  readonly freeBytes?: number;
  /** Why nothing can be written there. */
  readonly error?: string;
  /** Absent where nothing was written for lack of room. */
  readonly bytesPerS?: number;
  /** How far the disk's clock is ahead of the machine's, in milliseconds. */
  readonly aheadMs?: number;
}

export function judgeDisk({ folder, freeBytes, error, bytesPerS, aheadMs }: DiskSeen): Finding[] {
  if (error !== undefined) {
    const advice = "Choose another folder with --out, or make this one writable.";
    return [problem("disk", `nothing can be written into ${folder}: ${error}`, advice)];
  }
  const free = freeBytes === undefined ? "" : `, ${sizeText(freeBytes)} free`;
  const findings: Finding[] = [];
  if (freeBytes !== undefined && freeBytes < DISK_FREE_BYTES_MIN) {
    const advice = "Free some space, or choose another folder with --out.";
    findings.push(warning("disk", `${folder} has room for ${sizeText(freeBytes)} only`, advice));
  }
  if (aheadMs !== undefined && Math.abs(aheadMs) > DISK_CLOCK_MS_MAX) {
    const seconds = Math.round(Math.abs(aheadMs) / 1000);
    const way = aheadMs > 0 ? "ahead of" : "behind";
    findings.push(warning(
      "disk",
      `the disk of ${folder} has a clock that is ${seconds} s ${way} this machine's`,
      "Set both by a time server: a server takes a file for one that is still written to until its time is past.",
    ));
  }
  if (bytesPerS !== undefined && bytesPerS < DISK_BYTES_PER_S_MIN) {
    findings.push(note(
      "disk",
      `${folder} writes ${sizeText(bytesPerS)}/s: slower than a network of 100 Mbit/s`,
      "A faster disk, chosen with --out, makes downloads faster.",
    ));
  }
  if (findings.length > 0) return findings;
  const speed = bytesPerS === undefined ? "" : `: writes ${sizeText(bytesPerS)}/s`;
  return [ok("disk", `${folder}${speed}${free}`)];
}
