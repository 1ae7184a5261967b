/**
 * A network namespace a host, and one for the switch that joins them: nothing leaves what was made
 * here. Links can be capped and packets lost. Needs root, iproute2, ethtool, and nftables for loss.
 */
import type { Bed, Host, Wiring } from "./bed.ts";
import { must, pathOf, run } from "./command.ts";

const SUBNET = "10.97.0";
/** Even, and so are the next: a tool may want the port after its own as well. */
const PORT_FIRST = 20_000;
const DEVICE = "e0";
const LINK = ["dev", DEVICE];
const UNJOINED = ["gso", "off", "tso", "off", "tx-udp-segmentation", "off"];

/** Why no namespaces can be made here; `undefined` if they can. */
export async function namespaceObstacle(): Promise<string | undefined> {
  if (Deno.build.os !== "linux") return "this is not Linux";
  if (Deno.uid() !== 0) return "this is not root";
  for (const program of ["ip", "tc", "nft", "ethtool", "sysctl"]) {
    if (await pathOf(program) === undefined) return `${program} is not installed`;
  }
  const name = `sb-try-${Deno.pid}`;
  const made = await run("ip", "netns", "add", name);
  await run("ip", "netns", "delete", name);
  return made.ok ? undefined : made.text.trim();
}

export async function namespaceBed(
  wiring: Wiring,
  env: Readonly<Record<string, string>>,
): Promise<Bed> {
  const network = new Network(wiring, env);
  try {
    await network.build();
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

class Network implements Bed {
  readonly kind = "namespaces";
  readonly servers: Host[] = [];
  #client: Host | undefined;
  readonly #wiring: Wiring;
  readonly #env: Readonly<Record<string, string>>;
  readonly #prefix = `sb-${Deno.pid}`;
  readonly #namespaces: string[] = [];
  #nextPort = PORT_FIRST;

  constructor(wiring: Wiring, env: Readonly<Record<string, string>>) {
    this.#wiring = wiring;
    // Whoever starts the bench may have limited the broadcasts of this machine to itself.
    this.#env = { ...env, SHOAL_BROADCAST: "" };
  }

  get client(): Host {
    return this.#client!;
  }

  get #switch(): string {
    return `${this.#prefix}-switch`;
  }

  async build(): Promise<void> {
    const { serverCount, clientMbit, serverMbit = [], lossPermille = 0 } = this.#wiring;
    await this.#addNamespace(this.#switch);
    const bridge = ["type", "bridge", "mcast_snooping", "0"];
    await must("ip", "-n", this.#switch, "link", "add", "br0", ...bridge);
    await must("ip", "-n", this.#switch, "link", "set", "br0", "up");
    this.#client = await this.#addHost(1, clientMbit);
    for (let index = 0; index < serverCount; index++) {
      this.servers.push(await this.#addHost(index + 2, serverMbit[index]));
    }
    if (lossPermille > 0) await this.#lose(lossPermille);
  }

  port(): number {
    this.#nextPort += 2;
    return this.#nextPort;
  }

  /** Where the host forbids an algorithm to namespaces, the route to the others names it instead. */
  async useCongestion(name: string): Promise<string> {
    for (const { address, via } of [this.client, ...this.servers]) {
      const setting = `net.ipv4.tcp_congestion_control=${name}`;
      const { ok } = await run(...via, "sysctl", "-qw", setting);
      const route = ["proto", "kernel", "scope", "link", "src", address];
      const control = ok ? [] : ["congctl", name];
      await must(...via, "ip", "route", "replace", `${SUBNET}.0/24`, ...LINK, ...route, ...control);
    }
    return name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const namespace of this.#namespaces) {
      const { ok, text } = await run("ip", "netns", "pids", namespace);
      const pids = ok ? text.split("\n").filter(Boolean) : [];
      if (pids.length > 0) await run("kill", "-9", ...pids);
      await run("ip", "netns", "delete", namespace);
      await Deno.remove(etcFolder(namespace), { recursive: true }).catch(() => {});
    }
    // Only if nobody else keeps something there.
    await Deno.remove("/etc/netns").catch(() => {});
  }

  async #addNamespace(namespace: string): Promise<void> {
    await must("ip", "netns", "add", namespace);
    this.#namespaces.push(namespace);
    await must("ip", "-n", namespace, "link", "set", "lo", "up");
    // Without it, its own chatter is among the packets.
    const setting = "net.ipv6.conf.all.disable_ipv6=1";
    await run("ip", "netns", "exec", namespace, "sysctl", "-qw", setting);
  }

  async #addHost(number: number, mbit: number | undefined): Promise<Host> {
    const namespace = `${this.#prefix}-h${number}`;
    await this.#addNamespace(namespace);
    await this.#writeNames(namespace);
    const [port, address] = [`p${number}`, `${SUBNET}.${number}`];
    const peer = ["type", "veth", "peer", "name", DEVICE, "netns", namespace];
    await must("ip", "-n", this.#switch, "link", "add", port, ...peer);
    await must("ip", "-n", this.#switch, "link", "set", port, "master", "br0", "up");
    const local = ["address", "add", `${address}/24`, "brd", "+", ...LINK];
    await must("ip", "-n", namespace, ...local);
    await must("ip", "-n", namespace, "link", "set", DEVICE, "up");
    await must("ip", "-n", namespace, "route", "add", "224.0.0.0/4", ...LINK);
    await this.#setOffloads(namespace, port);
    if (mbit !== undefined) await this.#shape(namespace, port, mbit);
    const via = ["ip", "netns", "exec", namespace];
    return { address, via, env: this.#env, device: DEVICE };
  }

  /** Daemons that look up who calls wait for seconds when nothing knows the address. */
  async #writeNames(namespace: string): Promise<void> {
    const count = this.#wiring.serverCount + 1;
    const hosts = Array.from({ length: count }, (_, i) => `${SUBNET}.${i + 1} host${i + 1}\n`);
    await Deno.mkdir(etcFolder(namespace), { recursive: true });
    await Deno.writeTextFile(
      `${etcFolder(namespace)}/hosts`,
      `127.0.0.1 localhost\n${hosts.join("")}`,
    );
  }

  /**
   * Without offloads, every packet of 1,500 bytes crosses the link by itself, and who receives it joins
   * what belongs together, as a network card's driver does. A switch that loses packets joins none, or
   * it would lose dozens at once.
   */
  async #setOffloads(namespace: string, port: string): Promise<void> {
    const { offloads, lossPermille = 0 } = this.#wiring;
    if (offloads) return;
    const ethtool = (where: string, link: string, gro: "on" | "off") =>
      must("ip", "netns", "exec", where, "ethtool", "-K", link, ...UNJOINED, "gro", gro);
    await ethtool(namespace, DEVICE, "on");
    await ethtool(this.#switch, port, lossPermille > 0 ? "off" : "on");
  }

  async #shape(namespace: string, port: string, mbit: number): Promise<void> {
    const limit = ["root", "tbf", "rate", `${mbit}mbit`, "burst", "64kb", "latency", "30ms"];
    await must("tc", "-n", this.#switch, "qdisc", "replace", "dev", port, ...limit);
    await must("tc", "-n", namespace, "qdisc", "replace", ...LINK, ...limit);
  }

  /** Address resolution is spared: a lost question would cost a second, whoever asks. */
  async #lose(permille: number): Promise<void> {
    const rules = `table bridge f {
      chain loss {
        type filter hook forward priority 0;
        ether type ip numgen random mod 1000 < ${permille} drop
      }
    }`;
    await must("ip", "netns", "exec", this.#switch, "nft", rules);
  }
}

function etcFolder(namespace: string): string {
  return `/etc/netns/${namespace}`;
}
