/**
 * A network namespace a host, and one for the switch that joins them: nothing leaves what was made
 * here. Links can be capped and packets lost. Needs root, iproute2, ethtool, and nftables for loss.
 */
import type { Bed, Host, Wiring } from "./bed.ts";
import { must, pathOf, run } from "./command.ts";

/** Of hosts beside the servers, and of those behind the router. */
const SUBNETS = ["10.97.0", "10.97.1"] as const;
/** The number of the router on both. */
const ROUTER = 254;
/** Even, and so are the next: a tool may want the port after its own as well. */
const PORT_FIRST = 20_000;
const DEVICE = "e0";
/** The router's device on the second subnet. */
const FAR_DEVICE = "e1";
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
  readonly clients: Host[] = [];
  readonly servers: Host[] = [];
  router: Host | undefined;
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
    return this.clients[0]!;
  }

  get #switch(): string {
    return `${this.#prefix}-switch`;
  }

  async build(): Promise<void> {
    const { serverCount, clientCount = 1, clientMbit, serverMbit = [] } = this.#wiring;
    const { lossPermille = 0, remote } = this.#wiring;
    await this.#addNamespace(this.#switch);
    await this.#addBridge(0);
    if (remote !== undefined) await this.#addRouter(remote.mbit);
    const farCount = remote?.clientCount ?? 0;
    for (let index = 0; index < clientCount; index++) {
      const mbit = typeof clientMbit === "number" ? clientMbit : clientMbit?.[index];
      const subnet = index < clientCount - farCount ? 0 : 1;
      this.clients.push(await this.#addHost(index + 1, mbit, subnet));
    }
    for (let index = 0; index < serverCount; index++) {
      this.servers.push(await this.#addHost(clientCount + index + 1, serverMbit[index], 0));
    }
    if (lossPermille > 0) await this.#lose(lossPermille);
  }

  port(): number {
    this.#nextPort += 2;
    return this.#nextPort;
  }

  /** Where the host forbids an algorithm to namespaces, the route to the others names it instead. */
  async useCongestion(name: string): Promise<string> {
    for (const { address, via } of [...this.clients, ...this.servers]) {
      const setting = `net.ipv4.tcp_congestion_control=${name}`;
      const { ok } = await run(...via, "sysctl", "-qw", setting);
      const route = ["proto", "kernel", "scope", "link", "src", address];
      const control = ok ? [] : ["congctl", name];
      const subnet = `${address.slice(0, address.lastIndexOf("."))}.0/24`;
      await must(...via, "ip", "route", "replace", subnet, ...LINK, ...route, ...control);
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

  async #addBridge(subnet: number): Promise<void> {
    const bridge = ["type", "bridge", "mcast_snooping", "0"];
    await must("ip", "-n", this.#switch, "link", "add", `br${subnet}`, ...bridge);
    await must("ip", "-n", this.#switch, "link", "set", `br${subnet}`, "up");
  }

  async #addHost(number: number, mbit: number | undefined, subnet: number): Promise<Host> {
    const namespace = `${this.#prefix}-h${number}`;
    await this.#addNamespace(namespace);
    await this.#writeNames(namespace);
    const address = await this.#plug({ namespace, number, subnet, device: DEVICE, mbit });
    await must("ip", "-n", namespace, "route", "add", "224.0.0.0/4", ...LINK);
    if (this.router !== undefined) {
      const gateway = `${SUBNETS[subnet]}.${ROUTER}`;
      await must("ip", "-n", namespace, "route", "add", "default", "via", gateway);
    }
    return { address, via: viaOf(namespace), env: this.#env, device: DEVICE };
  }

  /** Its rate is that of the second subnet's side, whichever way something goes. */
  async #addRouter(mbit: number): Promise<void> {
    await this.#addBridge(1);
    const namespace = `${this.#prefix}-router`;
    await this.#addNamespace(namespace);
    const place = { namespace, number: ROUTER };
    await this.#plug({ ...place, subnet: 0, device: DEVICE, mbit: undefined });
    const address = await this.#plug({ ...place, subnet: 1, device: FAR_DEVICE, mbit });
    const via = viaOf(namespace);
    await must(...via, "sysctl", "-qw", "net.ipv4.ip_forward=1");
    this.router = { address, via, env: this.#env, device: FAR_DEVICE };
  }

  /** Returns the address that it has there. */
  async #plug({ namespace, number, subnet, device, mbit }: Plug): Promise<string> {
    const [port, address] = [`p${number}x${subnet}`, `${SUBNETS[subnet]}.${number}`];
    const peer = ["type", "veth", "peer", "name", device, "netns", namespace];
    await must("ip", "-n", this.#switch, "link", "add", port, ...peer);
    await must("ip", "-n", this.#switch, "link", "set", port, "master", `br${subnet}`, "up");
    const local = ["address", "add", `${address}/24`, "brd", "+", "dev", device];
    await must("ip", "-n", namespace, ...local);
    await must("ip", "-n", namespace, "link", "set", device, "up");
    await this.#setOffloads(namespace, device, port);
    if (mbit !== undefined) await this.#shape(namespace, device, port, mbit);
    return address;
  }

  /** Daemons that look up who calls wait for seconds when nothing knows the address. */
  async #writeNames(namespace: string): Promise<void> {
    const { serverCount, clientCount = 1 } = this.#wiring;
    const hosts = Array.from(
      { length: serverCount + clientCount },
      (_, i) => SUBNETS.map((subnet) => `${subnet}.${i + 1} host${i + 1}\n`).join(""),
    );
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
  async #setOffloads(namespace: string, device: string, port: string): Promise<void> {
    const { offloads, lossPermille = 0 } = this.#wiring;
    if (offloads) return;
    const ethtool = (where: string, link: string, gro: "on" | "off") =>
      must("ip", "netns", "exec", where, "ethtool", "-K", link, ...UNJOINED, "gro", gro);
    await ethtool(namespace, device, "on");
    await ethtool(this.#switch, port, lossPermille > 0 ? "off" : "on");
  }

  async #shape(
    namespace: string,
    device: string,
    port: string,
    mbit: number,
  ): Promise<void> {
    const limit = ["root", "tbf", "rate", `${mbit}mbit`, "burst", "64kb", "latency", "30ms"];
    await must("tc", "-n", this.#switch, "qdisc", "replace", "dev", port, ...limit);
    await must("tc", "-n", namespace, "qdisc", "replace", "dev", device, ...limit);
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

/** One end of a link to the switch. */
interface Plug {
  readonly namespace: string;
  readonly number: number;
  readonly subnet: number;
  readonly device: string;
  readonly mbit: number | undefined;
}

function viaOf(namespace: string): readonly string[] {
  return ["ip", "netns", "exec", namespace];
}

function etcFolder(namespace: string): string {
  return `/etc/netns/${namespace}`;
}
