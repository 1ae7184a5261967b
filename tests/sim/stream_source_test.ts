/**
 * Networks that drop UDP, in virtual time: `get` as it ships, against a server's sessions as they ship, goes on
 * over TCP by itself, soon, and says so once.
 */
import { assert, assertEquals } from "@std/assert";
import {
  SERVER_SILENT_MS,
  STREAM_ASK_AFTER_MS,
  STREAM_FALLBACK_MS,
  STREAM_SILENCES,
} from "../../lib/protocol/download/limits.ts";
import { CHUNKS, plainPath, plainScenario, plainServer } from "./plain_scenario.ts";
import type { ServerSpec, UdpBlock } from "./scenario.ts";
import type { LinkSpec } from "./sim_link.ts";
import { type Outcome, runScenario } from "./world.ts";

/** For questions, their answers, and whatever else is not waiting for its own sake. */
const SLACK_MS = 300;

const TCP = { breaksMs: [] };

/** A server whose datagrams pass until `block`, and whose TCP port is open. */
function blocked(block: UdpBlock, link: Partial<LinkSpec> = {}, given: Partial<ServerSpec> = {}) {
  return plainServer({ paths: [plainPath(link, { block })], tcp: TCP, ...given });
}

function assertDone(outcome: Outcome): void {
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  const chunks = outcome.done!.servers.reduce((sum, server) => sum + server.chunks, 0);
  assertEquals(chunks, CHUNKS, "each chunk counts once");
}

/** That it was said once, `withinMs` from `fromMs` on. */
function assertSaidOnce({ streamedMs }: Outcome, fromMs: number, withinMs: number): void {
  assertEquals(streamedMs.length, 1, "said once");
  const tookMs = streamedMs[0]! - fromMs;
  assert(tookMs > 0 && tookMs <= withinMs + SLACK_MS, `TCP took over after ${tookMs} ms`);
}

Deno.test("questions are answered over UDP and data never comes: TCP takes over", async () => {
  const servers = [blocked({ what: "data", fromMs: 0 })];
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
  assertSaidOnce(outcome, 0, STREAM_FALLBACK_MS);
  assert(outcome.done!.seconds * 1_000 < STREAM_FALLBACK_MS + 2_000);
});

Deno.test("long datagrams never come: shorter ones bring the file, and nobody needs TCP", async () => {
  const servers = [blocked({ what: "long", fromMs: 0 })];
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
  assertEquals(outcome.streamedMs, []);
});

Deno.test("a server that was named and that UDP does not reach at all gives the file over TCP", async () => {
  const servers = [blocked({ what: "all", fromMs: 0 })];
  const { client } = plainScenario();
  const named = { ...client, namesServers: true };
  const outcome = await runScenario(plainScenario({ servers, client: named }));
  assertDone(outcome);
  assertSaidOnce(outcome, 0, STREAM_ASK_AFTER_MS);
  const unnamed = await runScenario(plainScenario({ servers }));
  assertEquals([unnamed.violation, unnamed.end, unnamed.streamCount], [undefined, "no_server", 0]);
});

Deno.test("UDP that is lost in mid-transfer costs a few seconds, not the transfer", async () => {
  const fromMs = 400;
  const servers = [blocked({ what: "data", fromMs })];
  const { client } = plainScenario();
  // Long enough that the silence is what counts.
  const patient = { ...client, timeoutMs: 20_000 };
  const outcome = await runScenario(plainScenario({ servers, client: patient }));
  assertDone(outcome);
  assertSaidOnce(outcome, fromMs, STREAM_SILENCES * SERVER_SILENT_MS);
  assert(outcome.done!.seconds * 1_000 < fromMs + STREAM_SILENCES * SERVER_SILENT_MS + 2_000);
});

Deno.test("what stops over UDP and comes back is told with its address, once each, and no more than that", async () => {
  const block = { what: "data", fromMs: 2_500, untilMs: 12_000 } as const;
  // A link with room for both: TCP is at work by the time that UDP is back.
  const servers = [blocked(block, { bytesPerMs: 300 }, { rateBytesPerS: 100_000 })];
  const { client } = plainScenario();
  const patient = { ...client, timeoutMs: 20_000 };
  const outcome = await runScenario(plainScenario({ servers, client: patient }), true);
  assertDone(outcome);
  const told = outcome.lines!.filter((line) => /"state":"(silent|resumed)"|over UDP/.test(line));
  assertEquals(told.map((line) => /10\.0\.0\..*?(?=")/.exec(line)![0]), [
    "10.0.0.1:10530",
    "10.0.0.1:10530 over UDP: using TCP instead",
    "10.0.0.1:10530",
  ]);
  const [resumedMs] = outcome.resumedMs;
  assert(resumedMs! > block.untilMs, "not before UDP was back");
});

Deno.test("one server's TCP brings chunks beside another one's UDP", async () => {
  // What does not pack, and so takes long enough.
  const variant = 1;
  const path = plainPath({ bytesPerMs: 200 });
  const slow = plainServer({ paths: [path], tcp: TCP, variant });
  // It has begun to give when its data is stopped.
  const block = { what: "data", fromMs: 800 } as const;
  const servers = [slow, blocked(block, { bytesPerMs: 200 }, { variant })];
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
  assertEquals(outcome.streamedMs.length, 1);
  const shares = outcome.done!.servers.filter(({ chunks }) => chunks > 0);
  assertEquals(shares.length, 2, "both gave a part");
});

Deno.test("when who gave chunks is gone, a server that UDP never reached is asked over TCP", async () => {
  const crash = { kind: "crash", atMs: 300 } as const;
  const servers = [plainServer({ mishaps: [crash] }), blocked({ what: "data", fromMs: 0 })];
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
  assertEquals(outcome.done!.servers.filter(({ chunks }) => chunks > 0).length, 2);
});

Deno.test("when the first named server has lied over TCP, the others are asked again", async () => {
  const block = { what: "all", fromMs: 0 } as const;
  const { client } = plainScenario();
  const named = { ...client, namesServers: true };
  const lieChunks = Array.from({ length: CHUNKS }, (_, chunk) => chunk);
  const servers = [
    blocked(block, {}, { lie: "chunks", lieChunks }),
    blocked(block, { delayMs: 5 }, { startsMs: 500 }),
  ];
  const outcome = await runScenario(plainScenario({ servers, client: named }));
  assertDone(outcome);
  assertEquals(outcome.streamedMs.length, 2, "said once of each");
});

Deno.test("a server that is asked while it starts tells of its TCP port", async () => {
  // Its first offer is all that is heard of it over UDP.
  const servers = [blocked({ what: "data", fromMs: 0 }, { delayMs: 0.001 })];
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
});

Deno.test("a liar that was caught is not believed when it offers the file again", async () => {
  const lieChunks = Array.from({ length: CHUNKS }, (_, chunk) => chunk);
  const liar = plainServer({ lie: "chunks", lieChunks, tcp: TCP });
  const outcome = await runScenario(plainScenario({ servers: [liar] }));
  assertEquals([outcome.violation, outcome.end], [undefined, "unverified"]);
  const late = plainServer({ startsMs: 250 });
  assertDone(await runScenario(plainScenario({ servers: [liar, late] })));
});

Deno.test("what was said of a server is not said again when its file has changed", async () => {
  const change = { kind: "change", atMs: 2_300, seenMs: 20 } as const;
  const servers = [
    blocked({ what: "data", fromMs: 0 }, { bytesPerMs: 800 }, { mishaps: [change] }),
  ];
  const { client } = plainScenario();
  const patient = { ...client, retries: 10 };
  const outcome = await runScenario(plainScenario({ servers, client: patient }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assertEquals(outcome.streamedMs.length, 1);
  assert(outcome.done!.resumedBytes === 0, "another file");
});

Deno.test("where UDP passes, TCP is left alone", async () => {
  const outcome = await runScenario(plainScenario({ servers: [plainServer({ tcp: TCP })] }));
  assertDone(outcome);
  assertEquals([outcome.streamedMs, outcome.streamCount], [[], 0]);
});

Deno.test("a stream that breaks off is opened again, and resumes", async () => {
  const tcp = { breaksMs: [2_200, 2_500, 3_000] };
  const servers = [blocked({ what: "data", fromMs: 0 }, { bytesPerMs: 800 }, { tcp })];
  const whole = await runScenario(plainScenario({ servers: [{ ...servers[0]!, tcp: TCP }] }));
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
  assert(outcome.streamCount > whole.streamCount, "it was opened again");
  assertEquals(outcome.streamedMs.length, 1);
  const lostMs = (outcome.done!.seconds - whole.done!.seconds) * 1_000;
  assert(lostMs < 3_000, `three breaks cost ${lostMs} ms`);
});

Deno.test("a stream that is swallowed for a while continues, or another one does", async () => {
  const streamDownMs = [[2_300, 12_000]] as const;
  const servers = [blocked({ what: "data", fromMs: 0 }, { bytesPerMs: 800, streamDownMs })];
  const { client } = plainScenario();
  const patient = { ...client, retries: 10 };
  const outcome = await runScenario(plainScenario({ servers, client: patient }));
  assertDone(outcome);
  assert(outcome.done!.seconds < 20, `${outcome.done!.seconds} s`);
});

Deno.test("a run that was killed while chunks came over TCP is resumed over TCP", async () => {
  const { client } = plainScenario();
  const killed = { ...client, namesServers: true, killsMs: [2_600] };
  const servers = [blocked({ what: "all", fromMs: 0 }, { bytesPerMs: 1_000 })];
  const outcome = await runScenario(plainScenario({ servers, client: killed }));
  assertEquals([outcome.violation, outcome.end], [undefined, "done"]);
  assert(outcome.done!.resumedBytes > 0, "what had come was kept");
});

Deno.test("a server that restarts is asked over TCP again", async () => {
  const crash = { kind: "crash", atMs: 2_400, forMs: 500 } as const;
  const servers = [
    blocked({ what: "data", fromMs: 0 }, { bytesPerMs: 800 }, { mishaps: [crash] }),
    plainServer({ startsMs: 9_000 }),
  ];
  const outcome = await runScenario(plainScenario({ servers }));
  assertDone(outcome);
});
