/** Codes between hosts: what a capture shows of what goes by one, and what somebody gets who guesses. */
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { Buffer } from "node:buffer";
import { fileURLToPath } from "node:url";
import { randomFile } from "../support/e2e.ts";
import type { Host } from "../support/lab.ts";
import { eventually } from "../support/master.ts";
import type { Site } from "../support/master_lab.ts";
import type { ShoalProcess } from "../support/shoal_process.ts";
import { Capture } from "./capture.ts";
import { endOf, Fetch, lan, MIB } from "./fault_rig.ts";

const ATTACKER = fileURLToPath(new URL("../attack/code_attacker.py", import.meta.url));
const GUESSES = 1_000;
const TEXT = "what nobody else should read ".repeat(3_000);
const FILES = {
  "a-telling-name.txt": new TextEncoder().encode(TEXT),
  "film.bin": randomFile(2 * MIB, 7),
};

/** A program that sends these, and its code. */
async function sending(site: Site, host: Host): Promise<readonly [ShoalProcess, string]> {
  const folder = join(site.scratch.root, host.namespace);
  for (const [name, bytes] of Object.entries(FILES)) await site.scratch.serve(name, bytes, folder);
  const paths = Object.keys(FILES).map((name) => join(folder, name));
  const sender = site.start(host, ["send", ...paths]);
  const code = (): string | undefined => /^Code: (.+)$/m.exec(sender.stderr)?.[1];
  await eventually("there is a code", 30_000, () => code() !== undefined);
  return [sender, code()!];
}

lan(
  "what goes by a code finds its way by broadcast, and a capture shows nothing of it",
  async (site) => {
    const [host, client] = await site.hosts(1, 2);
    const [sender, code] = await sending(site, host);
    await using capture = await Capture.start(site.lab.viaSwitch, join(site.scratch.root, "wire"));
    await new Fetch(site, client, "out", code, "--yes").brings(FILES);
    assertEquals(await endOf(sender, 30_000), 0, sender.description());
    const wire = Buffer.concat((await capture.stop()).map(({ datagram }) => datagram));
    assertGreater(wire.length, 2 * MIB);
    const telling = {
      ...Object.fromEntries(code.split("-").slice(1).map((word) => [word, Buffer.from(word)])),
      "a name": Buffer.from("a-telling-name"),
      "a content": Buffer.from("should read what nobody else"),
      "a part of the large file": Buffer.from(FILES["film.bin"].subarray(MIB + 5, MIB + 21)),
    };
    const found = Object.entries(telling).filter(([, bytes]) => wire.includes(bytes));
    assertEquals(found.map(([what]) => what), []);
  },
);

lan(
  `of ${GUESSES} guesses of a code one is heard, and the right one behind them is none`,
  async (site) => {
    const [host, client, stranger] = await site.hosts(1, 3);
    const [sender, code] = await sending(site, host);
    const [command = "", ...via] = stranger!.via;
    const args = [...via, "python3", ATTACKER, host.addresses[0]!, "10526", code, `${GUESSES}`];
    const { stdout, stderr } = await new Deno.Command(command, { args }).output();
    const decoder = new TextDecoder();
    assertEquals(decoder.decode(stderr), "");
    const told = JSON.parse(decoder.decode(stdout));
    assertGreater(told.opened, 10);
    assertEquals([told.guesses, told.proved, told.free], [GUESSES, 0, 0]);
    assertEquals(await endOf(sender, 30_000), 1, sender.description());
    assertStringIncludes(sender.stderr, "tried another code");
    const get = new Fetch(site, client, "out", code, "--yes", "--wait", "1");
    assert(await get.exit() !== 0);
  },
);
