/** Whatever text an event, an error or a line holds, and whoever put it there: it plays no trick on who reads the output. */
import { assert, assertEquals } from "@std/assert";
import type { ShoalEvent } from "../../lib/app/events.ts";
import { logTerminal } from "../../lib/cli/log_terminal.ts";
import { makeReporter } from "../../lib/cli/reporter.ts";
import { ShoalError } from "../../lib/errors.ts";
import { FakeTerminal } from "../support/fake_cli.ts";

/** Clears the screen (by C0 and by C1), goes back, turns the line around, hides a letter, ends a line and begins another. */
const EVIL = "x\u001b[2J\u009b2J\r\u0008\u202egpj\u2066\u200b\u2028\u0085\nerror: forged" +
  "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u2067\u2068\u2069\u2029\ufeff\u0000\u0007\u007f\u0080\u009f";
const TRICKY = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\u200b]/u;
/** What a live screen itself does to its region. */
const REGION = new RegExp("\r\u001b\\[\\d+A\u001b\\[J", "g");
const HEX = EVIL;

const share = {
  server: EVIL,
  id: EVIL,
  bytes: 1,
  chunks: 1,
  rate: 1,
  badChunks: 0,
  retransmits: 0,
  savedBytes: 0,
};
/** Of each kind, with every text as bad as can be. */
const EVENTS: readonly ShoalEvent[] = [
  {
    event: "ready",
    port: 1,
    dataPort: 2,
    tcpPort: 3,
    id: EVIL,
    dir: EVIL,
    names: [EVIL],
    files: 1,
    hidden: 1,
    addresses: [EVIL],
    classic: true,
  },
  { event: "offer", name: EVIL, server: EVIL, id: EVIL, size: 1, sha256: HEX, root: HEX },
  {
    event: "offer",
    name: EVIL,
    server: EVIL,
    id: "2",
    size: 1,
    sha256: HEX,
    root: HEX,
    master: EVIL,
  },
  { event: "mastering", port: 1, store: EVIL },
  { event: "web", port: 1, urls: [EVIL, EVIL] },
  {
    event: "progress",
    name: EVIL,
    bytes: 1,
    size: 2,
    rate: 1,
    folder: { files: 2, filesDone: 1, fileRate: 1, current: EVIL },
    lanes: [{ server: EVIL, rate: 1, bytes: 1 }],
  },
  { event: "total", files: 2, filesDone: 1, filesFailed: 0, bytes: 1, rate: 1, fileRate: 1 },
  { event: "waiting", name: EVIL, attempt: 1, attempts: 2, message: EVIL },
  ...(["active", "standby", "silent", "resumed", "dropped"] as const).flatMap((state) =>
    [EVIL, ""].map((message): ShoalEvent => ({
      event: "server",
      server: EVIL,
      id: EVIL,
      state,
      message,
    }))
  ),
  { event: "request", name: EVIL, client: EVIL, classic: true },
  { event: "sending", name: EVIL, client: EVIL, classic: false },
  { event: "code", state: "taken", client: EVIL, files: 1 },
  { event: "offered", server: EVIL, files: 1, bytes: 1 },
  ...(["started", "moving", "ended"] as const).flatMap((state) =>
    (["file", "folder", "files"] as const).map((what, id): ShoalEvent => ({
      ...{ event: "transfer", state, id, client: EVIL, what, name: EVIL, size: 2, bytes: 1 },
      ...{ files: 1, rate: 1, seconds: 1, omitted: 1 },
    }))
  ),
  { event: "uploaded", name: EVIL, client: EVIL, size: 1, sha256: HEX, md5: HEX },
  { event: "refused", name: EVIL, client: EVIL, message: EVIL, omitted: 3 },
  { event: "indexing", filesLeft: 1, bytesLeft: 1, rate: 1 },
  ...(["info", "warning", "verbose"] as const).map((level): ShoalEvent => ({
    event: "notice",
    level,
    message: EVIL,
  })),
  {
    event: "hash",
    path: EVIL,
    size: 1,
    sha256: HEX,
    root: HEX,
    md5: HEX,
    chunkBytes: 1,
    chunks: 1,
  },
  { event: "step", message: EVIL },
  { event: "finding", check: "servers", severity: "problem", message: EVIL, advice: EVIL },
  {
    event: "stored",
    name: EVIL,
    storedAs: EVIL,
    server: EVIL,
    size: 1,
    sha256: HEX,
    md5: HEX,
    present: false,
    seconds: 1,
  },
  { event: "secret", path: EVIL, sealed: "a b c d", isNew: true },
  { event: "echoed", name: EVIL, server: EVIL, size: 1, sha256: HEX, seconds: 1 },
  { event: "file", name: EVIL, size: 1, sha256: HEX, md5: HEX, servers: [EVIL] },
  ...[1, 2, 3, 4, 5].map((i): ShoalEvent => ({
    event: "failed",
    name: EVIL + i,
    code: "disk",
    message: EVIL + i,
    hint: EVIL,
  })),
  { event: "failed", name: "", code: "disk", message: EVIL, hint: EVIL },
  { event: "given", bytes: 1 },
  ...[0, 1].map((failedFiles): ShoalEvent => ({
    event: "folder",
    ...{ name: EVIL, path: EVIL, files: 2, presentFiles: 1, size: 1, presentBytes: 1 },
    ...{ failedFiles, removed: 1, savedBytes: 0, seconds: 1, servers: [share] },
  })),
  ...[true, false].map((isDone): ShoalEvent => ({
    ...{ event: "change", action: "remove", isDone, folder: EVIL, path: EVIL, size: 1 },
  })),
  ...[true, false].map((present): ShoalEvent => ({
    event: "done",
    name: EVIL,
    path: EVIL,
    size: 1,
    sha256: HEX,
    root: HEX,
    seconds: 1,
    resumedBytes: 0,
    savedBytes: 0,
    present,
    servers: [share],
  })),
];

/** All kinds that there are: a new one is missing here until it is tried. */
const KINDS = {
  ...{ ready: 1, offer: 1, mastering: 1, progress: 1, total: 1, waiting: 1, server: 1, web: 1 },
  ...{
    request: 1,
    sending: 1,
    code: 1,
    offered: 1,
    transfer: 1,
    uploaded: 1,
    refused: 1,
    indexing: 1,
    notice: 1,
    hash: 1,
    secret: 1,
    step: 1,
    stored: 1,
    echoed: 1,
  },
  ...{ finding: 1, file: 1, failed: 1, done: 1, folder: 1, change: 1, report: 1 },
  given: 1,
} satisfies Record<ShoalEvent["event"], 1>;

for (const isTerminal of [false, true]) {
  for (const json of [false, true]) {
    for (const quiet of [false, true]) {
      for (const isLog of [false, true]) {
        const what = Object.entries({ isTerminal, json, quiet, isLog })
          .filter(([, isSo]) => isSo).map(([name]) => name).join(", ");
        Deno.test(`hostile text in every event and error is shown escaped (${what || "plain"})`, () => {
          const screen = new FakeTerminal({}, isTerminal);
          const terminal = isLog ? logTerminal(screen, true) : screen;
          const reporter = makeReporter(terminal, { json, quiet, verbose: true, colour: "never" });
          for (const event of EVENTS) reporter.report(event);
          reporter.say(EVIL.replaceAll("\n", ""));
          reporter.fail(new ShoalError("disk", EVIL, { hint: EVIL, cause: new Error(EVIL) }));
          reporter.end();
          const shown = (screen.out + screen.err).replace(REGION, "");
          assert(shown.includes("gpj"), "nothing was shown");
          assertEquals(TRICKY.exec(shown)?.[0], undefined, JSON.stringify(shown));
          assertEquals(/^error: forged|ERROR - forged/m.exec(shown)?.[0], undefined);
        });
      }
    }
  }
}

Deno.test("every kind of event has been tried", () => {
  const tried = new Set<string>(EVENTS.map(({ event }) => event));
  // A report holds numbers and hashes of our own.
  assertEquals(Object.keys(KINDS).filter((kind) => !tried.has(kind)), ["report"]);
});
