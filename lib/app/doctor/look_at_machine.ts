/** Looks at the machine itself. Nothing is changed but for one file in the download folder, which is removed before it is written to. */
import { dirname } from "@std/path/dirname";
import { join } from "@std/path/join";
import type { Disk, DiskFile } from "../../io/files/disk.ts";
import type { DoctorRuntime } from "../../io/doctor_runtime.ts";
import { SOCKET_BUFFER_BYTES_WANTED } from "../../io/net/limits.ts";
import { wallMs } from "../../io/system/clock.ts";
import { UNSPECIFIED_ADDRESS } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { toHex } from "../../ids.ts";
import { transportConfig } from "../../messages/transport_config.ts";
import type { DiskSeen, SocketsSeen } from "./judge_machine.ts";
import {
  DISK_PROBE_BYTES,
  DISK_PROBE_FREE_FACTOR,
  DISK_PROBE_MS,
  DISK_PROBE_RANDOM_BYTES,
  DISK_PROBE_STEP_BYTES,
} from "./limits.ts";

/** `undefined` where no socket can be opened. */
export async function lookAtSockets(
  { host, net }: DoctorRuntime,
): Promise<SocketsSeen | undefined> {
  try {
    const config = transportConfig({ host: UNSPECIFIED_ADDRESS, tune: true, layers: [] });
    const transport = net.openDatagrams(config);
    const { isTuned, receiveBufferBytes } = transport;
    await transport.close();
    return {
      ...{ os: host.os, isTuningOff: host.isTuningOff, isFfiDenied: host.denied.includes("ffi") },
      ...{ isTuned, receiveBufferBytes, wantedBytes: SOCKET_BUFFER_BYTES_WANTED },
    };
  } catch {
    return undefined;
  }
}

/** @param outDir where files would go; the nearest folder above it is taken where it is not there yet */
export async function lookAtDisk(runtime: DoctorRuntime, outDir: string): Promise<DiskSeen> {
  const { disk, random } = runtime;
  const folder = existing(disk, outDir);
  const freeBytes = disk.freeBytes(folder);
  const seen = { folder, ...(freeBytes !== undefined && { freeBytes }) };
  const path = join(folder, `.shoal-doctor-${toHex(random.bytes(8))}.tmp`);
  let file: DiskFile | undefined;
  try {
    file = disk.create(path, 0o600);
    if (file === undefined) return { ...seen, error: "something has the name of the test file" };
    const aheadMs = (disk.examine(path)?.mtimeMs ?? NaN) - wallMs(runtime.clock);
    // Most systems keep what is open, and nothing is left of it however this ends.
    removeQuietly(disk, path);
    if (freeBytes !== undefined && freeBytes < DISK_PROBE_FREE_FACTOR * DISK_PROBE_BYTES) {
      return { ...seen, aheadMs };
    }
    return { ...seen, aheadMs, bytesPerS: await writeSpeed(runtime, file) };
  } catch (thrown) {
    return { ...seen, error: ShoalError.from(thrown).message };
  } finally {
    file?.close();
    removeQuietly(disk, path);
  }
}

function existing(disk: Disk, folder: string): string {
  for (let each = folder;; each = dirname(each)) {
    if (isFolder(disk, each) || dirname(each) === each) return each;
  }
}

function isFolder(disk: Disk, path: string): boolean {
  try {
    return disk.isFolder(path);
  } catch {
    return false;
  }
}

function removeQuietly(disk: Disk, path: string): void {
  try {
    disk.remove(path);
  } catch {
    // It is gone already; or it is open, and goes when it is closed.
  }
}

/** In bytes per second, until they would survive a power cut. */
async function writeSpeed({ clock, random }: DoctorRuntime, file: DiskFile): Promise<number> {
  // Zeros, or what is easily compressed, may never reach the disk.
  const bytes = new Uint8Array(DISK_PROBE_STEP_BYTES);
  for (let at = 0; at < bytes.length; at += DISK_PROBE_RANDOM_BYTES) {
    bytes.set(random.bytes(DISK_PROBE_RANDOM_BYTES), at);
  }
  const startMs = clock.nowMs();
  let written = 0;
  while (written < DISK_PROBE_BYTES && clock.nowMs() - startMs < DISK_PROBE_MS) {
    file.writeAt(bytes, written);
    written += bytes.length;
    await clock.yieldToEvents();
  }
  await file.sync();
  return written / Math.max(0.001, (clock.nowMs() - startMs) / 1000);
}
