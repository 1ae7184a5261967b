import { assert, assertEquals } from "@std/assert";
import type { FileEvent } from "../../lib/app/events.ts";
import { hostCounts, hostLines, listingTable } from "../../lib/cli/list_table.ts";
import { textColumns } from "../../lib/cli/terminal_text.ts";
import { textTable } from "../../lib/cli/text_table.ts";
import { FakeApp, run } from "../support/fake_cli.ts";

function file(name: string, sha256: string, servers = ["192.168.1.7:10530"]): FileEvent {
  return { event: "file", name, size: 1_900_000_000, sha256: sha256.padEnd(64, "0"), servers };
}

function appWith(changes: Partial<FakeApp>): FakeApp {
  return Object.assign(new FakeApp(), changes);
}

const FILES = [
  file("holiday.mp4", "9f1c2a5be07d4413"),
  file("a-rather-long-name-of-a-file-that-nobody-would-type.mkv", "9f1c2a5be1", ["10.0.0.9:1"]),
  file("日本語日本語日本語日本語日本語.txt", "77"),
];

Deno.test("a listing fits the window at any width, and shortens hashes only as far as they differ", () => {
  for (let columns = 38; columns < 200; columns++) {
    const lines = listingTable(FILES, columns);
    for (const line of lines) assert(textColumns(line) < columns, `${columns}: ${line}`);
    assert(/ 9f1c2a5be0(7d4413)?$/.test(lines[1]!), lines[1]);
  }
  assertEquals(listingTable(FILES, 40).slice(0, 2), [
    "name            size  hosts     content",
    "holiday.mp4   1.9 GB      1  9f1c2a5be0",
  ]);
});

Deno.test("without a window nothing is cut", () => {
  const lines = listingTable(FILES, Infinity);
  assert(lines[2]!.startsWith("a-rather-long-name-of-a-file-that-nobody-would-type.mkv  1.9 GB"));
});

Deno.test("each host has a line with its name, its address and how many of the files it has", () => {
  const names = new Map([["192.168.1.7", "nas"]]);
  assertEquals(hostLines(hostCounts(FILES), names), [
    "nas (192.168.1.7): 2 files",
    "10.0.0.9: 1 file",
  ]);
  const many = Array.from({ length: 30 }, (_, i) => file(`f${i}`, `${i}`, [`10.0.0.${i}:1`]));
  assertEquals(hostLines(hostCounts(many), names).at(-1), "… and 10 more hosts");
});

Deno.test("list names the servers; --quiet leaves the table alone", async () => {
  const app = () => appWith({ files: FILES });
  const { out } = await run(["list"], { app: app() });
  assertEquals(out.trimEnd().split("\n").slice(-2), [
    "nas.local (192.168.1.7): 2 files",
    "10.0.0.9: 1 file",
  ]);
  const quiet = await run(["list", "--quiet"], { app: app() });
  assertEquals(quiet.out.trimEnd().split("\n").length, 4);
});

Deno.test("list shows differing contents of one name apart", async () => {
  const file = { event: "file", name: "a\u202eb", size: 3, servers: ["x", "y"] } as const;
  const files = [{ ...file, sha256: "1".repeat(64) }, { ...file, sha256: "2".repeat(64) }, file];
  const { out } = await run(["list"], { app: appWith({ files }) });
  assertEquals(out.split("\n"), [
    "name        size  hosts           content",
    "a\\u{202e}b   3 B      2  1111111111111111",
    "a\\u{202e}b   3 B      2  2222222222222222",
    "a\\u{202e}b   3 B      2     still hashing",
    "x: 3 files",
    "y: 3 files",
    "",
  ]);
});

Deno.test("list counts hosts, not what they call themselves", async () => {
  const servers = ["10.0.0.1:1", "10.0.0.1:2", "10.0.0.2:1"];
  const file = { event: "file", name: "a", size: 3, sha256: "1".repeat(64), servers } as const;
  const { out } = await run(["list"], { app: appWith({ files: [file] }) });
  assertEquals(out.split("\n")[1], "a      3 B      2  1111111111111111");
});

Deno.test("a listing of a quarter of a million names is a table like others", () => {
  const rows = Array.from({ length: 250_000 }, (_, i) => [`name ${i}`, "1 B"]);
  assertEquals(textTable(["name", "size"], rows).length, 250_001);
});
