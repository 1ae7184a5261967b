/**
 * Sealed traffic between hosts: what a capture shows of it, which is nothing; and what somebody between the two, and a
 * stranger beside them, can do, which is no more than to be heard by nobody.
 */
import { assert, assertEquals, assertGreater } from "@std/assert";
import { join } from "@std/path/join";
import { Buffer } from "node:buffer";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import { eventually } from "../support/master.ts";
import type { Site } from "../support/master_lab.ts";
import { endOf, Fetch, lan, MIB, Script } from "./fault_rig.ts";

const SECRET = "spell youth prepare index addict render pride reason license cube dune horn";
const WORDS = "access dose mad notable";
const ATTACKER = "../attack/sealed_attacker.py";
const captureObstacle = await labObstacle("tcpdump");
const TEXT = "what nobody else should read ".repeat(3_000);
const FILES = {
  "a-telling-name.txt": new TextEncoder().encode(TEXT),
  "film.bin": randomFile(4 * MIB, 7),
};
const UPLOAD = "an-upload-of-ours.txt";

/** Everything on these hosts is sealed from now on. */
async function sealed(site: Site): Promise<void> {
  const path = join(site.scratch.root, "secret");
  await Deno.writeTextFile(path, SECRET, { mode: 0o600 });
  site.env = { SHOAL_SECRET_FILE: path };
}

/** Captures what passes a host until it is stopped. */
class Capture implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #path: string;

  constructor(host: Host, path: string) {
    this.#path = path;
    const dump = ["tcpdump", "-i", "any", "-U", "-s", "0", "-w", path, "not", "arp"];
    const [command = "", ...args] = [...host.via, ...dump];
    this.#child = new Deno.Command(command, { args, stdin: "null", stdout: "null", stderr: "null" })
      .spawn();
  }

  async started(): Promise<void> {
    await eventually("tcpdump writes", 10_000, async () => {
      return await Deno.stat(this.#path).then(({ size }) => size > 0, () => false);
    });
  }

  /** What was captured, whole. */
  async stop(): Promise<Buffer> {
    this.#child.kill("SIGINT");
    await this.#child.status;
    return Buffer.from(await Deno.readFile(this.#path));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It was stopped.
    }
    await this.#child.status;
  }
}

/** Each use once: a search, a listing, a get over UDP and one over TCP, an upload, and a master that is asked. */
async function usesOf(site: Site, server: Host, client: Host): Promise<string> {
  const [address = ""] = server.addresses;
  const master = site.start(server, ["master", "--store", "memory"]);
  await master.event(({ event }) => event === "mastering");
  const running = await site.server(server, FILES, [], "--allow-upload", "--master", address);
  const ready = await running.event(({ event }) => event === "ready");
  await running.event(({ event, message }) =>
    event === "notice" && String(message).startsWith("Registered")
  );
  await new Fetch(site, client, "udp", ...Object.keys(FILES)).brings(FILES);
  const tcp = ["--tcp", "--server", address];
  await new Fetch(site, client, "tcp", ...Object.keys(FILES), ...tcp).brings(FILES);
  const path = join(site.scratch.root, UPLOAD);
  await Deno.writeTextFile(path, TEXT);
  const uses = [["put", path, "--server", address], ["list"], ["list", ...tcp]];
  for (const args of [...uses, ["list", "--master", address]]) {
    const process = site.start(client, args);
    assertEquals(await endOf(process, 30_000), 0, process.description());
  }
  return String(ready["id"]);
}

/** What there is to be read in clear, by what it is. */
async function telling(id: string): Promise<Record<string, Buffer>> {
  const [name = ""] = Object.keys(FILES);
  const sha256 = await sha256Hex(FILES["film.bin"]);
  return {
    "a name": Buffer.from(name),
    "the name of an upload": Buffer.from(UPLOAD),
    "a content": Buffer.from("should read what nobody else"),
    "a part of the large file": Buffer.from(FILES["film.bin"].subarray(MIB + 5, MIB + 21)),
    "a hash": Buffer.from(sha256, "hex"),
    "a hash in text": Buffer.from(sha256),
    "a server's id": Buffer.from(id, "hex"),
    "a server's id in text": Buffer.from(id),
    "a segment of version 1": Buffer.from([0x53, 0x48, 1, 0x11, 0x05, 0x78, 0, 0]),
    "a message of a session": Buffer.from('"command"'),
    "the secret": Buffer.from("prepare index addict"),
    "what it is called": Buffer.from(WORDS),
  };
}

for (const isSealed of [true, false]) {
  const what = isSealed ? "nothing that passes between those who seal" : "all that passes in clear";
  lan(`${what} can be read in a capture`, async (site) => {
    const [server, client] = await site.hosts(1, 2);
    if (isSealed) await sealed(site);
    await using capture = new Capture(server, join(site.scratch.root, "wire.pcap"));
    await capture.started();
    const id = await usesOf(site, server, client);
    const seen = await capture.stop();
    // Twice, over UDP and TCP, and an upload; on an interface that is captured as it comes.
    assertGreater(seen.length, 8 * MIB);
    const found = Object.entries(await telling(id)).filter(([, bytes]) => seen.includes(bytes))
      .map(([each]) => each);
    if (isSealed) assertEquals(found, []);
    // The search finds what there is to be found.
    else assertEquals(found.length, Object.keys(await telling(id)).length - 2, found.join(", "));
  }, captureObstacle);
}

lan("somebody between two who seal changes nothing, and has nobody blamed", async (site) => {
  const [server, client] = await site.hosts(1, 2);
  await sealed(site);
  const running = await site.server(server, FILES, [], "--rate", "4MB");
  const counts = [server, client].map(({ namespace }) => join(site.scratch.root, namespace + ".n"));
  for (const [i, host] of [server, client].entries()) {
    await Script.start(site, host, ATTACKER, "between", "e1", counts[i]!);
  }
  const get = new Fetch(site, client, "out", ...Object.keys(FILES));
  await get.brings(FILES);
  assertEquals(get.events.filter(({ level }) => level === "warning"), []);
  const shares = get.events.filter(({ event }) => event === "done")
    .flatMap(({ servers }) => servers as readonly { badChunks: number; server: string }[]);
  assertEquals([...new Set(shares.map(({ badChunks }) => badChunks))], [0]);
  assertEquals(new Set(shares.map(({ server }) => server)).size, 1);
  assertEquals(get.serversThatWere("dropped"), []);
  for (const path of counts) assertGreater(Number(await Deno.readTextFile(path)), 400);
  const bad = running.events.filter(({ level }) => level === "warning");
  assertEquals(bad, []);
});

lan(
  "a stranger gets no answer from a server that seals, and does not slow it down",
  async (site) => {
    const [server, client, other] = await site.hosts(1, 3);
    await sealed(site);
    const running = await site.server(server, { "report.txt": randomFile(3_000, 1) });
    const { port, dataPort } = await running.event(({ event }) => event === "ready");
    const [address = ""] = server.addresses;
    const script = new URL(ATTACKER, import.meta.url).pathname;
    for (const [to, at] of [[address, port], [address, dataPort], ["10.99.1.255", port]]) {
      const said = await other.run("python3", script, "stranger", `${to}`, `${at}`, "400");
      assertEquals(said.trim(), "answers 0", `${to}:${at}`);
    }
    const files = { "report.txt": randomFile(3_000, 1) };
    await new Fetch(site, client, "out", "report.txt").brings(files);
    // Whoever lacks the secret is told nothing of it but that there may be one.
    site.env = {};
    const clear = site.start(client, ["get", "report.txt", "--timeout", "0.5", "--retries", "1"]);
    assertEquals(await clear.exit(), 3);
    const hint = String(clear.events.find(({ event }) => event === "failed")?.["hint"]);
    assert(hint.includes("have a secret"), hint);
  },
);
