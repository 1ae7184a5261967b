/**
 * Masters, servers and clients on hosts of a lab. Everything is at its default port, and whatever was
 * begun ends with the site.
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { parseHostPort } from "../../lib/address.ts";
import { MASTER_PORT } from "../../lib/limits.ts";
import type { JsonObject } from "../../lib/wire/session_json.ts";
import { type Host, type Ipv6, Lab } from "./lab.ts";
import { httpGet, LabPeer } from "./lab_peer.ts";
import { eventually } from "./master.ts";
import { type JsonEvent, Scratch, type ShoalOptions, ShoalProcess } from "./shoal_process.ts";

/** The hosts find each other by themselves: nothing but what an interface says. */
const NO_BROADCAST_SET = { SHOAL_BROADCAST: "" };
const METRICS_PORT = 9_100;
const SETTLED_MS_MAX = 20_000;

/** A tuple of so many. */
type Hosts<Count extends number, Some extends readonly Host[] = readonly []> =
  Some["length"] extends Count ? Some : Hosts<Count, readonly [...Some, Host]>;

export type Files = Readonly<Record<string, Uint8Array<ArrayBuffer>>>;

export class Site implements AsyncDisposable {
  readonly lab: Lab;
  readonly scratch: Scratch;
  /** What all programs are told from now on, beside the usual. */
  env: Readonly<Record<string, string>> = {};
  readonly #stack: AsyncDisposableStack;

  private constructor(lab: Lab, scratch: Scratch, stack: AsyncDisposableStack) {
    this.lab = lab;
    this.scratch = scratch;
    this.#stack = stack;
  }

  static async build(ipv6?: Ipv6): Promise<Site> {
    await using stack = new AsyncDisposableStack();
    const lab = stack.use(await Lab.build(ipv6));
    const scratch = stack.use(await Scratch.make());
    return new Site(lab, scratch, stack.move());
  }

  /** So many hosts, all on one subnet. */
  async hosts<Count extends number>(subnet: number, count: Count): Promise<Hosts<Count>> {
    const hosts: Host[] = [];
    while (hosts.length < count) hosts.push(await this.lab.host(subnet));
    return hosts as Hosts<Count>;
  }

  /** Ends with the site what was begun on it. */
  use<T extends AsyncDisposable>(begun: T): T {
    return this.#stack.use(begun);
  }

  /** A master that answers by the time this resolves. */
  async master(host: Host, store = "memory"): Promise<LabMaster> {
    const master = this.use(new LabMaster(host, store));
    await master.start();
    return master;
  }

  /** A server of these files, in a folder of its own, that answers by the time this resolves. */
  async server(
    host: Host,
    files: Files,
    masters: readonly LabMaster[] = [],
    ...args: string[]
  ): Promise<ShoalProcess> {
    const folder = join(this.scratch.root, host.namespace);
    for (const [name, bytes] of Object.entries(files)) {
      await this.scratch.serve(name, bytes, folder);
    }
    const told = masters.flatMap(({ address }) => ["--master", address]);
    const server = this.start(host, ["server", folder, ...told, ...args]);
    await server.event(({ event }) => event === "ready");
    return server;
  }

  /** A program on a host. */
  start(
    host: Host,
    args: readonly string[],
    options: Pick<ShoalOptions, "env" | "json" | "permissions"> = {},
  ): ShoalProcess {
    const env = { ...this.scratch.env, ...NO_BROADCAST_SET, ...this.env, ...options.env };
    return this.use(new ShoalProcess(args, { ...options, env, via: host.via }));
  }

  get(host: Host, ...args: string[]): ShoalProcess {
    return this.start(host, ["get", ...args, "--out", this.scratch.out]);
  }

  /** What a `list` shows, as {@linkcode LabMaster.told} has it. */
  async list(host: Host, ...args: string[]): Promise<string[]> {
    const list = this.start(host, ["list", ...args]);
    assertEquals(await list.exit(), 0, list.description());
    const files = list.events.filter(({ event }) => event === "file");
    return files.flatMap(({ name, servers }) =>
      (servers as readonly string[]).map((endpoint) => `${name} ${addressIn(endpoint)}`)
    ).sort();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync();
  }
}

export class LabMaster implements AsyncDisposable {
  readonly host: Host;
  readonly #store: string;
  #process: ShoalProcess | undefined;
  #peer: LabPeer | undefined;

  constructor(host: Host, store: string) {
    this.host = host;
    this.#store = store;
  }

  get address(): string {
    return this.host.addresses[0]!;
  }

  async start(): Promise<void> {
    const metrics = ["--metrics-port", `${METRICS_PORT}`, "--metrics-host", "0.0.0.0"];
    const args = ["master", "--store", this.#store, ...metrics];
    this.#process = new ShoalProcess(args, { env: NO_BROADCAST_SET, via: this.host.via });
    await this.#process.event(({ event }) => event === "mastering");
  }

  /** Ends it without giving it time to say anything. */
  async kill(): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    await this.#hangUp();
  }

  /** What it answers to one request from its own host. */
  async ask(request: JsonObject): Promise<JsonObject> {
    this.#peer ??= new LabPeer(this.host, this.address, MASTER_PORT);
    return await this.#peer.ask(request);
  }

  /** `NAME ADDRESS` of every file of every server that it tells of; nothing while it cannot. */
  async told(): Promise<string[]> {
    const said = await this.ask({ command: "list" });
    if (said["status"] !== "files") await this.#hangUp();
    const files = (said["files"] ?? []) as readonly {
      readonly name: string;
      readonly servers: readonly { readonly address: string }[];
    }[];
    return files.flatMap(({ name, servers }) => servers.map(({ address }) => `${name} ${address}`))
      .sort();
  }

  /** Waits until it tells of this and of nothing else; returns after how long that was. */
  async tells(expected: readonly string[], withinMs = SETTLED_MS_MAX): Promise<number> {
    const startMs = Date.now();
    const wanted = JSON.stringify([...expected].sort());
    let last: readonly string[] = [];
    const isSo = async () => JSON.stringify(last = await this.told()) === wanted;
    await eventually(`${this.address} tells of ${wanted}`, withinMs, isSo).catch((error) => {
      throw new Error(`${error.message}, but of ${JSON.stringify(last)}`);
    });
    return Date.now() - startMs;
  }

  /** A counter or gauge of it; 0 as long as there is nothing to count. */
  async metric(name: string): Promise<number> {
    const { text } = await httpGet(this.host, this.address, METRICS_PORT, "/metrics");
    const line = text.split("\n").find((each) => each.startsWith(`${name} `));
    return Number(line?.slice(name.length) ?? 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  async #hangUp(): Promise<void> {
    await this.#peer?.[Symbol.asyncDispose]();
    this.#peer = undefined;
  }
}

/** The address in `ADDRESS:PORT`. */
export function addressIn(endpoint: unknown): string {
  return parseHostPort(String(endpoint))?.host ?? "";
}

/** By whom bytes of a file came, and how many. */
export function sharesOf(events: readonly JsonEvent[]): Record<string, number> {
  const done = events.find(({ event }) => event === "done");
  const servers = (done?.["servers"] ?? []) as readonly { server: string; bytes: number }[];
  const given = servers.filter(({ bytes }) => bytes > 0);
  return Object.fromEntries(given.map(({ server, bytes }) => [addressIn(server), bytes]));
}

/** By whom a file was offered, and which master had told of them. */
export function tellersOf(events: readonly JsonEvent[]): Record<string, unknown> {
  const offers = events.filter(({ event }) => event === "offer");
  return Object.fromEntries(offers.map(({ server, master }) => [addressIn(server), master]));
}
