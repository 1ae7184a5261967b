/** How long clients wait for peers that give them no reason to, by a clock that is played as well. */
import "../../support/libraries.ts";
import { assert, assertEquals, assertLess, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { StreamExchange } from "../../../lib/app/client/stream_exchange.ts";
import { listOverTcpIn } from "../../../lib/app/list/tcp_list.ts";
import { listAt, locateAt } from "../../../lib/app/master/master_client.ts";
import { putIn } from "../../../lib/app/session/put.ts";
import { denoDisk } from "../../../lib/io/files/deno_disk.ts";
import { ShoalError } from "../../../lib/errors.ts";
import type { SafeFileName } from "../../../lib/ids.ts";
import type { TcpRuntime } from "../../../lib/io/net/tcp_client.ts";
import { StreamingHash } from "../../../lib/protocol/base/sha256.ts";
import { lengthPrefix } from "../../../lib/wire/session_json.ts";
import { withFolder } from "../../support/folder.ts";
import {
  type PeerLink,
  type Played,
  playTcp,
  type VirtualPeer,
} from "../../support/virtual_tcp.ts";

const TIMEOUT_MS = 4_000;
const RETRIES = 2;
/** Two attempts, and the pause between them. */
const ENOUGH_MS = RETRIES * TIMEOUT_MS + 1_000;
const FILE_BYTES = 100_000;
const PATIENCE = { layers: [], timeoutMs: TIMEOUT_MS, retries: RETRIES };
const HASH = "ab".repeat(32);

type UseCase = (runtime: TcpRuntime, server: string, path: string) => Promise<unknown>;

/** Fails like the use case, which only reports it. */
async function put(
  runtime: TcpRuntime,
  server: string,
  path: string,
  dialect: "shoal" | "ascii" | "json",
): Promise<unknown> {
  const options = { ...PATIENCE, server, files: [path], dialect };
  const [result] = await putIn({ ...runtime, disk: denoDisk }, options);
  if (result?.event === "failed") throw new ShoalError(result.code, result.message);
  return result;
}

const USE_CASES: Readonly<Record<string, UseCase>> = {
  "put": (runtime, server, path) => put(runtime, server, path, "shoal"),
  "put by ascii": (runtime, server, path) => put(runtime, server, path, "ascii"),
  "put by json": (runtime, server, path) => put(runtime, server, path, "json"),
  "list": (runtime, server) => listOverTcpIn(runtime, { ...PATIENCE, server }),
  "list by ascii": (runtime, server) =>
    listOverTcpIn(runtime, { ...PATIENCE, server, dialect: "ascii" }),
  "describe": async (runtime, server) => {
    const exchange = new StreamExchange(runtime, { ...PATIENCE, server, port: 1 });
    return await exchange.describe({ name: "a.txt" });
  },
  "layer": async (runtime, server) => {
    const exchange = new StreamExchange(runtime, { ...PATIENCE, server, port: 1 });
    return await exchange.layer({ sizeBytes: 1e9, sha256: HASH, root: HASH } as never);
  },
  "list at a master": (runtime, master) =>
    listAt(runtime, { ...PATIENCE, master, signal: new AbortController().signal }, () => {}),
  "locate at a master": (runtime, master) => {
    const queries = [{ by: "name", name: "a.txt" as SafeFileName } as const];
    return locateAt(
      runtime,
      { ...PATIENCE, master, signal: new AbortController().signal },
      queries,
    );
  },
};

/** What `useCase` makes of such a peer. */
async function played<T>(
  useCase: (runtime: TcpRuntime, server: string, path: string) => Promise<T>,
  peer: (connection: number) => VirtualPeer,
): Promise<Played<T>> {
  let run: Played<T> | undefined;
  await withFolder({}, async (folder) => {
    const path = join(folder, "a.bin");
    await Deno.writeFile(path, new Uint8Array(FILE_BYTES));
    run = await playTcp((runtime, server) => useCase(runtime, server, path), peer);
  });
  return run!;
}

function zerosHash(bytes: number): string {
  const hash = new StreamingHash();
  hash.update(new Uint8Array(bytes));
  return hash.digestHex();
}

function errorOf({ result }: { readonly result: unknown }): ShoalError {
  assert(result instanceof ShoalError, `it succeeded: ${JSON.stringify(result)}`);
  return result;
}

/** Of these nothing useful comes, whatever they are asked. */
const IDLERS: Readonly<Record<string, VirtualPeer>> = {
  "says nothing": {},
  "takes nothing": { onOpen: (link) => void (link.takes = false) },
  "sends a byte a second of a message that never ends": {
    onOpen(link) {
      link.say(lengthPrefix(200_000));
      link.repeat(" ", 1_000);
    },
  },
  "sends blanks": { onOpen: (link) => link.repeat("\n", 500) },
};

for (const [idling, peer] of Object.entries(IDLERS)) {
  for (const [what, useCase] of Object.entries(USE_CASES)) {
    Deno.test(`${what} ends with an error at a peer that ${idling}`, async () => {
      const run = await played(useCase, () => peer);
      assert(["no_server", "stalled", "network"].includes(errorOf(run).code), errorOf(run).code);
      assertLess(run.tookMs, ENOUGH_MS);
    });
  }
}

for (const [what, useCase] of Object.entries(USE_CASES)) {
  Deno.test(`${what} says that nobody is there if nothing was ever said`, async () => {
    const run = await played(useCase, () => ({}));
    assertEquals([errorOf(run).code, run.links.length], ["no_server", RETRIES]);
    assertStringIncludes(errorOf(run).hint, "secret");
    assertEquals(errorOf(run).exitCode, 3);
  });
}

/** Answers each message, of which there is one at a time, in turn; the last again and again. */
function answering(...answers: readonly ((link: PeerLink) => void)[]): VirtualPeer {
  let count = 0;
  return {
    onBytes(link) {
      answers[Math.min(count++, answers.length - 1)]!(link);
    },
  };
}

// What is well-formed and brings nothing is no reason to wait on.

Deno.test("a listing whose pages hold a file each, slowly, is given up", async () => {
  let count = 0;
  const run = await played(USE_CASES["list"]!, () =>
    answering((link) => {
      const name = `file${String(count++).padStart(9, "0")}`;
      link.tell({ status: "files", files: [{ name, size: 1 }], next: name }, 3_000);
    }));
  assertEquals(errorOf(run).code, "stalled");
  // Two pages fit the patience for one, and connections that bring so little are in vain.
  assertEquals([count, run.links.length], [4, RETRIES]);
});

Deno.test("a listing that stays where it is is nonsense", async () => {
  for (const files of [[], [{ name: "a", size: 1 }]]) {
    const run = await played(
      USE_CASES["list"]!,
      () => answering((link) => link.tell({ status: "files", files, next: "a" })),
    );
    assertEquals(errorOf(run).code, "network");
  }
});

Deno.test("a master whose listing stays where it is is nonsense", async () => {
  const run = await played(
    USE_CASES["list at a master"]!,
    () => answering((link) => link.tell({ status: "files", files: [], next: "a" })),
  );
  assertEquals(errorOf(run).code, "network");
});

Deno.test("chunks that came back before are no reason to wait on", async () => {
  const data = "00".repeat(1_024);
  const run = await played(
    USE_CASES["put by json"]!,
    () => ({
      onOpen(link) {
        link.tell({ status: "ready", checksum: HASH, total_chunks: 98 });
        for (let i = 0; i < 1_000; i++) {
          link.tell({ type: "chunk", sequence: 0, data }, 2 + i * 3_000);
        }
      },
    }),
  );
  assert(errorOf(run));
  assertLess(run.tookMs, ENOUGH_MS + 2_000);
});

Deno.test("a round of more chunks than there are is nonsense", async () => {
  const run = await played(
    USE_CASES["put by json"]!,
    () => ({
      onOpen(link) {
        link.tell({ status: "ready", checksum: HASH, total_chunks: 3 });
        for (let i = 0; i < 1_000; i++) link.tell({ type: "chunk", sequence: 0, data: "zz" });
      },
    }),
  );
  assertEquals(errorOf(run).code, "network");
});

Deno.test("a server that takes an upload and never says that it is stored is given up", async () => {
  const run = await played(USE_CASES["put"]!, () =>
    answering(
      (link) => link.tell({ status: "ready", offset: 0 }),
      () => {},
    ));
  assertEquals([errorOf(run).code, run.links.length], ["stalled", RETRIES]);
  assertLess(run.tookMs, ENOUGH_MS);
});

Deno.test("a layer that trickles in, or is longer than it can be, is given up", async () => {
  const run = await played(USE_CASES["layer"]!, () => ({
    onOpen(link) {
      link.tell({ status: "layer", length: 30_528 });
      for (let i = 0; i < 10_000; i++) link.say(lengthPrefix(1), 10 + i * 1_000);
      for (let i = 0; i < 10_000; i++) link.say("a", 11 + i * 1_000);
    },
  }));
  assertEquals(errorOf(run).code, "stalled");
  assertLess(run.tookMs, ENOUGH_MS);
  const endless = await played(USE_CASES["layer"]!, () => ({
    onOpen(link) {
      link.tell({ status: "layer", length: 30_528 });
      const frame = new Uint8Array(4 + 10_000);
      frame.set(lengthPrefix(10_000));
      link.repeat(frame, 10);
    },
  }));
  assertEquals(errorOf(endless).code, "network");
});

// What is slow, and comes nearer, is waited for.

Deno.test("a slow listing that comes on is read to its end, over several connections", async () => {
  const names = Array.from({ length: 500 }, (_, i) => `file${String(i).padStart(4, "0")}`);
  const waits: string[] = [];
  const run = await played(
    (runtime, server) =>
      listOverTcpIn(runtime, {
        ...PATIENCE,
        server,
        onEvent: (event) => event.event === "waiting" && waits.push(event.message),
      }),
    (connection) => {
      let pages = 0;
      return {
        onBytes(link) {
          const after = /"after":"(\w+)"/.exec(link.received.slice(link.received.lastIndexOf("{")));
          const start = names.indexOf(after?.[1] ?? "") + 1;
          const files = names.slice(start, start + 100).map((name) => ({ name, size: 1 }));
          if (connection < 2 && pages++ === 1) return link.hangUp();
          const next = start + 100 < names.length ? { next: files.at(-1)!.name } : {};
          link.tell({ status: "files", files, ...next }, 3_000);
        },
      };
    },
  );
  assert(Array.isArray(run.result));
  assertEquals(run.result.map(({ name }) => name), names);
  assertEquals([run.links.length, waits.length], [3, 2]);
});

Deno.test("a put on a connection that breaks off resumes, as often as it has come on", async () => {
  let kept = 0;
  const run = await played(USE_CASES["put"]!, (connection) => ({
    onBytes(link, bytes) {
      const text = new TextDecoder().decode(bytes.subarray(4));
      if (text.startsWith('{"command":"put"')) {
        kept = connection * 10_000;
        link.tell({ status: "ready", offset: kept, ...(kept > 0 && { sha256: zerosHash(kept) }) });
      } else if (text.startsWith('{"command":"body"')) {
        assertEquals(JSON.parse(text), { command: "body", offset: kept });
        if (connection < 5) link.hangUp();
      } else if (text.startsWith('{"command":"end"')) {
        const { sha256 } = JSON.parse(text);
        const md5 = "0".repeat(32);
        link.tell({ status: "stored", name: "a.bin", size: FILE_BYTES, sha256, md5 });
      }
    },
  }));
  assert(!(run.result instanceof ShoalError), String(run.result));
  assertEquals(run.links.length, 6);
});

Deno.test("a server that is crowded is tried again", async () => {
  const run = await played(
    USE_CASES["list"]!,
    (connection) =>
      answering((link) =>
        connection === 0
          ? link.tell({ status: "error", code: "crowded", message: "too many" })
          : link.tell({ status: "files", files: [] })
      ),
  );
  assertEquals([run.result, run.links.length], [[], 2]);
});
