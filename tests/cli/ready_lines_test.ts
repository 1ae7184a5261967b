import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ReadyEvent } from "../../lib/app/events.ts";
import { readyLines } from "../../lib/cli/ready_lines.ts";
import { run } from "../support/fake_cli.ts";

function ready(changes: Partial<ReadyEvent> = {}): ReadyEvent {
  return {
    ...{ event: "ready", port: 10_526, dataPort: 10_530, tcpPort: 10_526, id: "", dir: "/srv" },
    ...{ names: [], files: 3, hidden: 0, addresses: ["192.168.1.7", "fd00::7"], classic: true },
    ...changes,
  };
}

Deno.test("a server says who can fetch, and what to type on the other machine", () => {
  assertEquals(readyLines(ready(), "shoal"), [
    "Everyone who can reach this machine can fetch what is offered; nothing is encrypted.",
    "On another machine: shoal get NAME",
    "If that finds nothing: shoal get NAME --server 192.168.1.7 (or fd00::7)",
  ]);
});

Deno.test("another port is part of what is typed", () => {
  assertEquals(readyLines(ready({ port: 20_526 }), "deno task").slice(1), [
    "On another machine: deno task get NAME -p 20526",
    "If that finds nothing: deno task get NAME --server 192.168.1.7:20526 (or [fd00::7]:20526)",
  ]);
});

Deno.test("where uploads are allowed the whole line to type is printed, with the port of TCP if it is another", () => {
  assertEquals(
    readyLines(ready(), "shoal", true).at(-1),
    "To upload: shoal put FILE --server 192.168.1.7",
  );
  assertEquals(
    readyLines(ready({ tcpPort: 10_530 }), "deno task", true).at(-1),
    "To upload: deno task put FILE --server 192.168.1.7:10530",
  );
});

Deno.test("the only file that is offered is named, as a shell takes it", () => {
  const { dir: _, ...folderless } = ready({ names: ["my notes.txt"] });
  assertStringIncludes(readyLines(folderless, "shoal")[1]!, "shoal get 'my notes.txt'");
});

Deno.test("what is hidden and left out is counted", () => {
  assertEquals(
    readyLines(ready({ hidden: 1 }), "shoal")[0],
    "1 hidden file or folder left out; --hidden offers what starts with a dot as well.",
  );
  assertEquals(
    readyLines(ready({ hidden: 2 }), "")[0]!.startsWith("2 hidden files or folders"),
    true,
  );
});

Deno.test("a server that only this machine can reach says so", () => {
  assertEquals(readyLines(ready({ addresses: ["127.0.0.1"] }), "shoal"), [
    "Only this machine can fetch what is offered.",
    "On this machine: shoal get NAME",
    "If that finds nothing: shoal get NAME --server 127.0.0.1",
  ]);
});

Deno.test("the line of the classic tool comes last", async () => {
  const { out } = await run(["server"]);
  assertEquals(out.split("\n").indexOf("Waiting for client to request"), 5);
});

Deno.test("who has a secret is told to whom alone it answers", () => {
  const [who] = readyLines(ready({ sealed: "access dose mad notable" }), "shoal");
  assertStringIncludes(who!, 'Whoever has the secret "access dose mad notable" can fetch');
});
