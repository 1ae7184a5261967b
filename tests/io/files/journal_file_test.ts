import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { type Content, hashHex, toHex } from "../../../lib/ids.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { JournalFile } from "../../../lib/io/files/journal_file.ts";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { sha256 } from "../../../lib/protocol/base/sha256.ts";
import { encodeJournal } from "../../../lib/protocol/download/journal.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";
import { hashed, mixedFile } from "../../support/virtual_link.ts";

const CHUNKS = 11;
const file = mixedFile(CHUNKS * 65_536 - 9);
const { root, layer } = hashed(file);
const content: Content = { sizeBytes: file.length, sha256: hashHex(toHex(sha256(file))), root };
const ignore = !await canTouchFiles();

function marks(...chunks: readonly number[]): Bitmap {
  const bitmap = new Bitmap(CHUNKS);
  for (const chunk of chunks) bitmap.set(chunk);
  return bitmap;
}

const journal = encodeJournal(content, { layer, written: marks(0, 3, 10) });

Deno.test({
  name: "a journal file is resumed with the marks that were saved last",
  ignore,
  fn: () =>
    withFolder({}, (dir) => {
      const path = join(dir, "journal");
      const first = JournalFile.create(denoDisk, path, content, { layer, written: marks() });
      first.save(marks(9));
      first.save(marks(1, 9));
      first.close();
      const resumed = JournalFile.resume(denoDisk, path, content);
      assertEquals(resumed?.state.written.bytes, marks(1, 9).bytes);
      resumed?.journal.save(marks(1));
      resumed?.journal.close();
      const again = JournalFile.resume(denoDisk, path, content);
      assertEquals(again?.state.written.bytes, marks(1).bytes);
      again?.journal.remove();
      assertEquals([...Deno.readDirSync(dir)], []);
    }),
});

Deno.test({
  name: "what is no journal is not resumed: nothing, a folder, a link, other bytes",
  ignore,
  fn: () =>
    withFolder({ "journal": journal, "other": new Uint8Array(journal.length) }, (dir) => {
      Deno.mkdirSync(join(dir, "folder"));
      Deno.symlinkSync(join(dir, "journal"), join(dir, "link"));
      for (const name of ["missing", "folder", "link", "other"]) {
        assertEquals(JournalFile.resume(denoDisk, join(dir, name), content), undefined, name);
      }
    }),
});

Deno.test({
  name: "a new journal replaces a link in its place and leaves alone what it leads to",
  ignore,
  fn: () =>
    withFolder({ "precious": "precious" }, async (dir) => {
      Deno.symlinkSync(join(dir, "precious"), join(dir, "journal"));
      JournalFile.create(denoDisk, join(dir, "journal"), content, { layer, written: marks() })
        .close();
      assertEquals(await Deno.readTextFile(join(dir, "precious")), "precious");
      assert(Deno.lstatSync(join(dir, "journal")).isFile);
    }),
});
