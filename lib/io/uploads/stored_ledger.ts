/**
 * What was uploaded and stored, by whom, for as long as it is there: a line of JSON each, in the folder of the parts,
 * so that a quota holds across restarts. Servers of one folder share it.
 */
import { join } from "@std/path/join";
import type { SafeFileName } from "../../ids.ts";
import { parseFileName } from "../../names.ts";
import type { Disk } from "../files/disk.ts";
import type { PartFolder } from "./part_folder.ts";

/** With this ending nobody is ever offered it. */
const LEDGER_FILE = "stored.tmp";

interface StoredEntry {
  readonly name: SafeFileName;
  readonly party: string;
  readonly bytes: number;
}

const utf8 = new TextEncoder();
const decoder = new TextDecoder();

export class StoredLedger {
  readonly #parts: PartFolder;
  readonly #path: string;
  /** What of it was read. */
  #readBytes = 0;

  constructor(parts: PartFolder) {
    this.#parts = parts;
    this.#path = join(parts.path, LEDGER_FILE);
  }

  /** What was added since the last time, by whomever; everything at first. */
  readNew(): StoredEntry[] {
    return this.#parts.within((disk) => this.#readFrom(disk)) ?? [];
  }

  /** Never throws: where it cannot be written, the quota holds as long as this server runs. */
  append(entry: StoredEntry): void {
    this.#parts.within((disk) => {
      const look = disk.lookAt(this.#path);
      if (look !== undefined && look.kind !== "file") return;
      const created = look === undefined ? disk.create(this.#path) : undefined;
      const file = created ?? disk.open(this.#path);
      try {
        file.writeAt(utf8.encode(`${JSON.stringify(entry)}\n`), file.look().sizeBytes);
      } finally {
        file.close();
      }
    });
  }

  #readFrom(disk: Disk): StoredEntry[] {
    const look = disk.lookAt(this.#path);
    if (look?.kind !== "file" || look.sizeBytes === this.#readBytes) return [];
    // Shorter than before: somebody has written it anew.
    if (look.sizeBytes < this.#readBytes) this.#readBytes = 0;
    const bytes = disk.read(this.#path);
    const text = decoder.decode(bytes.subarray(this.#readBytes));
    this.#readBytes = bytes.length;
    return text.split("\n").flatMap(entryIn);
  }
}

function entryIn(line: string): StoredEntry[] {
  try {
    const { name, party, bytes } = JSON.parse(line);
    const parsed = typeof name === "string" ? parseFileName(name) : undefined;
    const isWhole = parsed?.ok && typeof party === "string" && Number.isSafeInteger(bytes);
    return isWhole && bytes >= 0 ? [{ name: parsed.name, party, bytes }] : [];
  } catch {
    return [];
  }
}
