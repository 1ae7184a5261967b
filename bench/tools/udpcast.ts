/**
 * udpcast, full duplex. Receiver and sender find each other in milliseconds instead
 * of the seconds that its default intervals take, and the receiver does not linger. On a shaped link
 * it is told a rate, because it fills the queue otherwise; elsewhere it is faster without one. It
 * proves nothing, so `openssl dgst` follows.
 */
import { join } from "@std/path/join";
import type { Run } from "../measure/run.ts";
import { digest } from "./openssl.ts";
import { missingOf, type Tool } from "./tool.ts";

/** Of the line; headers count. */
const RATE_SHARE = 0.97;

export const udpcast: Tool = {
  name: "udpcast + openssl dgst",
  usesTcp: false,
  leavesCopies: true,
  worksOnLoopback: false,
  missing: () => missingOf("udp-sender", "udp-receiver", "openssl"),
  open({ bed, servers, dir, names, lineMbit }) {
    const [name] = names;
    const port = String(bed.port());
    const common = (device: string) => [
      ...["--nokbd", "--no-progress", "--interface", device, "--portbase", port],
    ];
    const rate = lineMbit === undefined
      ? []
      : ["--max-bitrate", `${Math.round(lineMbit * RATE_SHARE * 1000)}k`];
    const sendToAll = async (run: Run, takers: readonly Run[]): Promise<void> => {
      const receive = (taker: Run) =>
        taker.exec("client", taker.client, [
          ...["udp-receiver", ...common(taker.client.device), "--nosync", "--rcvbuf", "4m"],
          ...["--exit-wait", "1", "--file", join(taker.outDir, name!)],
        ]);
      await Promise.all([
        ...takers.map(receive),
        run.exec("server", servers[0]!, [
          ...["udp-sender", ...common(servers[0]!.device), "--full-duplex", ...rate],
          ...["--min-receivers", String(takers.length), "--min-wait", "0"],
          ...["--rexmit-hello-interval", "20", "--file", join(dir, name!)],
        ]),
      ]);
      await Promise.all(takers.map((each) => digest(each, each.client, each.outDir, names)));
    };
    return Promise.resolve({
      daemons: [],
      fetch: (run) => sendToAll(run, [run]),
      sendToAll,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};
