/**
 * Who controls fewer addresses than the honest servers can't choose what a name means, whatever ids it
 * invents and whatever addresses it borrows (docs/SECURITY.md, "Names").
 */
import { assert, assertEquals } from "@std/assert";
import { e2e, failures, randomFile, sha256Hex } from "../support/e2e.ts";
import { freePort, Scratch, ShoalProcess, startServer } from "../support/shoal_process.ts";
import { type EvilOptions, EvilServer } from "./evil_server.ts";
import { find, framesOf, random64, readOffer, TYPE } from "./frames.ts";

const TRUE_BYTES = randomFile(9_000, 1);
const OTHER_BYTES = randomFile(9_000, 2);

interface Ended {
  readonly code: number;
  readonly get: ShoalProcess;
  /** What lies under the name afterwards. */
  readonly file: Uint8Array | undefined;
}

/** A `get` of a file that honest servers have, among attackers. */
async function getAmong(
  attackers: (honestId: Uint8Array) => readonly Partial<EvilOptions>[],
  args: readonly string[] = [],
): Promise<Ended> {
  await using scratch = await Scratch.make();
  await using stack = new AsyncDisposableStack();
  await scratch.serve("report.txt", TRUE_BYTES);
  const discoveryPort = freePort();
  stack.use(await startServer(scratch, discoveryPort));
  const honestId = await idOf(discoveryPort, "report.txt");
  for (const options of attackers(honestId)) {
    const evil = { address: "127.0.0.66", discoveryPort, content: OTHER_BYTES, ...options };
    stack.use(await EvilServer.start(evil));
  }
  const port = ["--port", String(discoveryPort)];
  const get = stack.use(
    new ShoalProcess(["get", "report.txt", "--out", scratch.out, ...port, ...args]),
  );
  const code = await get.exit();
  const file = await scratch.read("report.txt").catch(() => undefined);
  return { code, get, file };
}

/** The id that the server of a file says it has. */
async function idOf(port: number, name: string): Promise<Uint8Array> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  for (;;) {
    await socket.send(find(random64(), [{ name }]), {
      transport: "udp",
      hostname: "127.0.0.1",
      port,
    });
    for (const frame of framesOf((await socket.receive())[0])) {
      if (frame.type !== TYPE.offer) continue;
      socket.close();
      return readOffer(frame).server;
    }
  }
}

function assertBrought({ code, get, file }: Ended): void {
  assertEquals(code, 0, get.description());
  assertEquals(file, TRUE_BYTES);
}

e2e(
  "other bytes under the id of the honest server, from an address that hears nothing",
  async () => {
    assertBrought(
      await getAmong((id) => [{ id, hears: false }, { address: "127.0.0.67", id, hears: false }]),
    );
  },
);

e2e("other bytes under the id of the honest server, from an address that answers", async () => {
  const ended = await getAmong((id) => [{ id }]);
  // Where the honest one is heard after the choice, that is said as well.
  if (ended.code !== 0) return await assertAmbiguous(ended);
  const warnings = ended.get.events.filter(({ level }) => level === "warning");
  assert(warnings.some(({ message }) => `${message}`.includes("chosen before others were heard")));
  await assertNamesBoth(ended);
});

e2e("the true content under the id of the honest server, and other bytes when asked", async () => {
  const rotten = { content: TRUE_BYTES, asked: "rotten" } as const;
  assertBrought(
    await getAmong((id) => [{ id, ...rotten }, { id, ...rotten, address: "127.0.0.67" }]),
  );
});

e2e("ghosts by the dozen: addresses that offer and don't hear", async () => {
  const ghosts = Array.from({ length: 12 }, (_, i) => ({
    address: `127.0.0.${70 + i}`,
    hears: false,
  }));
  assertBrought(await getAmong(() => ghosts));
});

e2e("ghosts that answer questions and send nothing", async () => {
  const silent = ["127.0.0.70", "127.0.0.71", "127.0.0.72"].map((address) => ({
    address,
    content: TRUE_BYTES,
    asked: "silent" as const,
  }));
  assertBrought(await getAmong(() => silent));
});

e2e("offers from the address of the honest server, other ports, before its own", async () => {
  assertBrought(
    await getAmong((id) => [{ address: "127.0.0.1", id, copies: 64, hears: false }]),
  );
});

e2e("two addresses of an attacker against one honest server: said, never silently", async () => {
  const ended = await getAmong(() => [{ address: "127.0.0.66" }, { address: "127.0.0.67" }]);
  // It has the majority, which is worth what it is worth without a secret: who holds which is said.
  assertEquals(ended.code, 0, ended.get.description());
  assertEquals(ended.file, OTHER_BYTES);
  await assertNamesBoth(ended);
});

for (const asked of ["silent", "layer only"] as const) {
  e2e(
    `a pinned content that two addresses offer with a root of their own, and bring: ${asked}`,
    async () => {
      const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", TRUE_BYTES));
      const lie = { asked, claims: { sha256 } };
      const pin = ["--sha256", await sha256Hex(TRUE_BYTES)];
      const ended = await getAmong(() => [lie, { ...lie, address: "127.0.0.67" }], pin);
      assertBrought(ended);
      // Nobody's patience was used up meanwhile.
      assertEquals(ended.get.events.filter(({ event }) => event === "waiting"), []);
    },
  );
}

e2e("a pinned content that two addresses offer with a root of their own, and bring", async () => {
  const sha256 = new Uint8Array(await crypto.subtle.digest("SHA-256", TRUE_BYTES));
  const lie = { claims: { sha256 } };
  const pin = ["--sha256", await sha256Hex(TRUE_BYTES)];
  assertBrought(await getAmong(() => [lie, { ...lie, address: "127.0.0.67" }], pin));
});

e2e("a file that is never ready, by whoever says so, keeps nobody waiting", async () => {
  assertBrought(await getAmong((id) => [{ id, neverReady: true }, { neverReady: true }]));
});

e2e("other bytes under a name that the only other server is still hashing", async () => {
  await using scratch = await Scratch.make();
  const discoveryPort = freePort();
  const [small, hashed] = [OTHER_BYTES.slice(0, 5), TRUE_BYTES];
  await using _evil = await EvilServer.start({
    address: "127.0.0.66",
    discoveryPort,
    content: small,
  });
  await using _other = await EvilServer.start({
    ...{ address: "127.0.0.67", discoveryPort, content: hashed, neverReady: true },
  });
  const args = ["--out", scratch.out, "--port", String(discoveryPort)];
  await using get = new ShoalProcess(["get", "report.txt", ...args]);
  assertEquals(await get.exit(), 4, get.description());
  assertEquals(await scratch.read("report.txt").catch(() => undefined), undefined);
  const description = get.description();
  assert(description.includes("9000 bytes, still being hashed at 127.0.0.67"), description);
  assert(description.includes(await sha256Hex(small)), description);
});

/** Neither content has a majority: nothing is brought, and both are named. */
async function assertAmbiguous(ended: Ended): Promise<void> {
  assertEquals(ended.code, 4, ended.get.description());
  assertEquals(ended.file, undefined);
  assertEquals(failures(ended.get.events).length, 1);
  await assertNamesBoth(ended);
}

async function assertNamesBoth({ get }: Ended): Promise<void> {
  for (const bytes of [TRUE_BYTES, OTHER_BYTES]) {
    const short = (await sha256Hex(bytes)).slice(0, 8);
    assert(get.description().includes(short), `${short} is not named: ${get.description()}`);
  }
}
