import { assertEquals, assertLess } from "@std/assert";
import { serverId } from "../../../lib/ids.ts";
import {
  REGISTRY_ANSWER_MS,
  REGISTRY_RENEW_MS,
  REGISTRY_WAIT_MS_MAX,
} from "../../../lib/protocol/master/limits.ts";
import { Registration, type RegistrationEvent } from "../../../lib/protocol/master/registration.ts";

const LEASE = { status: "lease", lease: "b".repeat(32), revision: 0 };

/** A server without files, registered and about to tell so. */
function connected(): Registration {
  const registration = new Registration({
    master: "master",
    server: serverId("a".repeat(32)),
    port: 10_530,
    catalogue: { find: () => undefined, page: () => [] },
    seed: 1,
  });
  registration.handle(0, { kind: "wakeup" });
  registration.handle(0, { kind: "connected" });
  return registration;
}

function kinds(registration: Registration, nowMs: number, event: RegistrationEvent): string[] {
  return registration.handle(nowMs, event).map((action) =>
    action.kind === "send" ? String(action.message["command"]) : action.kind
  );
}

Deno.test("a master that asks for patience is waited for, one that falls silent is not", () => {
  const registration = connected();
  assertEquals(kinds(registration, 0, { kind: "message", message: LEASE }), ["update"]);
  let nowMs = 0;
  for (let i = 0; i < 10; i++) {
    nowMs += REGISTRY_ANSWER_MS - 1;
    const message = { status: "wait" };
    assertEquals(kinds(registration, nowMs, { kind: "message", message }), []);
  }
  assertEquals(registration.nextWakeupMs(), nowMs + REGISTRY_ANSWER_MS);
  nowMs = registration.nextWakeupMs();
  assertEquals(kinds(registration, nowMs, { kind: "wakeup" }), ["hangUp", "state"]);
  assertLess(registration.nextWakeupMs(), nowMs + REGISTRY_ANSWER_MS);
});

Deno.test("a master that asks for patience for ever is left", () => {
  const registration = connected();
  kinds(registration, 0, { kind: "message", message: LEASE });
  const said = new Set<string>();
  let nowMs = 0;
  while (!said.has("hangUp") && nowMs < 2 * REGISTRY_WAIT_MS_MAX) {
    nowMs += REGISTRY_ANSWER_MS / 2;
    const wait = { kind: "message", message: { status: "wait" } } as const;
    for (const kind of kinds(registration, nowMs, wait)) said.add(kind);
    for (const kind of kinds(registration, nowMs, { kind: "wakeup" })) said.add(kind);
  }
  assertLess(nowMs, REGISTRY_WAIT_MS_MAX + REGISTRY_ANSWER_MS);
});

Deno.test("a lease is renewed a while after the last answer, not always as long", () => {
  const registration = connected();
  kinds(registration, 0, { kind: "message", message: LEASE });
  const ok = { kind: "message", message: { status: "ok" } } as const;
  assertEquals(kinds(registration, 1_000, ok), ["state"]);
  const pauses = new Set<number>();
  for (let nowMs = 1_000; pauses.size < 10;) {
    const pauseMs = registration.nextWakeupMs() - nowMs;
    assertLess(REGISTRY_RENEW_MS / 2, pauseMs);
    assertLess(pauseMs, REGISTRY_RENEW_MS + 1);
    pauses.add(pauseMs);
    nowMs += pauseMs;
    assertEquals(kinds(registration, nowMs, { kind: "wakeup" }), ["renew"]);
    assertEquals(kinds(registration, nowMs, ok), []);
  }
});
