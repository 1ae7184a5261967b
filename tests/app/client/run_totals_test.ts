import { assertEquals } from "@std/assert";
import { NO_OUTSET, RunTotals } from "../../../lib/app/client/run_totals.ts";
import { done } from "../../support/fake_cli.ts";

const FAILED = { event: "failed", name: "x", code: "not_found", message: "", hint: "" } as const;

Deno.test("files count whether they are here, run, wait or cannot be had", () => {
  const totals = new RunTotals({
    sizes: new Map([["waiting", 500]]),
    ended: [done("there", { size: 100, present: true }), FAILED],
  });
  totals.onEnded([done("came", { size: 40, resumedBytes: 10 })]);
  const running = { name: "runs", progress: { bytes: 5, sizeBytes: 20 } };
  assertEquals(totals.read([running, { name: "waiting", progress: undefined }]), {
    ...{ files: 5, filesDone: 2, filesFailed: 1, bytes: 145, size: 660 },
    // What was there before this run was not fetched.
    ...{ fetchedFiles: 1, fetchedBytes: 35 },
  });
});

Deno.test("while the size of one is not known, that of all is not", () => {
  const totals = new RunTotals(NO_OUTSET);
  assertEquals(totals.read([{ name: "a", progress: undefined }]).size, undefined);
  assertEquals(totals.read([{ name: "a", progress: { bytes: 0, sizeBytes: 3 } }]).size, 3);
});

Deno.test("of a folder each file counts", () => {
  const folder = { files: 100, filesDone: 30, filesPresent: 10, current: "a" };
  const totals = new RunTotals(NO_OUTSET);
  const { files, filesDone, fetchedFiles } = totals.read([
    { name: "d/", progress: { bytes: 1, sizeBytes: 2, folder } },
    { name: "a", progress: undefined },
  ]);
  assertEquals([files, filesDone, fetchedFiles], [101, 30, 20]);
});
