/** Everything that a server was told to offer, opened. */
import { join } from "@std/path/join";
import { toHex } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { Runtime } from "../../io/runtime.ts";
import { cacheFolder, requirePrivateFolder } from "../../io/store/cache_folder.ts";
import type { ResolvedServeOptions } from "../option_defaults.ts";
import { FolderOrigin } from "./folder_origin.ts";
import { ListedFilesOrigin } from "./listed_files_origin.ts";
import { MemoryOrigin } from "./memory_origin.ts";
import { NamedFoldersOrigin } from "./named_folders_origin.ts";
import type { Origin } from "./origin.ts";
import { StreamOrigin } from "./stream_origin.ts";
import { systemErrorText } from "../../system_error.ts";

type Offered = Pick<
  ResolvedServeOptions,
  "dir" | "folders" | "hidden" | "files" | "contents" | "streams" | "allowUpload" | "cacheDir"
>;

interface OpenedOrigins {
  readonly all: readonly Origin[];
  /** Those of them that still have to be filled. */
  readonly streams: readonly StreamOrigin[];
}

/**
 * Whoever gets them closes them.
 *
 * @throws ShoalError `usage`, `bad_name`, `folder`, or what the disk says where a stream is to go
 */
export async function openOrigins(runtime: Runtime, offered: Offered): Promise<OpenedOrigins> {
  const { dir, folders, hidden, files, contents, streams, allowUpload, cacheDir } = offered;
  requireSomething(offered);
  if (dir !== undefined && folders.length > 0) {
    throw new ShoalError("usage", "a folder cannot be offered beside folders of their own names", {
      hint: "Offer it as one of them.",
    });
  }
  if (allowUpload && dir === undefined) {
    throw new ShoalError("usage", "uploads need a folder to go to", {
      hint: "Offer a folder as well, or take no uploads.",
    });
  }
  const { disk } = runtime;
  const all: Origin[] = [];
  const filled: StreamOrigin[] = [];
  try {
    if (files.length > 0) all.push(new ListedFilesOrigin(disk, files));
    if (contents.length > 0) all.push(new MemoryOrigin(runtime, contents));
    if (dir !== undefined) all.push(await FolderOrigin.open(runtime, { dir, hidden }));
    if (folders.length > 0) all.push(await NamedFoldersOrigin.open(runtime, folders, hidden));
    for (const stream of streams) {
      const origin = new StreamOrigin(disk, stream, spoolFolder(cacheDir), tagFrom(runtime));
      all.push(origin);
      filled.push(origin);
    }
    return { all, streams: filled };
  } catch (error) {
    for (const origin of all) origin.close();
    throw error;
  }
}

function requireSomething({ dir, folders, files, contents, streams }: Offered): void {
  if (dir !== undefined || folders.length + files.length + contents.length + streams.length > 0) {
    return;
  }
  throw new ShoalError("usage", "there is nothing to offer", {
    hint: "Name a folder, or files.",
  });
}

const TAG_BYTES = 8;

function tagFrom({ random }: Pick<Runtime, "random">): string {
  return toHex(random.bytes(TAG_BYTES));
}

/** The folder is made. */
function spoolFolder(cacheDir: string | undefined): string {
  const cache = cacheDir ?? cacheFolder();
  if (cache === undefined) {
    throw new ShoalError("not_writable", "there is no cache folder to keep standard input in", {
      hint: "Set XDG_CACHE_HOME or HOME, or write it to a file and offer that.",
    });
  }
  const folder = join(cache, "spool");
  try {
    requirePrivateFolder(folder, []);
  } catch (cause) {
    const why = systemErrorText(cause);
    throw new ShoalError("not_writable", `cannot keep standard input in ${folder}: ${why}`, {
      cause,
      hint: "Set XDG_CACHE_HOME to a folder of your own, or write it to a file and offer that.",
    });
  }
  return folder;
}
