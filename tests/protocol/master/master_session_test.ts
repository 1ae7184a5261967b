import { assert, assertEquals } from "@std/assert";
import { hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { CATALOGUE_ENTRIES_MAX } from "../../../lib/limits.ts";
import { SESSION_IDLE_MS } from "../../../lib/protocol/session/limits.ts";
import {
  GLOB_CHARACTERS_MAX,
  LIST_WORK_MAX,
  LOCATE_EXCEPT_MAX,
  LOCATE_QUERIES_MAX,
  REGISTRY_LEASE_MS,
  REGISTRY_PAGE_FILES,
} from "../../../lib/protocol/master/limits.ts";
import { exceptIn, locatedIn, locatedJson } from "../../../lib/protocol/master/master_messages.ts";
import {
  type MasterDialogue,
  type MasterStep,
  serveMaster,
} from "../../../lib/protocol/master/master_session.ts";
import type { LocatedFile, RegistryLease } from "../../../lib/protocol/master/registry_store.ts";
import type { JsonObject } from "../../../lib/wire/session_json.ts";

const PEER = "10.0.0.7";
const SELF = "10.0.0.1";
const ID = "a".repeat(32);
const LEASE = "b".repeat(32) as RegistryLease;
const SHA = hashHex("c".repeat(64));
const FILE = { name: "a.txt", size: 5, mtime: 7, sha256: SHA, root: SHA };
const REGISTER = { command: "register", server: ID, port: 10_530 };

function located(name: string, address = PEER): LocatedFile {
  return {
    name: name as SafeFileName,
    sizeBytes: 5,
    mtimeMs: 7,
    sha256: SHA,
    root: SHA,
    servers: [{ server: serverId(ID), endpoint: { address, port: 10_530 } }],
  };
}

/** What is answered to `requests` by a master whose store says what `results` hold, by kind. */
function play(requests: readonly JsonObject[], results: Readonly<Record<string, unknown>> = {}) {
  const dialogue: MasterDialogue = serveMaster(PEER, SELF);
  const coming = [...requests];
  const said: JsonObject[] = [];
  const steps: MasterStep[] = [];
  const idleMs: number[] = [];
  const answers: Record<string, unknown> = { open: LEASE, renew: true, update: 1, ...results };
  for (let next = dialogue.next(); !next.done;) {
    const step = next.value;
    let result = answers[step.kind];
    if (step.kind === "request") {
      idleMs.push(step.idleMs);
      const request = coming.shift();
      result = request === undefined ? { kind: "ended" } : { kind: "request", request };
    } else if (step.kind === "send") said.push(step.message);
    else steps.push(step);
    next = dialogue.next(result);
  }
  return { said, steps, idleMs, kinds: steps.map(({ kind }) => kind) };
}

Deno.test("a server has its lease as long as its connection speaks", () => {
  const { said, kinds, idleMs, steps } = play([REGISTER, { command: "renew" }]);
  assertEquals(said.map(({ status }) => status), ["lease", "ok"]);
  assertEquals([said[0]!["lease"], said[0]!["revision"]], [LEASE, 0]);
  assertEquals(idleMs, [SESSION_IDLE_MS, REGISTRY_LEASE_MS, REGISTRY_LEASE_MS]);
  assertEquals(kinds, ["open", "renew", "close"]);
  assertEquals(steps[0], {
    kind: "open",
    provider: { server: serverId(ID), endpoint: { address: PEER, port: 10_530 } },
  });
});

Deno.test("a lease that is known is taken up where it was", () => {
  const { said, kinds } = play([
    { ...REGISTER, lease: LEASE, revision: 3 },
    { command: "update", revision: 4, put: [FILE] },
  ], { resume: { lease: "e".repeat(32), revision: 3 } });
  assertEquals([said[0]!["lease"], said[0]!["revision"]], ["e".repeat(32), 3]);
  assertEquals(said[1], { status: "ok" });
  assertEquals(kinds, ["resume", "update", "close"]);
});

Deno.test("a lease that is not known is another one", () => {
  const { said, kinds } = play([{ ...REGISTER, lease: "d".repeat(32), revision: 3 }]);
  assertEquals([said[0]!["lease"], said[0]!["revision"]], [LEASE, 0]);
  assertEquals(kinds, ["resume", "open", "close"]);
});

Deno.test("an address that has leases enough is told so, and has none in this session", () => {
  const { said, kinds } = play([REGISTER, { command: "renew" }], { open: undefined });
  assertEquals(said.map(({ code }) => code), ["too_many", "no_lease"]);
  assertEquals(kinds, ["open"]);
});

Deno.test("an address whose servers have files enough keeps its lease and what it has", () => {
  const update = (revision: number) => ({ command: "update", revision, put: [FILE] });
  const { said, kinds } = play([REGISTER, update(1), update(1)], { update: "full" });
  // The revision that was refused does not count.
  assertEquals(said.map(({ code }) => code), [undefined, "too_many", "too_many"]);
  assertEquals(kinds, ["open", "update", "update", "close"]);
});

Deno.test("addresses that did not answer a client are left out, as it knows them", () => {
  const except = ["10.0.0.8", SELF];
  const { steps } = play([{ command: "locate", names: ["a"], except }], { locate: [[]] });
  const [step] = steps;
  assertEquals(step?.kind === "locate" && [...step.except], [...except, "127.0.0.1", "::1"]);
});

Deno.test("a server that is known by an address of a link is told of on that link alone", () => {
  const at = (address: string) => ({ server: serverId(ID), endpoint: { address, port: 1 } });
  const servers = ["fe80::7%e1", "fe80::8%e2", "fe80::9", "2001:db8::7"].map(at);
  const told = (self: string) =>
    (locatedJson(
      { ...locatedIn({ ...FILE, servers: [] })!, servers },
      self,
    )["servers"] as JsonObject[])
      .map((each) => each["address"]);
  assertEquals(told("fe80::1%e1"), ["fe80::7", "2001:db8::7"]);
  assertEquals(told("fe80::1"), ["2001:db8::7"], "nobody knows which link that is");
  assertEquals(told("2001:db8::1"), ["2001:db8::7"]);
  const request = { except: ["fe80::7", "2001:db8::7"] };
  assertEquals([...exceptIn(request, "fe80::1%e1")!], ["fe80::7%e1", "2001:db8::7"]);
});

Deno.test("a client takes addresses of machines from a master, without a link and none of groups", () => {
  const told = (address: string) =>
    locatedIn({ ...FILE, servers: [{ id: ID, address, port: 1 }] })?.servers[0]?.endpoint
      .address;
  for (const address of ["10.0.0.8", "2001:db8::7", "fe80::7"]) {
    assertEquals(told(address), address);
  }
  assertEquals(told("2001:DB8:0::7"), "2001:db8::7");
  for (const address of ["fe80::7%e1", "ff02::1", "224.0.0.1", "nas", "::", ""]) {
    assertEquals(told(address), undefined, address);
  }
});

const BAD: readonly (readonly [string, JsonObject, string])[] = [
  ["another host's files", { ...REGISTER, address: "10.0.0.8" }, "foreign"],
  ["no id", { command: "register", port: 1 }, "bad_request"],
  ["an id of 31 digits", { ...REGISTER, server: "a".repeat(31) }, "bad_request"],
  ["port 0", { ...REGISTER, port: 0 }, "bad_request"],
  ["port 65536", { ...REGISTER, port: 65_536 }, "bad_request"],
  ["an update before the registration", { command: "update", revision: 1 }, "no_lease"],
  ["a renewal before the registration", { command: "renew" }, "no_lease"],
  ["no command", {}, "unknown_command"],
  ["a command that is none", { command: 7 }, "unknown_command"],
  ["a glob that is none", { command: "list", glob: 7 }, "bad_request"],
  ["a glob that is too long", { command: "list", glob: "*".repeat(300) }, "bad_request"],
  ["a page that is too long", { command: "list", count: REGISTRY_PAGE_FILES + 1 }, "bad_request"],
  ["a cursor that is none", { command: "list", since: -1 }, "bad_request"],
  ["a hostile name", { command: "locate", names: ["../x"] }, "bad_request"],
  ["a digest that is none", { command: "locate", sha256: ["zz"] }, "bad_request"],
  ["an address that is none", { command: "locate", names: ["a"], except: ["x"] }, "bad_request"],
  [
    "too many addresses",
    { command: "locate", names: ["a"], except: Array(LOCATE_EXCEPT_MAX + 1).fill(PEER) },
    "bad_request",
  ],
  [
    "too many questions",
    { command: "locate", names: Array(LOCATE_QUERIES_MAX + 1).fill("a") },
    "bad_request",
  ],
];
for (const [what, request, code] of BAD) {
  Deno.test(`a master refuses ${what}, and continues`, () => {
    const stats = { servers: 0, files: 0 };
    const { said, kinds } = play([request, { command: "stats" }], { stats });
    assertEquals([said[0]!["status"], said[0]!["code"]], ["error", code]);
    assertEquals(said[1], { status: "stats", ...stats });
    assertEquals(kinds, ["stats"]);
  });
}

const BAD_UPDATES: readonly (readonly [string, JsonObject])[] = [
  ["no revision", { put: [FILE] }],
  ["a hostile name", { revision: 1, put: [{ ...FILE, name: "../x" }] }],
  ["a device", { revision: 1, put: [{ ...FILE, name: "CON" }] }],
  ["a name with a null in it", { revision: 1, remove: ["a\0b"] }],
  ["a negative size", { revision: 1, put: [{ ...FILE, size: -1 }] }],
  ["a size that is none", { revision: 1, put: [{ ...FILE, size: 1e300 }] }],
  ["a digest in capitals", { revision: 1, put: [{ ...FILE, sha256: "C".repeat(64) }] }],
  ["no root", { revision: 1, put: [{ ...FILE, root: undefined }] }],
  ["too many files", { revision: 1, put: Array(REGISTRY_PAGE_FILES + 1).fill(FILE) }],
];
for (const [what, update] of BAD_UPDATES) {
  Deno.test(`an update with ${what} changes nothing`, () => {
    const { said, kinds } = play([REGISTER, { command: "update", ...update }]);
    assertEquals(said[1]!["code"], "bad_request");
    assertEquals(kinds, ["open", "close"]);
  });
}

Deno.test("an update that leaves one out is refused, a whole catalogue is not", () => {
  const update = { command: "update", revision: 5, put: [FILE] };
  const { said, kinds } = play([REGISTER, update, { ...update, reset: true }]);
  assertEquals([said[1]!["code"], said[2]!["status"]], ["revision", "ok"]);
  assertEquals(kinds, ["open", "update", "close"]);
});

Deno.test("a server that has as many files as it may has no more put, only removed", () => {
  const put = { command: "update", revision: 1, put: [FILE] };
  const requests = [
    ...[REGISTER, put, { ...put, revision: 2 }],
    { command: "update", revision: 2, remove: ["a.txt"] },
  ];
  const { said, kinds } = play(requests, { update: CATALOGUE_ENTRIES_MAX });
  assertEquals([said[1]!["status"], said[2]!["code"], said[3]!["status"]], [
    ...["ok", "too_many", "ok"],
  ]);
  assertEquals(kinds, ["open", "update", "update", "close"]);
});

Deno.test("who lost the lease is told so, and may register again", () => {
  const { said } = play([REGISTER, { command: "renew" }, REGISTER], { renew: false });
  assertEquals(said.map((each) => each["code"] ?? each["status"]), ["lease", "no_lease", "lease"]);
});

Deno.test("a server on the master's own host is told of at the address that the client knows", () => {
  const found = [[located("a.txt", "127.0.0.1")], [located("b", "10.0.3.4")]];
  const { said } = play([{ command: "locate", names: ["a.txt", "b"] }], { locate: found });
  const answers = said[0]!["found"] as unknown[][];
  assertEquals(answers.map(([file]) => locatedIn(file)), [
    located("a.txt", SELF),
    located("b", "10.0.3.4"),
  ]);
});

Deno.test("a listing holds what matches, and continues after the last name that was examined", () => {
  const page = Array.from(
    { length: 3 },
    (_, i) => located(`photos/${i}.${i === 1 ? "png" : "jpg"}`),
  );
  const changes = { cursor: 9, isStale: false, names: [], hasMore: false };
  const { said, steps } = play([{ command: "list", glob: "photos/*.jpg", count: 3 }], {
    page,
    changes,
  });
  assertEquals(steps.at(-1), {
    ...{ kind: "page", prefix: "photos/", after: undefined, countMax: 3 },
    work: 15,
  });
  const files = said[0]!["files"] as JsonObject[];
  assertEquals(files.map(({ name }) => name), ["photos/0.jpg", "photos/2.jpg"]);
  assertEquals([said[0]!["next"], said[0]!["cursor"]], ["photos/2.jpg", 9]);
});

Deno.test("with a long glob fewer names are looked at, and what a question costs has a bound", () => {
  const changes = { cursor: 9, isStale: false, names: [], hasMore: false };
  for (const glob of ["*", "*a".repeat(GLOB_CHARACTERS_MAX / 2)]) {
    const { steps } = play([{ command: "list", glob }], { page: [], changes });
    const step = steps.at(-1);
    assert(step?.kind === "page" && step.countMax > 0);
    assertEquals(step.countMax < REGISTRY_PAGE_FILES, glob !== "*");
    assert(step.work <= LIST_WORK_MAX && step.work > step.countMax);
  }
});

Deno.test("what changed since a cursor is told, and what is gone", () => {
  const changes = { cursor: 12, isStale: false, names: ["a.txt", "gone"], hasMore: true };
  const { said } = play([{ command: "list", since: 9 }], {
    changes,
    locate: [[located("a.txt")], []],
  });
  const { files, removed, cursor, more } = said[0]!;
  assertEquals((files as JsonObject[]).map(({ name }) => name), ["a.txt"]);
  assertEquals([removed, cursor, more], [["gone"], 12, true]);
  const stale = play([{ command: "list", since: 1 }], { changes: { ...changes, isStale: true } });
  assertEquals(stale.said, [{ status: "stale", cursor: 12 }]);
});
