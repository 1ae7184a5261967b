import { assertEquals } from "@std/assert";
import { Candidates } from "../../../lib/protocol/discovery/candidates.ts";
import { PROBE_BYTES_MIN, UNPROVED_BYTES_FACTOR } from "../../../lib/protocol/discovery/limits.ts";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

const ADDRESS = "192.0.2.7";
const SHARED = { address: ADDRESS, port: 10526 };
const NAMED = { address: ADDRESS, port: 10530 };
const CLAIM_EVERY_MS = 2_000;
const CLAIM = { token: NO_TOKEN, bytes: PROBE_BYTES_MIN };

/** The ports that are probed until `endMs`, in order, with the same claim again and again. */
function probedPorts(claims: number): number[] {
  const candidates = new Candidates(new Random(1));
  const ports: number[] = [];
  for (let claim = 0; claim < claims; claim++) {
    let nowMs = claim * CLAIM_EVERY_MS;
    candidates.add(nowMs, NAMED, CLAIM);
    candidates.add(nowMs, SHARED, { ...CLAIM, named: NAMED });
    const endMs = nowMs + CLAIM_EVERY_MS;
    for (; nowMs < endMs; nowMs = Math.max(nowMs + 1, candidates.nextWakeupMs())) {
      for (const { endpoint } of candidates.take(nowMs, () => PROBE_BYTES_MIN)) {
        ports.push(endpoint.port);
      }
    }
  }
  return ports;
}

Deno.test("a server whose own port is closed is probed at the one that it shares, however long that takes", () => {
  const ports = probedPorts(40);
  const later = ports.slice(ports.length / 2);
  for (const { port } of [SHARED, NAMED]) {
    const share = later.filter((each) => each === port).length / later.length;
    assertEquals(share > 0.25, true, `port ${port} has ${share} of ${later.length} probes`);
  }
});

Deno.test("each claim pays for three probes of its size, to whichever ports", () => {
  assertEquals(probedPorts(1), [NAMED.port, NAMED.port, SHARED.port]);
  assertEquals(probedPorts(40).length, UNPROVED_BYTES_FACTOR * 40);
});
