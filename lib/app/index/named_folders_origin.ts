/** Several folders, each offered under a name of its own: what is below `photos` as `photos/…`, while it changes. */
import { basename } from "@std/path/basename";
import { resolve } from "@std/path/resolve";
import { type FileSignature, type SafeFileName, timeOf } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Inspected, ScannedFile } from "../../io/files/folder_scan.ts";
import type { Runtime } from "../../io/runtime.ts";
import { displayName } from "../../names.ts";
import type { ContentPlace } from "../../protocol/base/served_file.ts";
import type { FolderToOffer } from "../options.ts";
import { FolderOrigin } from "./folder_origin.ts";
import { offeredName } from "./offered_name.ts";
import type { Origin, OriginScan } from "./origin.ts";

interface NamedFolder {
  readonly name: SafeFileName;
  readonly origin: FolderOrigin;
}

type FolderRuntime = Pick<Runtime, "clock" | "disk">;

export class NamedFoldersOrigin implements Origin {
  readonly names = undefined;
  /** Nothing is uploaded into folders that are offered beside each other. */
  readonly uploadDir = undefined;
  readonly isFinal = false;
  readonly #disk: FolderRuntime["disk"];
  readonly #folders: readonly NamedFolder[];

  private constructor({ disk }: FolderRuntime, folders: readonly NamedFolder[]) {
    this.#disk = disk;
    this.#folders = folders;
  }

  /** @throws ShoalError `folder` for what cannot be read, `bad_name`, `usage` for two of one name */
  static async open(
    runtime: FolderRuntime,
    folders: readonly FolderToOffer[],
    hidden: boolean,
  ): Promise<NamedFoldersOrigin> {
    const opened: NamedFolder[] = [];
    for (const { path, name } of folders) {
      const offered = offeredName(name ?? basename(resolve(path)));
      if (offered.includes("/")) throw nameRefusal(offered, "is more than one folder");
      if (opened.some((each) => sameName(each.name, offered))) {
        throw nameRefusal(offered, "is the name of two folders");
      }
      opened.push({
        name: offered,
        origin: await FolderOrigin.open(runtime, { dir: path, hidden }),
      });
    }
    return new NamedFoldersOrigin(runtime, opened);
  }

  async *scan(scan: OriginScan): AsyncGenerator<ScannedFile> {
    for (const { name: folder, origin } of this.#folders) {
      const own = this.#disk.examine(origin.uploadDir);
      if (own?.kind === "folder") scan.onShape({ kind: "folder", name: folder, ...timeOf(own) });
      const within = (name: string): SafeFileName => `${folder}/${name}` as SafeFileName;
      const inner: OriginScan = {
        ...scan,
        isKnown: (name: SafeFileName, signature: FileSignature) =>
          scan.isKnown(within(name), signature),
        onShape: (shape) => scan.onShape({ ...shape, name: within(shape.name) }),
      };
      for await (const { name, signature } of origin.scan(inner)) {
        yield { name: within(name), signature };
      }
    }
  }

  inspect(name: SafeFileName): Inspected {
    const found = this.#find(name);
    return found === undefined ? { kind: "nothing" } : found.origin.inspect(found.rest);
  }

  placeOf(name: SafeFileName): ContentPlace {
    const { origin, rest } = this.#find(name)!;
    return origin.placeOf(rest);
  }

  keyOf(name: SafeFileName): string {
    const { origin, rest } = this.#find(name)!;
    return origin.keyOf(rest);
  }

  nameOf(key: string): SafeFileName | undefined {
    for (const { name, origin } of this.#folders) {
      const rest = origin.nameOf(key);
      if (rest !== undefined) return `${name}/${rest}` as SafeFileName;
    }
    return undefined;
  }

  watch(onHint: () => void): () => void {
    const unwatch = this.#folders.map(({ origin }) => origin.watch(onHint));
    return () => unwatch.forEach((end) => end());
  }

  close(): void {
    for (const { origin } of this.#folders) origin.close();
  }

  #find(name: SafeFileName) {
    const slash = name.indexOf("/");
    const first = name.slice(0, slash);
    const folder = this.#folders.find((each) => sameName(each.name, first));
    if (slash === -1 || folder === undefined) return undefined;
    return { origin: folder.origin, rest: name.slice(slash + 1) as SafeFileName };
  }
}

/** Clients take both normal forms of a name for the same. */
function sameName(a: string, b: string): boolean {
  return a.normalize("NFC") === b.normalize("NFC");
}

function nameRefusal(name: string, why: string): ShoalError {
  return new ShoalError("usage", `${displayName(name)} ${why}`, {
    hint: "Rename one, or offer a folder above both.",
  });
}
