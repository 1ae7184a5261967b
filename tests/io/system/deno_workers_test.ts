import { assertEquals, assertMatch } from "@std/assert";
import { fileURLToPath } from "node:url";
import { WORKER_DESCRIPTORS } from "../../../lib/io/system/limits.ts";
import { canRun } from "../../support/permissions.ts";

const SCRIPT = fileURLToPath(new URL("../../support/scarce_workers.ts", import.meta.url));
const DESCRIPTORS = 64;

async function linesWith(free: number): Promise<string[]> {
  const command = `ulimit -n ${DESCRIPTORS} && exec "$0" run -A "$1" ${free}`;
  const shell = new Deno.Command("sh", { args: ["-c", command, Deno.execPath(), SCRIPT] });
  const { code, stdout, stderr } = await shell.output();
  const decoder = new TextDecoder();
  assertEquals(code, 0, decoder.decode(stderr));
  return decoder.decode(stdout).trim().split("\n");
}

Deno.test({
  name: "a worker for which there are too few descriptors says so, and the process goes on",
  ignore: !(await canRun("sh")),
  async fn() {
    for (const free of [0, 3, WORKER_DESCRIPTORS - 1]) {
      const [first = "", second] = await linesWith(free);
      assertMatch(first, /^packer\.ts cannot be started: too many open files.* \| Allow more open/);
      assertEquals(second, "ready");
    }
    assertEquals(await linesWith(WORKER_DESCRIPTORS), ["ready", "ready"]);
  },
});
