/** What serving needs of the index of a folder. The simulation has one of its own. */
import type { FolderIndex } from "../index/folder_index.ts";

export type ServedIndex = Pick<
  FolderIndex,
  | ("dir" | "catalogue" | "isScanned" | "hashRateOf")
  | ("layerOf" | "layerPage" | "located" | "md5Of" | "findByMd5")
  | ("prioritise" | "refresh" | "recheck" | "rehash" | "doubt" | "learnMd5" | "adopt")
>;
