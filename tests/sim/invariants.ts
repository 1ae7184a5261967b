/**
 * What must hold in every simulated world, whatever happens in it: nothing wrong is written, nobody
 * honest is blamed, what can go on does, and what ends says truly why.
 */
import { Buffer } from "node:buffer";
import type { Bytes, ServerId } from "../../lib/ids.ts";
import type { DoneEvent, FailedEvent } from "../../lib/app/events.ts";
import { CHUNK_BYTES_MIN } from "../../lib/protocol/merkle/limits.ts";
import type { MemoryDisk } from "./memory_disk.ts";
import type { Scenario } from "./scenario.ts";
import { type SimContent, simContent } from "./sim_contents.ts";
import { CHANGED_VARIANT } from "./sim_index.ts";
import type { SimServer } from "./sim_server.ts";
import { Violation } from "./verdict.ts";

/** While an honest server can be reached, something comes within this. */
export const PROGRESS_MS_MAX = 45_000;

const VARIANTS = [0, 1, CHANGED_VARIANT] as const;

export class Invariants {
  readonly #scenario: Scenario;
  readonly #servers: readonly SimServer[];
  readonly #contents: readonly SimContent[];

  constructor(scenario: Scenario, servers: readonly SimServer[]) {
    this.#scenario = scenario;
    this.#servers = servers;
    this.#contents = VARIANTS.map((variant) => simContent(scenario.sizeBytes, variant));
  }

  // — Bytes —————————————————————————————————————————————————————————————————————————————————————

  /** A receiver calls this chunk of some file proved. */
  onChunk(chunk: number, bytes: Uint8Array): void {
    if (this.#isOfSome(bytes, chunk * CHUNK_BYTES_MIN)) return;
    throw new Violation(`chunk ${chunk} was called proved and is of no file`);
  }

  onWrite(path: string, bytes: Uint8Array, position: number): void {
    const root = /\.([0-9a-f]{8})\.part$/.exec(path)?.[1];
    if (root === undefined) return;
    const meant = this.#contents.find(({ content }) => content.root.startsWith(root));
    if (meant !== undefined && isAt(bytes, meant.bytes, position)) return;
    throw new Violation(`${bytes.length} bytes at ${position} of ${path} are not what was proved`);
  }

  onNamed(to: string, bytes: Uint8Array): void {
    const isWhole = this.#contents.some((each) =>
      each.bytes.length === bytes.length && isAt(bytes, each.bytes, 0)
    );
    if (!isWhole) throw new Violation(`${to} was given to what is no whole file`);
  }

  #isOfSome(bytes: Uint8Array, position: number): boolean {
    return this.#contents.some((each) => isAt(bytes, each.bytes, position));
  }

  // — Blame —————————————————————————————————————————————————————————————————————————————————————

  /** Whatever networks do to datagrams, nobody is blamed who is honest. */
  onBlamed(id: ServerId, what: string): void {
    const host = /@10\.\d+\.0\.(\d+):/.exec(id)?.[1];
    const server = this.#servers[Number(host ?? 0) - 1];
    // For a moment one whose file has changed sends what it should not.
    if (server === undefined || !server.isHonest || server.hasChanged) return;
    throw new Violation(`server ${this.#servers.indexOf(server)} is honest and was ${what}`);
  }

  // — Ends ——————————————————————————————————————————————————————————————————————————————————————

  onDone(event: DoneEvent, disk: MemoryDisk): void {
    const got = disk.contentOf(event.path);
    const meant = this.#contents.find(({ content }) => content.sha256 === event.sha256);
    if (got === undefined || meant === undefined) throw new Violation("done, with no file");
    if (got.length !== meant.bytes.length || !isAt(got, meant.bytes, 0)) {
      throw new Violation("done, and the file is not what was offered");
    }
    if (this.#scenario.client.isPinned && meant !== this.#contents[0]) {
      throw new Violation("done, with another file than the one that was asked for");
    }
    const tag = event.root?.slice(0, 8);
    const left = disk.paths.filter((path) => path.includes(`.${tag}.part`));
    if (left.length > 0) throw new Violation(`done, and ${left.join(", ")} stayed behind`);
  }

  /** @param reachableMs for how long, up to now, somebody could be reached who has what is wanted */
  onFailed({ code, message }: FailedEvent, reachableMs: number, disk: MemoryDisk): void {
    const why = this.#whyNot(code, reachableMs, disk);
    if (why !== undefined) throw new Violation(`ended with ${code} (${message}), but ${why}`);
  }

  #whyNot(code: string, reachableMs: number, disk: MemoryDisk): string | undefined {
    const { servers, client } = this.#scenario;
    const isLacked = servers.some((each) => each.variant === undefined);
    const hasOthers = new Set(servers.map((each) => each.variant)).size > 1;
    const hasChanges = this.#servers.some((each) => each.hasChanged);
    const hasLiars = this.#scenario.adversary !== undefined ||
      servers.some((each) => each.lie !== undefined);
    const patienceMs = client.timeoutMs * client.retries;
    switch (code) {
      case "disk_full":
      case "disk":
        return disk.failures > 0 ? undefined : "the disk has not failed";
      case "ambiguous":
        return hasOthers || hasChanges || hasLiars ? undefined : "there is only one file";
      case "unverified":
        return hasLiars || hasChanges ? undefined : "nobody lies, and nothing has changed";
      case "changed": {
        const hasEnds = servers.some((each) => each.mishaps.length > 0);
        return hasEnds || hasLiars || client.isPinned ? undefined : "nothing has changed";
      }
      case "not_found":
        return isLacked || client.isPinned ? undefined : "nobody lacks it";
      case "no_server":
      case "stalled":
        return reachableMs < Math.min(patienceMs, PROGRESS_MS_MAX)
          ? undefined
          : `a server could be reached for ${reachableMs} ms`;
      default:
        return "that is no reason";
    }
  }
}

/** Whether `bytes` are what `file` has at `position`. */
function isAt(bytes: Uint8Array, file: Bytes, position: number): boolean {
  const end = position + bytes.length;
  return end <= file.length && Buffer.compare(bytes, file.subarray(position, end)) === 0;
}
