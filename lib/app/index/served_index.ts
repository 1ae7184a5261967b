/** What serving needs of an index, whatever it is an index of. The simulation has one of its own. */
import type { Bytes, FileSignature, HashHex, SafeFileName } from "../../ids.ts";
import type { IndexedHashes } from "../../io/store/hash_table.ts";
import type {
  ContentPlace,
  ContentRef,
  LocatedContent,
  ServedFile,
} from "../../protocol/base/served_file.ts";
import type { CatalogueEntry } from "../../protocol/serve/catalogue.ts";
import type { CatalogueView } from "../../protocol/serve/find_answers.ts";

export interface ServedIndex extends CatalogueView {
  /** Absolute path of the folder that uploads may go to, if there is one. */
  readonly uploadDir: string | undefined;
  /** Where the bytes of an entry lie. */
  placeOf(name: SafeFileName): ContentPlace;
  /** Something with this content. */
  located(root: HashHex, sizeBytes: number): ServedFile | undefined;
  /** What is likely to be asked for after this. */
  following(ref: ContentRef): readonly LocatedContent[];
  /** Hashes of the chunks of a content that is ready. */
  layerOf(root: HashHex, sizeBytes: number): Bytes | undefined;

  /** 32 lower-case hex digits, if anybody has asked for it before. */
  md5Of(entry: CatalogueEntry): string | undefined;
  /** A file with this MD5, if anybody has asked for that before. */
  findByMd5(md5: string): CatalogueEntry | undefined;
  /** The MD5 of a file that looked like this. */
  learnMd5(name: SafeFileName, signature: FileSignature, md5: string): void;

  /** Somebody waits for this file: it is hashed before the others. Parties take turns; one that proved nothing is "". */
  prioritise(name: SafeFileName, party: string): void;
  /** Looks at the file now: if it is not what it was, it is hashed again, or gone. */
  recheck(name: SafeFileName): void;
  /** Something with this content could not be read as it was indexed: what it is made of is looked at again. */
  mistrust(root: HashHex, sizeBytes: number): void;
  /** A client of the proved address `party` found a chunk bad that it was sent. */
  doubt(party: string, content: ContentRef, chunk: number): void;
  /** A file that was written to `uploadDir` by this server and hashed on its way: it is ready at once. */
  adopt(name: SafeFileName, sizeBytes: number, hashes: IndexedHashes, tree: Bytes): void;
}
