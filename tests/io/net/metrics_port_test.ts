import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { assert, assertEquals } from "@std/assert";
import { ShoalError } from "../../../lib/errors.ts";
import { MetricsPort } from "../../../lib/io/net/metrics_port.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { canRunProcesses } from "../../support/shoal_process.ts";

Deno.test({
  name: "whoever asks for metrics is not told what is wrong with them, nor where things lie",
  ignore: !canRunProcesses,
}, async () => {
  const problems: string[] = [];
  const port = new MetricsPort({
    clock: denoClock,
    net: denoRuntime().net,
    ...{ host: "127.0.0.1", port: 0, onProblem: (message) => problems.push(message) },
    read: () => Promise.reject(new ShoalError("disk", "cannot use /home/us/master.sqlite: full")),
  });
  try {
    for (const path of ["metrics", "healthz"]) {
      const response = await fetch(`http://127.0.0.1:${port.port}/${path}`);
      assertEquals(response.status, 503);
      const text = await response.text();
      assert(!/home|sqlite|full/.test(text), text);
    }
  } finally {
    await port.close();
  }
  assertEquals(problems, []);
});
