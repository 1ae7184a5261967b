/** Contents that are nowhere but in memory. */
import type { FileSignature, SafeFileName } from "../../ids.ts";
import type { Inspected, ScannedFile } from "../../io/files/folder_scan.ts";
import type { Runtime } from "../../io/runtime.ts";
import { toHex } from "../../ids.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { ContentToOffer } from "../options.ts";
import { offeredName } from "./offered_name.ts";
import type { Origin, OriginScan } from "./origin.ts";

/** Of a key, so that contents of one name in two servers are two. */
const KEY_BYTES = 16;

interface Content {
  readonly bytes: Uint8Array<SharedArrayBuffer>;
  readonly signature: FileSignature;
}

export class MemoryOrigin implements Origin {
  readonly names: readonly SafeFileName[];
  readonly uploadDir = undefined;
  readonly isFinal = true;
  readonly #contents = new Map<SafeFileName, Content>();
  readonly #keyPrefix: string;

  /** Copies the bytes. Throws ShoalError `bad_name`. */
  constructor(
    { clock, random }: Pick<Runtime, "clock" | "random">,
    contents: readonly ContentToOffer[],
  ) {
    this.#keyPrefix = `memory:${toHex(random.bytes(KEY_BYTES))}/`;
    this.names = contents.map(({ name }) => offeredName(name));
    const mtimeMs = Math.floor(clock.originMs() + clock.nowMs());
    contents.forEach(({ bytes }, index) => {
      const signature = { sizeBytes: bytes.length, mtimeMs, ctimeMs: 0, inode: 0 };
      this.#contents.set(this.names[index]!, { bytes: shared(bytes), signature });
    });
  }

  async *scan({ signal }: OriginScan): AsyncGenerator<ScannedFile> {
    for (const [name, { signature }] of this.#contents) {
      if (signal.aborted) return;
      yield { name, signature };
    }
  }

  inspect(name: SafeFileName): Inspected {
    const content = this.#contents.get(name);
    return content === undefined
      ? { kind: "nothing" }
      : { kind: "file", signature: content.signature };
  }

  placeOf(name: SafeFileName): ContentPlace {
    return { kind: "memory", bytes: this.#contents.get(name)!.bytes };
  }

  keyOf(name: SafeFileName): string {
    return this.#keyPrefix + name;
  }

  nameOf(key: string): SafeFileName | undefined {
    if (!key.startsWith(this.#keyPrefix)) return undefined;
    return key.slice(this.#keyPrefix.length) as SafeFileName;
  }

  /** Nothing about it changes. */
  watch(): () => void {
    return () => {};
  }

  close(): void {}
}

/** As all threads can read it, without a copy for each. */
function shared(bytes: Uint8Array): Uint8Array<SharedArrayBuffer> {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}
