/** Independent peers in Python of both TCP dialects against the real command line, both ways. */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { StreamingHash } from "../../lib/protocol/base/sha256.ts";
import { assertSameBytes } from "../support/bytes.ts";
import { randomFile, sha256Hex } from "../support/e2e.ts";
import { hasPython, Peer, runPeer } from "../support/python_peer.ts";
import {
  freePort,
  runShoal,
  Scratch,
  ShoalProcess,
  startServer,
} from "../support/shoal_process.ts";

const python = await hasPython();

function dialect(name: string, fn: () => Promise<void>): void {
  const reason = python ? "" : " [skipped: needs deno test -A and python3]";
  Deno.test({ name: `dialects: ${name}${reason}`, ignore: !python, fn });
}

const script = (name: string): string =>
  fileURLToPath(new URL(`../support/${name}`, import.meta.url));

function md5Hex(bytes: Uint8Array): string {
  const hash = new StreamingHash("md5");
  hash.update(bytes);
  return hash.digestHex();
}

async function serving(scratch: Scratch): Promise<readonly [ShoalProcess, string]> {
  const server = await startServer(scratch, freePort(), ["--allow-upload"]);
  const ready = await server.event((event) => event.event === "ready");
  return [server, String(ready["tcpPort"])];
}

// Bytes of every value; one chunk; nothing.
for (const size of [100_000, 1_024, 1, 0]) {
  dialect(`an existing JSON client gets its ${size} bytes back from our server`, async () => {
    await using scratch = await Scratch.make();
    const [server, port] = await serving(scratch);
    await using _server = server;
    const path = join(scratch.root, "film.bin");
    await Deno.writeFile(path, randomFile(size, 1));
    assertEquals(await runPeer(script("json_peer_client.py"), "127.0.0.1", port, path), "equal\n");
  });
}

dialect("our JSON client proves the way to an existing server that loses and spoils", async () => {
  await using scratch = await Scratch.make();
  await using peer = await Peer.start(script("json_peer_server.py"), "0", "1024", "3");
  const path = join(scratch.root, "film.bin");
  const file = randomFile(20_000, 2);
  await Deno.writeFile(path, file);
  const demo = ["demo", "--mode", "client", "--file", path, "--host", "127.0.0.1"];
  const run = await runShoal([...demo, "--port", peer.line, "--log-format", "classic"], {
    cwd: scratch.out,
    json: false,
  });
  assertEquals(run.code, 0, run.process.description());
  assertSameBytes(await scratch.read("received_film.bin"), file);
  const time = "\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d";
  const line = (text: string): RegExp =>
    new RegExp(`^${time} - FileTransferClient - ${text}$`, "m");
  assertMatch(run.stderr, line("ERROR - Missing sequence numbers: \\[3\\]"));
  assertMatch(run.stdout, line("INFO - Retrying upload \\(attempt 1/3\\)\\.\\.\\."));
  assertMatch(run.stdout, line("INFO - Checksum verification successful!"));
  const checksum = await sha256Hex(file);
  const details = [
    `Connected to server at 127.0.0.1:${peer.line}`,
    `Original file checksum: ${checksum}`,
    `Server checksum: ${checksum}`,
    "Expected chunks: 20",
    "End of transmission received",
    "Missing chunks: received 19 out of 20",
    `Reassembled file checksum: ${checksum}`,
    "Original size: 20000 bytes, received: 20000 bytes",
    "File received and saved as received_film.bin",
  ];
  for (const detail of details) assertMatch(run.stdout, line(`INFO - ${detail}`));
  assertMatch(run.stdout, line("INFO - Transfer Successful! Time taken: \\d+\\.\\d\\d seconds"));

  // In that order; --verbose has them as well, and nothing else has.
  const verbose = await runShoal([...demo, "--port", peer.line, "--verbose"], {
    cwd: scratch.out,
    json: false,
  });
  const places = details.map((detail) => verbose.stdout.indexOf(`${detail}\n`));
  assertEquals(places.includes(-1), false, verbose.process.description());
  assertEquals(places, places.toSorted((a, b) => a - b));
  const plain = await runShoal([...demo, "--port", peer.line], { cwd: scratch.out, json: false });
  for (const detail of details) assertEquals(plain.stdout.includes(detail), false, detail);
});

dialect("the JSON server alone serves an existing client, errors and all", async () => {
  await using scratch = await Scratch.make();
  const path = join(scratch.root, "film.bin");
  await Deno.writeFile(path, randomFile(5_000, 3));
  const port = freePort();
  await using server = new ShoalProcess(
    [
      ...["demo", "--mode", "server", "--port", String(port), "--chunk-size", "500"],
      ...["--simulate-errors", "--error-rate", "0.1", "--seed", "1", "--log-format", "classic"],
    ],
    { json: false },
  );
  while (!server.stdout.includes("listening")) await server.change();
  const output = await runPeer(
    script("json_peer_client.py"),
    ...["127.0.0.1", String(port), path, "20"],
  );
  assertMatch(output, /equal\n$/);
  const says = (text: string): void =>
    assertMatch(server.stdout, new RegExp(`- FileTransferServer - INFO - ${text}\n`));
  says("File split into 10 chunks");
  says("Connection established with 127\\.0\\.0\\.1:\\d+");
  says(`Calculated checksum: ${await sha256Hex(await Deno.readFile(path))}`);
  // Whatever is lost on the way the first time, all of it has come back in the end.
  for (let chunk = 0; chunk < 10; chunk++) says(`Sent chunk ${chunk}`);
});

dialect("an existing ASCII client lists, uploads and downloads at our server", async () => {
  await using scratch = await Scratch.make();
  const [server, port] = await serving(scratch);
  await using _server = server;
  const file = randomFile(300_001, 4);
  const path = join(scratch.root, "a film.bin");
  await Deno.writeFile(path, file);
  const run = (...args: string[]): Promise<string> =>
    runPeer(script("ascii_peer_client.py"), "127.0.0.1", port, ...args);
  assertEquals(await run("list"), "No files available at the moment\n\n");
  assertEquals(await run("upload", path), "Success\n");
  const id = md5Hex(file);
  assertEquals(await run("list"), `${id};a film.bin;300001\n\n`);
  const target = join(scratch.out, "back");
  assertEquals(await run("download", id, "300001", target), "Success\n");
  assertSameBytes(await Deno.readFile(target), file);
});

dialect("our client lists, uploads and downloads at an existing ASCII server", async () => {
  await using scratch = await Scratch.make();
  await using peer = await Peer.start(script("ascii_peer_server.py"), "0", scratch.served);
  const ascii = ["--server", `127.0.0.1:${peer.line}`, "--dialect", "ascii"];
  const empty = await runShoal(["list", ...ascii], { json: false });
  assertMatch(empty.stdout, /No files are offered/);
  const file = randomFile(200_003, 5);
  const path = join(scratch.root, "film.bin");
  await Deno.writeFile(path, file);
  const put = await runShoal(["put", path, ...ascii], { json: false });
  assertEquals(put.code, 0, put.process.description());
  assertMatch(put.stdout, /^Success$/m);
  const list = await runShoal(["list", ...ascii]);
  const [listed] = list.events;
  assertEquals([listed?.["name"], listed?.["md5"]], ["film.bin", md5Hex(file)]);
  for (const [name, folder] of [["film.bin", "name"], [md5Hex(file), "md5"]] as const) {
    const out = join(scratch.out, folder);
    const get = await runShoal(["get", name, ...ascii, "--out", out]);
    assertEquals(get.code, 0, get.process.description());
    assertSameBytes(await Deno.readFile(join(out, "film.bin")), file);
  }
});
