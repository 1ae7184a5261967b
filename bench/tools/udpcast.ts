/**
 * udpcast to one receiver, full duplex. Receiver and sender find each other in milliseconds instead
 * of the seconds that its default intervals take, and the receiver does not linger. On a shaped link
 * it is told a rate, because it fills the queue otherwise; elsewhere it is faster without one. It
 * proves nothing, so `openssl dgst` follows.
 */
import { join } from "@std/path/join";
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
    return Promise.resolve({
      daemons: [],
      async fetch(run) {
        await Promise.all([
          run.exec("client", bed.client, [
            ...["udp-receiver", ...common(bed.client.device), "--nosync", "--rcvbuf", "4m"],
            ...["--exit-wait", "1", "--file", join(run.outDir, name!)],
          ]),
          run.exec("server", servers[0]!, [
            ...["udp-sender", ...common(servers[0]!.device), "--full-duplex", ...rate],
            ...["--min-receivers", "1", "--min-wait", "0", "--rexmit-hello-interval", "20"],
            ...["--file", join(dir, name!)],
          ]),
        ]);
        await digest(run, bed.client, run.outDir, names);
      },
      [Symbol.asyncDispose]: () => Promise.resolve(),
    });
  },
};
