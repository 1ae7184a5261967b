import "../../support/libraries.ts";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { putSettled } from "../../../lib/app/session/put.ts";
import { withFolder } from "../../support/folder.ts";
import { TcpPeer } from "../../support/tcp_peer.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const MIB = 1024 * 1024;
/** More than the sockets take while nobody reads. */
const FILE_BYTES = 32 * MIB;

/** Puts `path` to a server that is played by `talk`. */
async function putTo(path: string, talk: (peer: TcpPeer) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const talking = (async () => {
    using peer = new TcpPeer(await listener.accept());
    await talk(peer);
  })();
  try {
    const server = `127.0.0.1:${listener.addr.port}`;
    const [[result]] = await Promise.all([
      putSettled({ files: [path], server, retries: 1 }),
      talking,
    ]);
    assert(result !== undefined);
    return result;
  } finally {
    listener.close();
  }
}

// What was read before and what is read after do not belong together.
for (
  const [what, change] of [
    ["grows", (path: string) => Deno.writeFile(path, new Uint8Array(1), { append: true })],
    ["is cut off", (path: string) => Deno.truncate(path, MIB)],
    ["is written over", (path: string) => Deno.utime(path, 1, 1)],
  ] as const
) {
  Deno.test(
    { name: `a file that ${what} while it is sent is not stored`, ignore },
    () =>
      withFolder({}, async (folder) => {
        const path = join(folder, "growing.log");
        await Deno.writeFile(path, new Uint8Array(FILE_BYTES));
        let wasEnded = false;
        const result = await putTo(path, async (peer) => {
          await peer.message();
          await peer.say({ status: "ready", offset: 0 });
          assertEquals(await peer.message(), { command: "body", offset: 0 });
          await change(path);
          // A body that is whole ends with an empty frame.
          for (;;) {
            const frame = await peer.takeFrame();
            if (frame === undefined) return;
            wasEnded ||= frame.length === 0;
          }
        });
        assert(result.event === "failed");
        assert(["changed", "disk"].includes(result.code), result.code);
        assertEquals(wasEnded, false);
      }),
  );
}

Deno.test(
  { name: "what the server refuses in the middle of a body is told", ignore },
  () =>
    withFolder({}, async (folder) => {
      const path = join(folder, "large.bin");
      await Deno.writeFile(path, new Uint8Array(FILE_BYTES));
      const result = await putTo(path, async (peer) => {
        await peer.message();
        await peer.say({ status: "ready", offset: 0 });
        await peer.message();
        await peer.say({ status: "error", code: "refused", message: "the disk is full" });
        while (await peer.takeFrame() !== undefined);
      });
      assert(result.event === "failed");
      assertEquals(result.code, "refused");
      assert(result.message.includes("the disk is full"), result.message);
    }),
);

Deno.test({ name: "an empty file is put", ignore }, () =>
  withFolder({}, async (folder) => {
    const path = join(folder, "empty");
    await Deno.writeFile(path, new Uint8Array(0));
    const result = await putTo(path, async (peer) => {
      const asked = await peer.message();
      assertEquals([asked["command"], asked["size"]], ["put", 0]);
      await peer.say({ status: "ready", offset: 0 });
      assertEquals(await peer.message(), { command: "body", offset: 0 });
      assertEquals((await peer.takeFrame())?.length, 0);
      const { command, sha256 } = await peer.message();
      assertEquals(command, "end");
      const md5 = "d41d8cd98f00b204e9800998ecf8427e";
      await peer.say({ status: "stored", name: "empty", size: 0, mtime: 0, sha256, md5 });
    });
    assert(result.event === "stored", JSON.stringify(result));
  }));
