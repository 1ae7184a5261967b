import { assertEquals } from "@std/assert";
import { type ServerId, sourceId } from "../../../lib/ids.ts";
import { NO_TOKEN } from "../../../lib/protocol/base/tokens.ts";
import type { SourceState } from "../../../lib/protocol/download/coordinator_messages.ts";
import {
  SERVER_SILENT_MS,
  STREAM_ASK_AFTER_MS,
  STREAM_CANDIDATE_MS,
  STREAM_FALLBACK_MS,
  STREAM_SILENCES,
  STREAM_TRIES_MAX,
} from "../../../lib/protocol/download/limits.ts";
import type { SourceMode } from "../../../lib/protocol/download/provider.ts";
import {
  RouteFallback,
  type RouteFallbackAction,
  type RouteFallbackEvent,
  type RouteOffer,
} from "../../../lib/protocol/download/route_fallback.ts";
import { idOf } from "./download_world.ts";

const TCP_PORT = 10_527;

function offerOf(server: number, tcpPort = TCP_PORT): RouteOffer {
  const path = { endpoint: { address: `10.0.0.${server}`, port: 10_530 }, token: NO_TOKEN };
  return { server: idOf(server), party: path.endpoint.address, path, tcpPort };
}

const udp = (server: number) => sourceId(idOf(server), "datagrams");

/** The downloads "a" and "b" of a run, in virtual time; every wake-up that is asked for comes. */
class Script {
  readonly machine: RouteFallback<string>;
  nowMs = 0;

  constructor(fallsBack = true) {
    this.machine = new RouteFallback({ fallsBack });
  }

  on(event: RouteFallbackEvent<string>): string[] {
    return this.machine.handle(this.nowMs, event).map(text);
  }

  /** What is done until `ms` later, each with its time. */
  wait(ms: number): string[] {
    const endMs = this.nowMs + ms;
    const done: string[] = [];
    for (let nextMs = this.machine.nextWakeupMs(); nextMs <= endMs;) {
      this.nowMs = Math.max(this.nowMs, nextMs);
      done.push(...this.on({ kind: "wakeup" }).map((each) => `${this.nowMs} ${each}`));
      const thenMs = this.machine.nextWakeupMs();
      if (thenMs === nextMs) throw new Error(`woken at ${nextMs} for nothing`);
      nextMs = thenMs;
    }
    this.nowMs = endMs;
    return done;
  }

  lookup(download: string, ...servers: number[]): string[] {
    this.on({ kind: "lookup", download });
    return servers.flatMap((server) => this.candidate(download, server));
  }

  candidate(download: string, server: number, tcpPort = TCP_PORT): string[] {
    return this.on({ kind: "candidate", download, offer: offerOf(server, tcpPort) });
  }

  answered(download: string, server: number, kind = "datagrams", mode?: SourceMode): string[] {
    const endpoint = { address: `10.0.0.${server}`, port: TCP_PORT };
    const provider = {
      ...{ server: idOf(server), party: endpoint.address, ...(mode !== undefined && { mode }) },
      routes: [{ kind, endpoint, rttMs: 1 }],
    };
    return this.on({ kind: "answered", download, provider });
  }

  state(server: number, state: SourceState, hasBrought = false): string[] {
    return this.on({ kind: "state", server: idOf(server), source: udp(server), state, hasBrought });
  }

  silences(server: number, count: number, hasBrought: boolean): string[] {
    return Array.from({ length: count }, () => {
      this.nowMs += SERVER_SILENT_MS;
      return this.state(server, "silent", hasBrought);
    }).flat();
  }

  arrived(server: number, bytes: number, chunkCount: number, source = udp(server)): string[] {
    return this.on({ kind: "arrived", server: idOf(server), source, bytes, chunkCount });
  }
}

const numberOf = (server: ServerId): number => Number.parseInt(server.split("@")[0]!, 16);

function text(action: RouteFallbackAction<string>): string {
  switch (action.kind) {
    case "askNamed":
      return `ask named for ${action.downloads.join()}`;
    case "askClaimed":
      return `ask ${numberOf(action.offer.server)} over TCP whether it has ${action.download}`;
    case "askStream":
      return `ask ${numberOf(action.offer.server)} over TCP for ${action.download}`;
    case "fellBack":
      return `${numberOf(action.server)} lacks ${action.cause} from :${action.endpoint.port}`;
    case "unreached":
      return `${numberOf(action.server)} lacks ${action.cause}, and TCP ${action.tcpPort}`;
    case "tell":
      return `${numberOf(action.server)} ${action.state}`;
  }
}

Deno.test("named servers are asked over TCP when the search has taken long enough", () => {
  const script = new Script();
  script.on({ kind: "search", download: "a", isNamed: true });
  script.nowMs = 500;
  script.on({ kind: "search", download: "b", isNamed: true });
  // Where one is searched for again, its time starts anew.
  script.nowMs = 700;
  script.on({ kind: "search", download: "a", isNamed: true });
  assertEquals(script.wait(60_000), [
    `${500 + STREAM_ASK_AFTER_MS} ask named for b`,
    `${700 + STREAM_ASK_AFTER_MS} ask named for a`,
  ]);
});

Deno.test("who is only said to have it is asked over TCP, beside a server that is proved and unless UDP proves it", () => {
  const script = new Script();
  script.on({ kind: "search", download: "a", isNamed: false });
  script.on({ kind: "search", download: "b", isNamed: false });
  for (const server of [1, 2, 3]) {
    script.on({ kind: "claimed", download: "a", offer: offerOf(server) });
  }
  for (const server of [1, 2]) {
    const { endpoint } = offerOf(server).path;
    script.on({ kind: "heard", endpoint });
  }
  const { server, path: { endpoint } } = offerOf(2);
  script.on({ kind: "offered", server, over: "datagrams", endpoint });
  assertEquals(script.wait(60_000), [`${STREAM_ASK_AFTER_MS} ask 1 over TCP whether it has a`]);
});

Deno.test("what is found over TCP by the search comes over TCP at once, and that is told once", () => {
  const script = new Script();
  const endpoint = { address: "10.0.0.1", port: 10_526 };
  script.on({ kind: "offered", server: idOf(1), over: "stream", endpoint });
  assertEquals(script.lookup("a", 1), ["ask 1 over TCP for a"]);
  assertEquals(script.answered("a", 1, "stream"), ["1 lacks search from :10526"]);
  assertEquals(script.lookup("b", 1), ["ask 1 over TCP for b"]);
  assertEquals(script.answered("b", 1, "stream"), []);
});

Deno.test("a server that answers the search over UDP after all is not said to be silent", () => {
  const script = new Script();
  const endpoint = { address: "10.0.0.1", port: 10_526 };
  script.on({ kind: "offered", server: idOf(1), over: "stream", endpoint });
  script.on({ kind: "offered", server: idOf(1), over: "datagrams", endpoint });
  assertEquals(script.lookup("a", 1), []);
});

Deno.test("if nobody answers on its data port, a few at a time are asked over TCP", () => {
  const script = new Script();
  const servers = Array.from({ length: STREAM_TRIES_MAX + 1 }, (_, i) => i + 1);
  script.lookup("a", ...servers);
  assertEquals(
    script.wait(60_000),
    servers.map((server) => {
      const round = server <= STREAM_TRIES_MAX ? 1 : 2;
      return `${round * STREAM_FALLBACK_MS} ask ${server} over TCP for a`;
    }),
  );
  assertEquals(script.answered("a", 2, "stream"), ["2 lacks data from :10530"]);
});

Deno.test("who answers is one to ask, unless he pushes", () => {
  for (const [mode, asked] of [["pull", 0], ["push", 1]] as const) {
    const script = new Script();
    script.lookup("a", 1);
    script.answered("a", 9, mode === "push" ? "push" : "datagrams", mode);
    assertEquals(script.wait(60_000).length, asked, mode);
  }
});

Deno.test("who comes late has some time of its own to answer over UDP", () => {
  const script = new Script();
  script.lookup("a");
  script.wait(10 * STREAM_FALLBACK_MS);
  script.candidate("a", 1);
  assertEquals(script.wait(STREAM_CANDIDATE_MS - 1), []);
  assertEquals(script.wait(1).length, 1);
});

Deno.test("when the last who answered has lost it, the others are asked over TCP in time", () => {
  const script = new Script();
  script.lookup("a", 1, 2);
  script.answered("a", 1);
  assertEquals(script.wait(60_000), []);
  script.on({ kind: "lost", download: "a", server: idOf(1) });
  assertEquals(script.wait(60_000), [`${60_000 + STREAM_FALLBACK_MS} ask 2 over TCP for a`]);
});

Deno.test("a liar is asked by no route for anything", () => {
  const script = new Script();
  script.lookup("a", 1);
  script.lookup("b", 1);
  assertEquals(script.state(1, "dropped"), ["1 dropped"]);
  assertEquals(script.wait(60_000), []);
});

Deno.test("who has no TCP port is never asked over TCP, and nobody is woken for it", () => {
  const script = new Script();
  script.on({ kind: "lookup", download: "a" });
  script.candidate("a", 1, 0);
  assertEquals(script.machine.nextWakeupMs(), Infinity);
  assertEquals(script.silences(1, STREAM_SILENCES, true), ["1 silent"]);
  assertEquals(script.on({ kind: "stalled", download: "a" }), []);
});

Deno.test("a source of which no chunk has ever come is asked over TCP at its first silence", () => {
  const script = new Script();
  for (const download of ["a", "b"]) {
    script.lookup(download, 1);
    script.answered(download, 1);
  }
  assertEquals(script.state(1, "silent"), [
    "1 silent",
    "ask 1 over TCP for a",
    "ask 1 over TCP for b",
  ]);
  assertEquals(script.answered("a", 1, "stream"), ["1 lacks data from :10530"]);
  assertEquals(script.answered("b", 1, "stream"), []);
  // For names that come later it is known.
  script.on({ kind: "closed", download: "a" });
  assertEquals(script.lookup("a", 1), ["ask 1 over TCP for a"]);
});

Deno.test("one that has brought chunks is given a while longer, and said to have stopped", () => {
  const script = new Script();
  script.lookup("a", 1);
  script.answered("a", 1);
  assertEquals(script.silences(1, STREAM_SILENCES - 1, true), ["1 silent"]);
  assertEquals(script.silences(1, 1, true), ["ask 1 over TCP for a"]);
  assertEquals(script.answered("a", 1, "stream"), ["1 lacks more data from :10530"]);
});

Deno.test("a few bytes end the silences in a row, and only a chunk what was said of them", () => {
  const script = new Script();
  script.lookup("a", 1);
  script.answered("a", 1);
  assertEquals(script.silences(1, STREAM_SILENCES - 1, true), ["1 silent"]);
  assertEquals(script.arrived(1, 100, 0), []);
  assertEquals(script.silences(1, STREAM_SILENCES - 1, true), []);
  assertEquals(script.state(1, "active"), []);
  assertEquals(script.arrived(1, 100, 1), ["1 resumed"]);
  assertEquals(script.arrived(1, 100, 1), []);
  assertEquals(script.silences(1, 1, true), ["1 silent"]);
});

Deno.test("UDP that is back is told once, holds for what comes later, and may stop again", () => {
  const script = new Script();
  script.lookup("a", 1);
  script.answered("a", 1);
  script.silences(1, STREAM_SILENCES, true);
  script.answered("a", 1, "stream");
  // What comes over TCP says nothing about UDP.
  assertEquals(script.arrived(1, 9_000, 1, sourceId(idOf(1), "stream")), []);
  assertEquals(script.arrived(1, 9_000, 1), ["1 resumed"]);
  script.lookup("b", 1);
  script.answered("b", 1);
  assertEquals(script.wait(60_000), []);
  assertEquals(script.silences(1, STREAM_SILENCES, true), [
    "1 silent",
    "ask 1 over TCP for b",
    "1 lacks more data from :10530",
  ]);
});

Deno.test("UDP that nobody answered on is told to be back, too", () => {
  const script = new Script();
  script.lookup("a", 1);
  assertEquals(script.wait(STREAM_FALLBACK_MS).length, 1);
  script.answered("a", 1, "stream");
  script.answered("a", 1);
  assertEquals(script.arrived(1, 9_000, 1), ["1 resumed"]);
});

Deno.test("a stall asks over TCP without saying of UDP what is not known", () => {
  const script = new Script();
  script.lookup("a", 1, 2);
  script.answered("a", 1);
  assertEquals(script.on({ kind: "stalled", download: "a" }), [
    "ask 1 over TCP for a",
    "ask 2 over TCP for a",
  ]);
  assertEquals(script.answered("a", 1, "stream"), []);
  assertEquals(script.answered("a", 2, "stream"), []);
  // Once it is known, it is said.
  assertEquals(script.state(1, "silent"), ["1 silent", "1 lacks data from :10530"]);
});

Deno.test("where a stall is that of a silent source, it is said that more data is lacking", () => {
  const script = new Script();
  script.lookup("a", 1);
  script.answered("a", 1);
  script.silences(1, 1, true);
  assertEquals(script.on({ kind: "stalled", download: "a" }), ["ask 1 over TCP for a"]);
  assertEquals(script.answered("a", 1, "stream"), ["1 lacks more data from :10530"]);
});

Deno.test("a TCP port that did not answer is tried again while UDP brings nothing", () => {
  const script = new Script();
  script.lookup("a", 1);
  assertEquals(script.wait(STREAM_FALLBACK_MS).length, 1);
  script.nowMs += 500;
  assertEquals(script.on({ kind: "unanswered", download: "a", server: idOf(1) }), [
    `1 lacks data, and TCP ${TCP_PORT}`,
  ]);
  const againMs = script.nowMs + STREAM_FALLBACK_MS;
  assertEquals(script.wait(60_000), [`${againMs} ask 1 over TCP for a`]);
  // It is told once.
  assertEquals(script.on({ kind: "unanswered", download: "a", server: idOf(1) }), []);
  script.answered("a", 1);
  assertEquals(script.wait(60_000), []);
});

Deno.test("where everything comes over TCP only states are told", () => {
  const script = new Script(false);
  const source = sourceId(idOf(1), "stream");
  const state = { kind: "state", server: idOf(1), source, hasBrought: false } as const;
  script.on({ kind: "search", download: "a", isNamed: true });
  script.lookup("a", 1);
  assertEquals(script.answered("a", 1, "stream"), []);
  assertEquals(script.wait(60_000), []);
  assertEquals(script.on({ ...state, state: "active" }), ["1 active"]);
  assertEquals(script.on({ ...state, state: "silent" }), ["1 silent"]);
  assertEquals(script.on({ ...state, state: "silent" }), []);
  assertEquals(script.arrived(1, 9_000, 1, source), ["1 resumed"]);
});

Deno.test("where servers were named, those that were never heard are asked over TCP when nothing comes of the others", () => {
  const script = new Script();
  script.on({ kind: "search", download: "a", isNamed: true });
  script.on({ kind: "lookup", download: "a" });
  assertEquals(script.on({ kind: "stalled", download: "a" }), ["ask named for a"]);
  script.on({ kind: "closed", download: "a" });
  script.on({ kind: "lookup", download: "a" });
  assertEquals(script.on({ kind: "stalled", download: "a" }), []);
});

Deno.test("of one address it is told once, also where its server is back under another id", () => {
  const script = new Script();
  const endpoint = { address: "10.0.0.1", port: 10_526 };
  const fallBack = (server: number): string[] => {
    script.on({ kind: "offered", server: idOf(server), over: "stream", endpoint });
    script.lookup("a", server);
    return script.answered("a", server, "stream");
  };
  assertEquals(fallBack(1), ["1 lacks search from :10526"]);
  assertEquals(fallBack(2), []);
  // Nothing is kept from being said of another address.
  const other = { address: "10.0.0.3", port: 10_526 };
  script.on({ kind: "offered", server: idOf(3), over: "stream", endpoint: other });
  script.lookup("a", 3);
  assertEquals(script.answered("a", 3, "stream"), ["3 lacks search from :10526"]);
});
