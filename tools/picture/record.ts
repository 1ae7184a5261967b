/**
 * Makes the README's picture, `docs/two_machines.svg`, from a real run: `deno task picture`, as root on Linux, after
 * `deno task build`. Two hosts of a network that is made for it, a terminal on each; what they show is what was typed there.
 */
import { join } from "@std/path/join";
import { fileURLToPath } from "node:url";
import { Lab } from "../../tests/support/lab.ts";
import { outputsOf, rowSpells, type TerminalSize } from "./recording.ts";
import { type Screen, svgOf } from "./svg.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const PICTURE = fileURLToPath(new URL("../../docs/two_machines.svg", import.meta.url));
const LINK_RATE = "600mbit";
const FILE_BYTES = 210_000_000;
const STEP_MS = 100;
const COLUMNS = 84;
/** The server's session is stopped after this, however it stands. */
const SESSION_SECONDS_MAX = 40;

interface Session {
  readonly host: string;
  readonly user: string;
  readonly rows: number;
  /** Seconds after the beginning. */
  readonly startS: number;
  readonly commands: readonly string[];
}

const SERVER: Session = {
  ...{ host: "studio", user: "ann", rows: 11, startS: 0 },
  commands: ["shoal server Videos"],
};
const CLIENT: Session = {
  ...{ host: "laptop", user: "bo", rows: 13, startS: 4 },
  commands: ["shoal list", "shoal get holiday.mp4"],
};

/** A shell script that types commands as a person would, and runs them. */
function played({ host, user, rows, startS, commands }: Session): string {
  const prompt = `\\033[32m${user}@${host}\\033[0m:\\033[34m~\\033[0m$ `;
  const lines = commands.map((command) =>
    `printf '${prompt}'; sleep 0.6; type_slowly '${command}'; ${command}; sleep 0.8`
  );
  return [
    `stty cols ${COLUMNS} rows ${rows}`,
    `hostname ${host}; export HOME=/home/${user} TERM=xterm-256color`,
    `type_slowly() { local i; for ((i = 0; i < \${#1}; i++)); do printf '%s' "\${1:i:1}"; sleep 0.05; done; sleep 0.3; echo; }`,
    `cd; sleep ${startS}`,
    ...lines,
  ].join("\n");
}

/** Runs a session on a host, in a home of its own, and returns what its terminal was sent. */
async function record(via: readonly string[], session: Session, folder: string) {
  const [log, timing] = ["log", "timing"].map((name) => join(folder, `${session.user}.${name}`));
  const home = `/home/${session.user}`;
  const script = join(folder, `${session.user}.sh`);
  await Deno.writeTextFile(script, played(session));
  const inside = [
    `mount -t tmpfs none /home && mkdir -p ${home}/Videos`,
    session === SERVER ? `cp ${folder}/videos/* ${home}/Videos/` : "true",
    `export PATH=${ROOT}dist/shoal:$PATH`,
    `exec script -q -e -f -c 'timeout ${SESSION_SECONDS_MAX} bash ${script}' --log-out ${log} --log-timing ${timing}`,
  ].join("; ");
  const [command, ...args] = [...via, "unshare", "--uts", "--mount", "bash", "-c", inside];
  return {
    child: new Deno.Command(command!, { args, stdin: "null", stdout: "null", stderr: "inherit" })
      .spawn(),
    log: log!,
    timing: timing!,
  };
}

await using lab = await Lab.build("none");
const folder = await Deno.makeTempDir();
try {
  await Deno.mkdir(join(folder, "videos"));
  for (
    const [name, bytes] of [["holiday.mp4", FILE_BYTES], ["titles.mov", 31_000_000], [
      "notes.txt",
      1_200,
    ]] as const
  ) {
    const file = await Deno.open(join(folder, "videos", name), { write: true, create: true });
    const piece = new Uint8Array(65_536);
    for (let left = bytes; left > 0; left -= piece.length) {
      await file.write(crypto.getRandomValues(piece).subarray(0, Math.min(left, piece.length)));
    }
    file.close();
  }
  const hosts = [await lab.host(1), await lab.host(1)];
  for (const host of hosts) await host.shape(1, LINK_RATE);
  const startedMs = performance.now();
  const server = await record(hosts[0]!.via, SERVER, folder);
  const offsetMs = performance.now() - startedMs;
  const client = await record(hosts[1]!.via, CLIENT, folder);
  await client.child.status;
  const endMs = performance.now() - startedMs + 4_000;
  await new Promise((resolve) => setTimeout(resolve, 4_000));
  server.child.kill("SIGTERM");
  await server.child.status;
  const screens: Screen[] = [];
  for (
    const [session, { log, timing }, atMs] of [[SERVER, server, 0], [
      CLIENT,
      client,
      offsetMs,
    ]] as const
  ) {
    const size: TerminalSize = { columns: COLUMNS, rows: session.rows };
    const outputs = outputsOf(await Deno.readFile(log), await Deno.readTextFile(timing), atMs);
    const spells = await rowSpells(outputs, size, { stepMs: STEP_MS, endMs });
    screens.push({ ...size, title: session.host, spells });
  }
  await Deno.writeTextFile(PICTURE, svgOf(screens, endMs));
} finally {
  await Deno.remove(folder, { recursive: true });
}
