/** `demo`: servers and a client on loopback, with simulated errors, and a report. */
import type { ReportEvent } from "../app/events.ts";
import { EXIT, ShoalError } from "../errors.ts";
import { randomSeed } from "../io/random_source.ts";
import { DEMO_BYTES_DEFAULT, DEMO_BYTES_MAX, MIB } from "../limits.ts";
import { defineCommand } from "./command.ts";
import { serverTable } from "./get_summary.ts";
import { OUTPUT_OPTIONS, SIMULATION_OPTIONS, toggle, withDefault } from "./options.ts";
import { durationText, rateText, sizeText } from "./units.ts";
import { SIZE } from "./value_types.ts";

export const demoCommand = defineCommand({
  command: "demo",
  summary: "see it work on this machine alone, on a bad network",
  positionals: { label: "", summary: "", countMin: 0, countMax: 0 },
  options: {
    size: withDefault(SIZE, `${DEMO_BYTES_DEFAULT / MIB}MiB`, {
      label: "SIZE",
      summary: "size of the file that is made",
    }),
    "simulate-errors": toggle("leave the datagrams alone", true),
    ...SIMULATION_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  notes: ["Nothing leaves this machine, and nothing stays on it."],
  examples: [
    { line: "demo", says: "a small file, some errors" },
    { line: "demo --size 100MiB --error-rate 0.2", says: "a larger one, on a worse network" },
    { line: "demo --seed 7", says: "the same file, and chance from the same seed" },
  ],
  async perform(options, _, { app, reporter, signal }) {
    if (options.size > DEMO_BYTES_MAX) {
      throw new ShoalError("usage", `--size is at most ${DEMO_BYTES_MAX / MIB}MiB`, {
        hint: "To try a larger file, offer it with `server` and fetch it with `get`.",
      });
    }
    const report = await app.demo({
      sizeBytes: options.size,
      errorRate: options["simulate-errors"] ? options["error-rate"] : 0,
      seed: options.seed ?? randomSeed(),
      signal,
      onEvent: (event) => reporter.report(event),
    });
    for (const line of reportLines(report)) reporter.say(line);
    if (report.ok) return EXIT.done;
    throw new ShoalError("unverified", "the file that arrived is not the file that was offered", {
      hint: "This is a bug in Shoal: run it again with the same --seed and report what you see.",
    });
  },
});

function reportLines(report: ReportEvent): string[] {
  const rate = report.seconds > 0 ? rateText(report.size / report.seconds) : "";
  const facts = [
    ["size", sizeText(report.size)],
    ["time", durationText(report.seconds)],
    ["rate", rate],
    ["sha256 offered", report.expectedSha256],
    ["sha256 fetched", report.actualSha256],
  ].map(([label = "", value]) => `${label.padEnd(14)}  ${value}`);
  const verdict = report.ok ? "TRANSFER SUCCESSFUL" : "TRANSFER FAILED";
  return ["", ...facts, "", ...serverTable(report.servers), "", verdict];
}
