import { assertEquals, assertGreater } from "@std/assert";
import type { DemoEvent } from "../../lib/app/events.ts";
import { sizeText as shownSize } from "../../lib/sizes.ts";
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
    assertEquals(stepsOf(events)[0], "Starting demo mode...");
    const done = events.find((event) => event.event === "done");
    const { state } = await Deno.stat(done?.path ?? ".").then(
      () => ({ state: "still there" }),
      () => ({ state: "gone" }),
    );
    assertEquals(state, "gone");
  },
});

for (const [sizeBytes, sizeText] of [[10_240, "10"], [6_000_000, "5859.4"]] as const) {
  Deno.test({
    name: `the demo says of ${sizeBytes} bytes how large they are, and who sent them`,
    ignore: !isPermitted,
    // The library that tunes sockets stays loaded for the life of the process.
    sanitizeResources: false,
    async fn() {
      const events: DemoEvent[] = [];
      const onEvent = (event: DemoEvent): number => events.push(event);
      const report = await demo({ sizeBytes, errorRate: 0, seed: 3, onEvent });
      const steps = stepsOf(events);
      const created = steps.find((step) => step.startsWith("Created test file: "));
      assertEquals(created?.endsWith(`/demo.bin (${sizeText} KB)`), true, created);
      const givers = report.servers.filter(({ bytes }) => bytes > 0);
      const shares = givers.map(({ server, bytes }) => `${shownSize(bytes)} from ${server}`);
      // One chunk is of one server; of many, each gives some, unless one has no time beside others at work.
      if (sizeBytes === 10_240) assertEquals(givers.length, 1);
      const said = givers.length === 1
        ? `All of it came from one server, ${givers[0]!.server}`
        : `It came from 2 servers: ${shares.join(", ")}`;
      assertEquals(steps.filter((step) => /^(All of it|It) came/.test(step)), [said]);
    },
  });
}

function stepsOf(events: readonly DemoEvent[]): string[] {
  return events.flatMap((event) => event.event === "step" ? [event.message] : []);
}

Deno.test({
  name: "what the seed decides is the same for the same seed, errors and rounds included",
  ignore: !isPermitted,
  // The library that tunes sockets stays loaded for the life of the process.
  sanitizeResources: false,
  async fn() {
    const decidedBy = async (seed: number) => {
      const { size, expectedSha256, actualSha256, echo } = await demo({
        ...{ sizeBytes: 200_000, errorRate: 0.2, seed },
      });
      return { size, expectedSha256, actualSha256, echo };
    };
    const [first, again, other] = [await decidedBy(1), await decidedBy(1), await decidedBy(2)];
    assertEquals(first, again);
    assertEquals(first.expectedSha256 === other.expectedSha256, false);
    assertGreater(first.echo.rounds, 1);
  },
});
