/** The yardstick, H: reading the file once and hashing it. Also what a careful user runs after a copy. */
import { join } from "@std/path/join";
import type { Host } from "../lab/bed.ts";
import type { Run } from "../measure/run.ts";
import { type Job, missingOf, type Session, type Tool } from "./tool.ts";

export const openssl: Tool = {
  name: "openssl dgst -sha256 (H)",
  usesTcp: false,
  leavesCopies: false,
  worksOnLoopback: true,
  missing: () => missingOf("openssl"),
  open: ({ dir, names }: Job): Promise<Session> =>
    Promise.resolve({
      daemons: [],
      fetch: (run) => digest(run, run.client, dir, names),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    }),
};

export async function digest(
  run: Run,
  host: Host,
  dir: string,
  names: readonly string[],
): Promise<void> {
  const paths = names.map((name) => join(dir, name));
  await run.exec("client", host, ["openssl", "dgst", "-sha256", ...paths]);
}
