import { assertEquals, assertGreater } from "@std/assert";
import type { DemoEvent } from "../../lib/app/events.ts";
import { demo } from "../../lib/app/demo.ts";

const isPermitted = (await Promise.all(
  (["net", "read", "write", "env", "sys"] as const).map((name) => Deno.permissions.query({ name })),
)).every(({ state }) => state === "granted");

Deno.test({
  name: "the demo fetches what it offered and leaves nothing behind",
  ignore: !isPermitted,
  // The library that tunes sockets stays loaded for the life of the process.
  sanitizeResources: false,
  async fn() {
    const events: DemoEvent[] = [];
    const report = await demo({
      sizeBytes: 300_001,
      errorRate: 0.1,
      seed: 7,
      onEvent: (event) => events.push(event),
    });
    assertEquals([report.ok, report.size], [true, 300_001]);
    assertGreater(report.servers.reduce((sum, { bytes }) => sum + bytes, 0), 300_000);
    assertEquals(events.at(-1), report);
    const done = events.find((event) => event.event === "done");
    const { state } = await Deno.stat(done?.path ?? ".").then(
      () => ({ state: "still there" }),
      () => ({ state: "gone" }),
    );
    assertEquals(state, "gone");
  },
});

Deno.test({
  name: "the demo's file is the same for the same seed, and another for another",
  ignore: !isPermitted,
  // The library that tunes sockets stays loaded for the life of the process.
  sanitizeResources: false,
  async fn() {
    const digestOf = async (seed: number) =>
      (await demo({ sizeBytes: 1000, errorRate: 0, seed })).expectedSha256;
    const [first, again, other] = [await digestOf(1), await digestOf(1), await digestOf(2)];
    assertEquals(first, again);
    assertEquals(first === other, false);
  },
});
