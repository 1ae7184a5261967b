/** `get` of a content by the first digits of its SHA-256, as `list` shows them. */
import { assertEquals, assertMatch } from "@std/assert";
import { SHORT_ID_DIGITS } from "../../lib/cli/limits.ts";
import { assertRefused, e2e, failures, randomFile, sha256Hex } from "../support/e2e.ts";
import { freePort, runShoal, Scratch, startServer } from "../support/shoal_process.ts";

const FILE = randomFile(5_000, 1);

e2e(
  "the digits that list shows are taken by get, over UDP and TCP, as a name and as --sha256",
  async () => {
    await using scratch = await Scratch.make();
    await scratch.serve("a.bin", FILE);
    const port = freePort();
    await using server = await startServer(scratch, port);
    const { tcpPort } = await server.event(({ event }) => event === "ready");
    const sha256 = await sha256Hex(FILE);
    const udp = ["--port", String(port), "--timeout", "3", "--retries", "1"];
    const tcp = ["--tcp", "--server", `127.0.0.1:${tcpPort}`];
    const shown = sha256.slice(0, SHORT_ID_DIGITS);
    for (const [i, way] of [udp, tcp].entries()) {
      for (const what of [[`sha256:${shown}`], ["a.bin", "--sha256", shown.slice(0, 8)]]) {
        const out = `${scratch.out}/${i}${what.length}`;
        const run = await runShoal(["get", ...what, "--out", out, ...way, "--json"]);
        assertEquals(run.code, 0, run.process.description());
        assertEquals(await Deno.readFile(`${out}/a.bin`), FILE);
      }
      const other = shown.startsWith("0000") ? "11111111" : "00000000";
      for (const what of [[`sha256:${other}`], ["a.bin", "--sha256", other]]) {
        const run = await runShoal(["get", ...what, "--out", scratch.out, ...way, "--json"]);
        assertEquals(run.code, 3, run.process.description());
        assertMatch(String(failures(run.process.events)[0]?.["message"]), new RegExp(other));
      }
    }
    const run = await runShoal(["get", "a.bin", "--sha256", shown.slice(0, 7), ...udp]);
    assertRefused(run, 2, /first 8 or more/);
  },
);
