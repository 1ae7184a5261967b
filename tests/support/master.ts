/**
 * Masters, servers that register with them, and what is registered, as real processes on loopback.
 * Clients ask at a discovery port that nobody answers at, so that whatever they find they were told.
 */
import type { JsonObject } from "../../lib/wire/session_json.ts";
import {
  type JsonEvent,
  runShoal,
  type Scratch,
  ShoalProcess,
  startServer,
} from "./shoal_process.ts";
import { TcpPeer } from "./tcp_peer.ts";

const POLL_MS = 20;

/** Asks again and again until it is so; fails when that takes longer than `withinMs`. */
export async function eventually(
  what: string,
  withinMs: number,
  is: () => Promise<boolean> | boolean,
): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  while (!await is()) {
    if (Date.now() > deadlineMs) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** A port of both kinds that nothing holds now, away from those that programs are given at random. */
export function freeTcpPort(): number {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = 12_000 + crypto.getRandomValues(new Uint16Array(1))[0]! % 18_000;
    try {
      Deno.listen({ hostname: "0.0.0.0", port }).close();
      Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port }).close();
      return port;
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
  throw new Error("no free port");
}

/** A master that answers by the time this resolves. */
export async function startMaster(
  port: number,
  store = "memory",
  ...args: string[]
): Promise<ShoalProcess> {
  const master = new ShoalProcess(["master", "--port", `${port}`, "--store", store, ...args]);
  await master.event((event) => event.event === "mastering");
  return master;
}

/** A server of a folder, which masters have heard everything of by the time this resolves. */
export async function startRegistered(
  scratch: Scratch,
  masters: readonly number[],
  options: { readonly args?: readonly string[]; readonly folder?: string } = {},
): Promise<ShoalProcess> {
  const { args = [], folder = scratch.served } = options;
  const told = masters.flatMap((port) => ["--master", `127.0.0.1:${port}`]);
  const server = await startServer(scratch, freeTcpPort(), [...told, ...args], folder);
  for (const port of masters) {
    await server.event((event) =>
      isRegistration(event) && String(event["message"]).includes(`${port}`)
    );
  }
  return server;
}

export function isRegistration({ event, message }: JsonEvent): boolean {
  return event === "notice" && String(message).startsWith("Registered with master");
}

/** What `peer` answers to one request. */
export async function ask(peer: TcpPeer, request: unknown): Promise<JsonObject> {
  await peer.say(request);
  return await peer.message();
}

export async function askMaster(port: number, request: unknown): Promise<JsonObject> {
  using peer = await TcpPeer.connect(port);
  return await ask(peer, request);
}

/** Names that a master tells of, as it is asked by hand. */
export async function namesAt(port: number): Promise<string[]> {
  const { files } = await askMaster(port, { command: "list" });
  return (files as readonly { readonly name: string }[]).map(({ name }) => name);
}

/** What a fake server says that it has; contents of one number are equal. */
export function fakeFile(name: string, content = 1): JsonObject {
  const hash = content.toString(16).padStart(64, "0");
  return { name, size: 1_000 + content, mtime: 1_700_000_000_000, sha256: hash, root: hash };
}

/** A peer that has registered these files, at a UDP port of its choice, as long as it is not closed. */
export async function registerFake(
  master: number,
  files: readonly unknown[],
  udpPort = freeTcpPort(),
  server = crypto.randomUUID().replaceAll("-", ""),
): Promise<TcpPeer> {
  const peer = await TcpPeer.connect(master);
  const { status } = await ask(peer, { command: "register", server, port: udpPort });
  if (status !== "lease") throw new Error(`no lease: ${status}`);
  const update = { command: "update", revision: 1, reset: true, put: files };
  const answer = await ask(peer, update);
  if (answer["status"] !== "ok") throw new Error(JSON.stringify(answer));
  return peer;
}

const asksOf = (masters: readonly number[]): string[] =>
  masters.flatMap((port) => ["--master", `127.0.0.1:${port}`]);

/** A `get` whose broadcasts nobody hears. */
export function startGet(
  scratch: Scratch,
  masters: readonly number[],
  ...args: string[]
): ShoalProcess {
  const port = `${freeTcpPort()}`;
  return new ShoalProcess(
    ["get", ...args, "--port", port, "--out", scratch.out, ...asksOf(masters)],
  );
}

export async function runGet(scratch: Scratch, masters: readonly number[], ...args: string[]) {
  await using process = startGet(scratch, masters, ...args);
  const code = await process.exit();
  return { code, process, events: process.events };
}

/** What `list` shows whose broadcasts nobody hears. */
export async function runList(...masters: number[]): Promise<readonly JsonEvent[]> {
  const run = await runShoal(["list", "--port", `${freeTcpPort()}`, ...asksOf(masters)]);
  if (run.code !== 0) throw new Error(run.process.description());
  return run.events.filter((event) => event.event === "file");
}

export async function runListNames(...masters: number[]): Promise<string[]> {
  return (await runList(...masters)).map((event) => String(event["name"]));
}
