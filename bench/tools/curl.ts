/** A plain copy over HTTP, which proves nothing; hence `openssl dgst` of the copy is part of it. */
import { join } from "@std/path/join";
import { missingHttpServer, startHttpServer } from "./http_server.ts";
import { digest } from "./openssl.ts";
import { missingOf, type Tool } from "./tool.ts";

export const curl: Tool = {
  name: "curl + openssl dgst",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: true,
  missing: async () => await missingOf("curl", "openssl") ?? await missingHttpServer(),
  async open({ bed, servers, dir, names, workDir }) {
    const server = await startHttpServer(bed, servers[0]!, dir, workDir);
    return {
      daemons: [{ side: "server", daemon: server.daemon }],
      async fetch(run) {
        const lines = names.map((name) =>
          `url = "${server.url(name)}"\noutput = "${join(run.outDir, name)}"\n`
        );
        // One connection a file, kept open from file to file: parallel ones are no faster here.
        const list = `${run.outDir}.urls`;
        await Deno.writeTextFile(list, lines.join(""));
        await run.exec("client", run.client, ["curl", "-sSf", "-K", list]);
        await digest(run, run.client, run.outDir, names);
      },
      [Symbol.asyncDispose]: () => server.daemon[Symbol.asyncDispose](),
    };
  },
};
