/** `doctor`: what stands between this machine and files on others. */
import type { DoctorEvent, FindingEvent } from "../app/events.ts";
import { DOCTOR_DEFAULTS } from "../app/option_defaults.ts";
import { EXIT, ShoalError } from "../errors.ts";
import { displayName } from "../names.ts";
import { defineCommand, networkOptions } from "./command.ts";
import { many, NETWORK_OPTIONS, OUTPUT_OPTIONS, withDefault } from "./option_table.ts";
import { idleSecrets, SECRET_OPTIONS, secretLayers } from "./secret_options.ts";
import { hanging } from "./terminal_text.ts";
import { countText } from "./units.ts";
import { HOST, TEXT } from "./value_types.ts";

/** As wide as the longest of them. */
const WIDTHS = { severity: "problem".length, check: "interfaces".length } as const;

export const doctorCommand = defineCommand({
  command: "doctor",
  summary: "look for what stands in the way, and say what to do",
  positionals: { label: "", summary: "", countMin: 0, countMax: 0 },
  options: {
    server: many(HOST, { label: "HOST[:PORT]", summary: "look at the ways to this server" }),
    out: withDefault(TEXT, DOCTOR_DEFAULTS.outDir, {
      label: "DIR",
      env: "SHOAL_OUT",
      summary: "where files would go",
    }),
    ...NETWORK_OPTIONS,
    ...SECRET_OPTIONS,
    ...OUTPUT_OPTIONS,
  },
  notes: [
    "It looks at Deno and its permissions, interfaces, this machine's firewall as far as it may be read\n" +
    "(more of it as root), ports, what comes back of broadcasts, sockets, clock and download folder, and\n" +
    "listens for servers; with --server, over UDP and TCP, in both families, with datagrams of several\n" +
    "lengths. It takes about five seconds and changes nothing: to see how fast a disk is, it writes a\n" +
    "file into the download folder, which it removes.",
    "Exit codes: 0 all is well; 1 something was found; 2 wrong usage; 130 interrupted.",
  ],
  examples: [
    { line: "doctor", says: "this machine and its network" },
    { line: "doctor --server 192.168.1.7", says: "and the ways to a server" },
    { line: "doctor --json", says: "one object per finding, for programs" },
  ],
  idle: (options) => [
    ...(options.broadcast.length === 0 ? [] : [{
      flags: ["interface", "no-interface"],
      where: "with --broadcast, which says who is asked",
    }]),
    ...idleSecrets(options),
  ],
  async perform(options, _, { app, pipes, reporter, signal, terminal }) {
    const onEvent = (event: DoctorEvent): void => {
      reporter.report(event);
      if (event.event !== "finding") return;
      // Quiet, only what stands in the way is told.
      const tell = (line: string) => isFound(event) ? reporter.answer(line) : reporter.say(line);
      const { stdout } = terminal;
      const columns = stdout.isTerminal ? terminal.size().columns : Infinity;
      for (const line of lines(event, columns)) tell(line);
    };
    const sealing = await layersOrProblem(options, { app, pipes, reporter, signal });
    const seen = await app.diagnose({
      ...networkOptions(options, signal),
      // Nothing is said in clear before it is known that nothing has to be sealed.
      ...("problem" in sealing ? { machineOnly: true } : sealing),
      servers: options.server,
      outDir: options.out,
      onEvent,
    });
    if ("problem" in sealing) onEvent(sealing.problem);
    const findings = "problem" in sealing ? [...seen, sealing.problem] : seen;
    const found = findings.filter(isFound).length;
    reporter.say(found === 0 ? endingOf(findings) : `${countText(found, "thing")} to look at.`);
    return found === 0 ? EXIT.done : EXIT.failed;
  },
});

/** Where Deno does not allow a look for a secret, that is something to look at as well. */
async function layersOrProblem(
  ...given: Parameters<typeof secretLayers>
): Promise<Awaited<ReturnType<typeof secretLayers>> | { readonly problem: FindingEvent }> {
  try {
    return await secretLayers(...given);
  } catch (thrown) {
    const { code, message, hint } = ShoalError.from(thrown);
    if (code !== "permission") throw thrown;
    const problem: FindingEvent = {
      event: "finding",
      check: "secret",
      severity: "problem",
      message: `${message}; nothing was sent to the network`,
      advice: hint,
    };
    return { problem };
  }
}

/** Nothing stands in the way, which is no reason to be glad where nobody is there. */
function endingOf(findings: readonly FindingEvent[]): string {
  const isAlone = findings.some(({ check, severity }) =>
    check === "servers" && severity === "note"
  );
  return isAlone
    ? "Nothing on this machine is in the way, and no server answers yet."
    : "All is well.";
}

function isFound({ severity }: FindingEvent): boolean {
  return severity === "warning" || severity === "problem";
}

function lines(
  { check, severity, message, advice }: FindingEvent,
  windowColumns: number,
): string[] {
  // Some terminals break a line when their last column is written.
  const columns = windowColumns - 1;
  const indent = " ".repeat(WIDTHS.severity + WIDTHS.check + 4);
  const head = `${severity.padEnd(WIDTHS.severity)}  ${check.padEnd(WIDTHS.check)}  `;
  return [
    ...hanging(head, displayName(message), columns),
    ...(advice === undefined ? [] : hanging(`${indent}→ `, displayName(advice), columns)),
  ];
}
