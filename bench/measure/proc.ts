/**
 * What Linux tells about processes in /proc: who started whom, the processor time they have used, the
 * memory they hold, the ports they listen on. Nothing here waits; a process that is gone counts nothing.
 */

/** /proc counts in this unit wherever Linux runs, whatever the kernel's own clock is. */
const TICKS_PER_SECOND = 100;
const KIB = 1024;

function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** A process and everything below it. */
export function treeOf(pid: number): number[] {
  const children = read(`/proc/${pid}/task/${pid}/children`).split(" ").filter(Boolean).map(Number);
  return [pid, ...children.flatMap(treeOf)];
}

/** User and system time of a process, and of the children it had and waited for. */
export function cpuSeconds(pid: number): number {
  // The name, in brackets, may contain anything; the numbers follow the last bracket.
  const fields = read(`/proc/${pid}/stat`).split(") ").at(-1)!.split(" ");
  const [own, system, children, childrenSystem] = fields.slice(11, 15).map(Number);
  const ticks = (own ?? 0) + (system ?? 0) + (children ?? 0) + (childrenSystem ?? 0);
  return Number.isFinite(ticks) ? ticks / TICKS_PER_SECOND : 0;
}

export interface Memory {
  /** The most that was ever resident: VmHWM. */
  readonly peakBytes: number;
  /** What is resident now: VmRSS. */
  readonly residentBytes: number;
}

export function memoryOf(pids: readonly number[]): Memory {
  let [peakBytes, residentBytes] = [0, 0];
  for (const pid of pids) {
    const status = read(`/proc/${pid}/status`);
    peakBytes += Number(/^VmHWM:\s+(\d+)/m.exec(status)?.[1] ?? 0) * KIB;
    residentBytes += Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0) * KIB;
  }
  return { peakBytes, residentBytes };
}

/** Whether somebody in the process's network namespace listens on a port. */
export function listens(pid: number, protocol: "tcp" | "udp", port: number): boolean {
  const hexPort = port.toString(16).toUpperCase().padStart(4, "0");
  const state = protocol === "tcp" ? "0A" : "07";
  const line = new RegExp(`^ *\\d+: [0-9A-F]+:${hexPort} [0-9A-F]+:0000 ${state} `, "m");
  return ["", "6"].some((version) => line.test(read(`/proc/${pid}/net/${protocol}${version}`)));
}

export function killTree(pid: number): void {
  for (const each of treeOf(pid)) {
    try {
      Deno.kill(each, "SIGKILL");
    } catch {
      // It has ended by itself.
    }
  }
}

/** How much of all processors is in use, over the next second: 1 when none is idle. */
export async function busyShare(): Promise<number> {
  const look = () => {
    const fields = /^cpu +(.*)$/m.exec(read("/proc/stat"))?.[1]?.split(" ").map(Number) ?? [];
    const idle = (fields[3] ?? 0) + (fields[4] ?? 0);
    return { idle, all: fields.slice(0, 8).reduce((sum, each) => sum + each, 0) };
  };
  const before = look();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  const after = look();
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
}
