import { assert, assertEquals } from "@std/assert";
import { getOverTcpSettled } from "../../../lib/app/client/get_files.ts";
import { withFolder } from "../../support/folder.ts";
import { TcpPeer } from "../../support/tcp_peer.ts";

const ignore = (await Deno.permissions.query({ name: "net" })).state !== "granted";
const SIZE_BYTES = 1_000;
const ID = "0123456789abcdef0123456789abcdef";

/** Fetches the file from a server that answers its id with `answer`. */
async function fetched(outDir: string, answer: string) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const talking = (async () => {
    using peer = new TcpPeer(await listener.accept());
    assertEquals(await peer.line(), "LIST_FILES");
    await peer.send(`${ID};a.txt;${SIZE_BYTES}`);
    assertEquals(await peer.line(), "DOWNLOAD");
    await peer.send("Please send a file ID");
    assertEquals(await peer.line(), ID);
    await peer.send(answer);
    await peer.end();
  })();
  try {
    const server = `127.0.0.1:${listener.addr.port}`;
    const getting = getOverTcpSettled({ names: ["a.txt"], outDir, server, dialect: "ascii" });
    const [[result]] = await Promise.all([getting, talking]);
    assert(result?.event === "failed");
    return result;
  } finally {
    listener.close();
  }
}

Deno.test(
  { name: "an error in the place of a file is told, and soon", ignore },
  () =>
    withFolder({}, async (folder) => {
      const { code, message } = await fetched(folder, "ERROR no such file");
      assertEquals(code, "refused");
      assert(message.includes("ERROR no such file"), message);
    }),
);

Deno.test(
  { name: "a file that begins like an error is a file", ignore },
  () =>
    withFolder({}, async (folder) => {
      const { code, message } = await fetched(folder, "ERROR".padEnd(SIZE_BYTES, "."));
      assertEquals(code, "unverified");
      assert(message.includes("MD5"), message);
    }),
);
