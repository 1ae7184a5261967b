/**
 * Every kind of question in its worst form, 100 KB of them a second, beside a transfer and a search: neither may
 * take twice as long as without.
 */
import { assert, assertEquals } from "@std/assert";
import { assertSameBytes } from "../support/bytes.ts";
import { e2e, randomFile } from "../support/e2e.ts";
import {
  freePort,
  type JsonEvent,
  runShoal,
  Scratch,
  startServer,
} from "../support/shoal_process.ts";
import { Asker, floodSessions } from "./asker.ts";

const MIB = 1024 * 1024;
const isLinux = Deno.build.os === "linux";
const FLOOD = { bytesPerS: 100_000, ms: 5_000 };
/** Where the attacker is; honest clients are at 127.0.0.1. */
const ATTACKER = "127.0.0.66";
/** Files whose layers have many pages; sparse, so that they cost no room. */
const LARGE = 16;
const LARGE_BYTES = 200 * MIB;
const SMALL = 3_000;
const TRIES_MAX = 3;
/** What starting and ending processes may add on a busy machine. */
const SLACK_S = 0.3;

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

function seconds(events: readonly JsonEvent[]): number {
  return events.find(({ event }) => event === "done")?.["seconds"] as number;
}

/** Processor seconds that a process has used. */
function cpuS(pid: number): number {
  const fields = Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

e2e(
  "no kind of question, 100 KB of it a second, doubles what a transfer and a search take",
  async () => {
    await using scratch = await Scratch.make();
    const port = freePort();
    const file = randomFile(16 * MIB, 1);
    await scratch.serve("honest.bin", file);
    await scratch.serve("tiny.txt", randomFile(100, 2));
    await Deno.mkdir(`${scratch.served}/sub`);
    for (let i = 0; i < SMALL; i++) {
      await Deno.writeFile(`${scratch.served}/sub/file-${i}-0123456789.bin`, randomFile(16, i));
    }
    const large = Array.from({ length: LARGE }, (_, i) => `large-${i}.bin`);
    for (const [i, name] of large.entries()) {
      using sparse = await Deno.open(`${scratch.served}/${name}`, { write: true, create: true });
      await sparse.truncate(LARGE_BYTES + i * MIB);
    }
    await using server = await startServer(scratch, port);
    const { dataPort, tcpPort } = await server.event(({ event }) => event === "ready");
    await server.event(({ event, filesLeft }) => event === "indexing" && filesLeft === 0);
    using asker = await Asker.start(ATTACKER, dataPort as number, large);

    const get = async (
      name: string,
      out: string,
      rate: readonly string[] = [],
    ): Promise<number> => {
      const where = ["--out", `${scratch.out}/${out}`, "--server", `127.0.0.1:${port}`];
      const run = await runShoal(["get", name, ...where, ...rate]);
      assertEquals(run.code, 0, run.process.description());
      return seconds(run.events);
    };
    const transfer = async (out: string): Promise<number> => {
      const took = await get("honest.bin", out, ["--rate", "60mbit"]);
      assertSameBytes(await scratch.read(`${out}/honest.bin`), file);
      return took;
    };
    const both = async (out: string): Promise<readonly [number, number]> => {
      const [transferS, searchS] = await Promise.all([
        transfer(out),
        pause(500).then(() => get("tiny.txt", `${out}-search`)),
      ]);
      return [transferS, searchS];
    };

    const udp = (datagrams: Uint8Array<ArrayBuffer>[], to?: number) => () =>
      asker.flood(datagrams, FLOOD, to);
    const tcp = (messages: readonly unknown[]) => () =>
      floodSessions(tcpPort as number, ATTACKER, messages, FLOOD);
    const hex = (bytes: Uint8Array) =>
      [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
    const floods: readonly (readonly [string, () => Promise<number>])[] = [
      ["FIND of names that are not here", udp(asker.searches())],
      ["FIND of names that are here", udp(asker.finds())],
      ["FIND at the shared port", udp(asker.finds(), port)],
      ["LIST", udp(asker.lists())],
      ["LAYER_WANT", udp(asker.layerWants())],
      ["PACK_WANT", udp(asker.packWants())],
      ["STRIKE", udp(asker.strikes())],
      ["WANT with fresh nonces", udp(asker.wants())],
      ["WANT of unknown contents", udp(asker.unknownWants())],
      ["classic get", udp(asker.classicGets(), port)],
      ["list over TCP", tcp([{ command: "list" }])],
      [
        "layer over TCP",
        tcp(asker.known.map(({ root, sizeBytes }) => ({
          command: "layer",
          root: hex(root),
          size: sizeBytes,
        }))),
      ],
      ["fetch over TCP", tcp([{ command: "fetch", name: "tiny.txt" }])],
    ];
    await both("warm");
    const [quietS, quietSearchS] = await both("quiet");
    const only = Deno.env.get("SHOAL_FLOOD");
    const report: string[] = [`quiet: ${quietS} s, search ${quietSearchS} s`];
    for (const [i, [what, flood]] of floods.entries()) {
      if (only !== undefined && !what.includes(only)) continue;
      // Whoever else is at work on this machine may spoil one measurement, not all of them.
      for (let tries = 1;; tries++) {
        const before = cpuS(server.pid);
        const flooding = flood();
        await pause(200);
        const [transferS, searchS] = await both(`flooded-${i}-${tries}`);
        const sent = await flooding;
        const cpu = cpuS(server.pid) - before;
        const told = `${what}: ${transferS} s, search ${searchS} s, ${sent} sent, ` +
          `${cpu.toFixed(2)} s of the server's processor`;
        report.push(told);
        console.log(told);
        const isFair = transferS < 2 * quietS + SLACK_S && searchS < 2 * quietSearchS + SLACK_S;
        if (isFair) break;
        assert(tries < TRIES_MAX, report.join("\n"));
      }
      await pause(500);
    }
  },
  !isLinux,
);
