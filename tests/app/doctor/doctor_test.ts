/** How `doctor` ends where something that it looks at fails. */
import { assertEquals, assertRejects } from "@std/assert";
import { diagnoseIn } from "../../../lib/app/doctor/doctor.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { denoDoctorRuntime } from "../../../lib/io/doctor_runtime.ts";
import { canTouchFiles, canUseNetwork } from "../../support/permissions.ts";

Deno.test({
  name: "a host that nobody knows is told of, however long other looks take",
  ignore: !await canTouchFiles() || !await canUseNetwork(),
  async fn() {
    const runtime = denoDoctorRuntime();
    const failed = Promise.withResolvers<void>();
    const error = await assertRejects(
      () =>
        diagnoseIn({
          ...runtime,
          net: {
            ...runtime.net,
            lookUp() {
              // The firewall's rules come when the search is long over.
              setTimeout(failed.resolve, 50);
              return Promise.reject(new Error("unknown"));
            },
          },
          host: { ...runtime.host, run: () => failed.promise.then(() => undefined) },
        }, { servers: ["nobody.invalid"], broadcast: ["127.255.255.255"], outDir: "." }),
      ShoalError,
    );
    assertEquals(ShoalError.from(error).code, "usage");
  },
});
