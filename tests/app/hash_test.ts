import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path/join";
import { hashFile } from "../../lib/app/hash.ts";
import { ShoalError } from "../../lib/errors.ts";
import { withFolder } from "../support/folder.ts";
import { canRun, canTouchFiles, isRoot } from "../support/permissions.ts";

const ignore = !await canTouchFiles();

Deno.test(
  { name: "a file's hashes are the published ones, links followed", ignore },
  () =>
    withFolder({ "file": Uint8Array.from({ length: 81_921 }, (_, i) => i % 251) }, async (dir) => {
      await Deno.symlink("file", join(dir, "link"));
      const hashes = await hashFile(join(dir, "link"));
      assertEquals(hashes, {
        sizeBytes: 81_921,
        sha256: "b0f3192614d8c97313743153bc44a0e6f18179e590b56d6c92936052a8e4aadd",
        root: "3960b8795a1921af5e02e44cd951a9edf944c1170187afbb81775f8b28b62f66",
        md5: "a0a0dee98f1f99416f9f380865b69fd6",
        chunkBytes: 65_536,
        chunks: 2,
      });
    }),
);

Deno.test(
  { name: "an empty file has a root of zeros and no chunks", ignore },
  () =>
    withFolder({ "empty": "" }, async (dir) => {
      const { root, chunks, md5 } = await hashFile(join(dir, "empty"));
      assertEquals([root, chunks, md5], ["0".repeat(64), 0, "d41d8cd98f00b204e9800998ecf8427e"]);
    }),
);

Deno.test({
  name: "what is missing or a folder cannot be hashed, and the error says which",
  ignore,
}, () =>
  withFolder({ "sub/file": "" }, async (dir) => {
    await assertRejects(() => hashFile(join(dir, "gone")), ShoalError, "gone does not exist");
    await assertRejects(() => hashFile(join(dir, "sub")), ShoalError, "sub is a folder");
    await assertRejects(() => hashFile(join(dir, "sub/file/x")), ShoalError, "does not exist");
  }));

Deno.test({
  name: "a FIFO and a device are refused at once",
  ignore: ignore || !await canRun("mkfifo"),
}, () =>
  withFolder({}, async (dir) => {
    await new Deno.Command("mkfifo", { args: [join(dir, "pipe")] }).output();
    await assertRejects(() => hashFile(join(dir, "pipe")), ShoalError, "not a regular file");
    await assertRejects(() => hashFile("/dev/zero"), ShoalError, "not a regular file");
  }));

Deno.test({
  name: "a file that may not be read is an error (skipped for root, whom modes do not stop)",
  ignore: ignore || await isRoot(),
}, () =>
  withFolder({ "locked": "x" }, async (dir) => {
    await Deno.chmod(join(dir, "locked"), 0);
    await assertRejects(() => hashFile(join(dir, "locked")), ShoalError, "cannot be read");
  }));

Deno.test(
  { name: "a file that grows while it is hashed is an error", ignore },
  () =>
    withFolder({ "grows": "x".repeat(3 * 1024 * 1024) }, async (dir) => {
      const hashing = hashFile(join(dir, "grows"));
      Deno.writeTextFileSync(join(dir, "grows"), "more", { append: true });
      await assertRejects(() => hashing, ShoalError, "changed while it was being hashed");
    }),
);

Deno.test(
  { name: "hashing ends through the signal", ignore },
  () =>
    withFolder({ "file": "x" }, async (dir) => {
      const hashing = hashFile(join(dir, "file"), { signal: AbortSignal.abort() });
      await assertRejects(() => hashing, ShoalError, "interrupted");
    }),
);
