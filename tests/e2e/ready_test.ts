/** What a server says when it is ready. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { DATA_PORTS } from "../../lib/limits.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import { freePort, Scratch, ShoalProcess } from "../support/shoal_process.ts";

const isReady = ({ event }: { readonly event: string }): boolean => event === "ready";

e2e("what is hidden is left out and counted, but for what is our own", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve(".bashrc", randomFile(10, 1));
  await scratch.serve(".ssh/id", randomFile(10, 2));
  await scratch.serve("photos/.thumbs", randomFile(10, 3));
  const command = ["server", scratch.served, "-p", String(port), "--allow-upload"];
  await using server = new ShoalProcess(command, { env: scratch.env });
  const { files, hidden } = await server.event(isReady);
  assertEquals([files, hidden], [0, 3]);
  await using all = new ShoalProcess([...command, "--hidden"], { env: scratch.env });
  const offered = await all.event(isReady);
  assertEquals([offered["files"], offered["hidden"]], [3, 0]);
  // The second server of a machine takes a TCP port that a firewall can be told of beforehand.
  const { tcpPort } = offered;
  assert(DATA_PORTS.includes(tcpPort as number), `${tcpPort}`);
});

e2e("people are told what to type, before the server waits", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve(".hidden", randomFile(10, 1));
  await using server = new ShoalProcess(["server", scratch.served, "-p", String(port)], {
    ...{ env: scratch.env, json: false },
  });
  while (!server.stdout.includes("Waiting for client to request\n")) await server.change();
  const before = server.stdout.slice(0, server.stdout.indexOf("Waiting for client"));
  assertStringIncludes(before, ": 0 files, UDP port");
  assertStringIncludes(before, "1 hidden file or folder left out");
  assertStringIncludes(before, ` get NAME -p ${port}\n`);
});
