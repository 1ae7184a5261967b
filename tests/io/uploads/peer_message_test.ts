import { assertEquals } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { peerMessage } from "../../../lib/io/uploads/peer_message.ts";

Deno.test("a peer is told neither where things lie here nor how full a disk is", () => {
  const told = (code: ShoalError["code"], message: string) =>
    peerMessage(new ShoalError(code, message));
  for (const path of ["/srv/files/x.part", "'/srv/a b'", "/proc/self/fd/7/x", "C:\\files\\x"]) {
    assertEquals(told("disk", `cannot write ${path}: it broke`), "this server cannot store it now");
    assertEquals(
      told("disk_full", `${path} has 1.5 MB free and the file needs 2.0 MB more`),
      "this server has no room for it now",
    );
    assertEquals(
      told("busy_target", `${path} is already being written`),
      "it is already being written",
    );
  }
  assertEquals(peerMessage(new TypeError("readSync of /srv/x")), "something went wrong here");
  const own = "sub/a.txt: a folder of it is something else here, or leads elsewhere";
  assertEquals(told("not_writable", own), own);
});
