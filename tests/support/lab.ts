/**
 * Hosts on one machine: a network namespace each, joined by a bridge in a namespace of its own, so
 * that nothing leaves what the test made. Needs root and iproute2. The links do not join datagrams,
 * as no real wire does. A subnet may be a {@linkcode Wire} instead, which can do to datagrams what networks do.
 */
import { Random } from "../../lib/protocol/base/random.ts";
import type { Impairments } from "./impairments.ts";
import { Wire } from "./wire.ts";
import type { PortCounts } from "./wire_bridge.ts";

const decoder = new TextDecoder();

async function run(
  ...command: string[]
): Promise<{ readonly ok: boolean; readonly output: string }> {
  try {
    const { success, stdout, stderr } = await new Deno.Command(command[0]!, {
      args: command.slice(1),
      stdin: "null",
    }).output();
    return { ok: success, output: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    return { ok: false, output: String(error) };
  }
}

async function must(...command: string[]): Promise<string> {
  const { ok, output } = await run(...command);
  if (!ok) throw new Error(`${command.join(" ")}: ${output}`);
  return output;
}

/**
 * Why no lab can be built here; `undefined` if one can.
 *
 * @param tools programs that are needed beside iproute2
 */
export async function labObstacle(...tools: string[]): Promise<string | undefined> {
  const granted = await Promise.all(
    (["run", "net", "read", "write", "env", "sys"] as const).map((name) =>
      Deno.permissions.query({ name })
    ),
  );
  if (granted.some((status) => status.state !== "granted")) return "needs deno test -A";
  if (Deno.build.os !== "linux") return "needs Linux";
  if (Deno.uid() !== 0) return "needs root";
  const name = `shoal-try-${Deno.pid}`;
  const made = await run("ip", "netns", "add", name);
  if (!made.ok) return `needs network namespaces: ${made.output.trim()}`;
  await run("ip", "netns", "delete", name);
  for (const tool of tools) if (!(await run(tool, "--version")).ok) return `needs ${tool}`;
  return undefined;
}

/** What hosts have beside IPv4, or instead of it. */
export type Ipv6 = "none" | "beside" | "alone";

export interface Host {
  readonly namespace: string;
  /** One address a subnet that it is on, of IPv4 if it has that. */
  readonly addresses: readonly string[];
  /** One of IPv6 a subnet, if it has that: fd99:SUBNET::N. */
  readonly ipv6: readonly string[];
  /** The address that it has on each of its links, without a scope: fe80::N. */
  readonly linkLocal: string;
  /** Prefix of a command that runs on this host. */
  readonly via: readonly string[];
  /** Pulls the cable of its link in this subnet, or puts it back. */
  setLink(subnet: number, state: "up" | "down"): Promise<void>;
  /** Caps its link in this subnet, both ways. */
  shape(subnet: number, rate: string): Promise<void>;
  /** What becomes of what it sends and is sent in a subnet that is a wire, from now on. */
  impair(
    subnet: number,
    ways: { readonly fromHost?: Impairments; readonly toHost?: Impairments },
  ): Promise<void>;
  /** What it has sent and been given there. */
  count(subnet: number): Promise<PortCounts>;
  /** Runs a command there to its end; returns what it said. Throws when it fails. */
  run(...command: string[]): Promise<string>;
}

export class Lab implements AsyncDisposable {
  readonly #prefix: string;
  readonly #ipv6: Ipv6;
  readonly #namespaces: string[] = [];
  readonly #bridges = new Set<number>();
  readonly #wires = new Map<number, Wire>();
  /** By subnet, where its router is. */
  readonly #gateways = new Map<number, string>();
  #hosts = 0;

  private constructor(prefix: string, ipv6: Ipv6) {
    this.#prefix = prefix;
    this.#ipv6 = ipv6;
  }

  static async build(ipv6: Ipv6 = "beside"): Promise<Lab> {
    const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
    const lab = new Lab(`sh${new Random(seed).below(46_656).toString(36)}`, ipv6);
    await lab.#addNamespace("switch");
    return lab;
  }

  /** Prefix of a command that runs where the hosts of all subnets are plugged in. */
  get viaSwitch(): readonly string[] {
    return ["ip", "netns", "exec", `${this.#prefix}-switch`];
  }

  /**
   * A host that carries datagrams from each of `subnets` to the others, but no broadcasts. Hosts that
   * come after it send through it what is for none of their own subnets.
   */
  async router(...subnets: number[]): Promise<Host> {
    const router = await this.host(...subnets);
    await router.run("sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
    subnets.forEach((subnet, i) => this.#gateways.set(subnet, router.addresses[i]!));
    return router;
  }

  /** Makes a subnet that has no hosts yet a wire: what it does to datagrams is said for each host. */
  wire(subnet: number, seed = 1): void {
    // Its devices are made in the switch and then moved.
    this.#wires.set(subnet, new Wire(this.viaSwitch, seed));
  }

  /** A host with an interface eSUBNET in each of `subnets`: 10.99.SUBNET.N/24. */
  async host(...subnets: number[]): Promise<Host> {
    const number = ++this.#hosts;
    const namespace = await this.#addNamespace(`h${number}`);
    const addresses: string[] = [];
    const wirePorts = new Map<number, number>();
    const ipv6: string[] = [];
    const linkLocal = `fe80::${number.toString(16)}`;
    for (const subnet of subnets) {
      const inside = `e${subnet}`;
      const wire = this.#wires.get(subnet);
      if (wire === undefined) await this.#plug(subnet, number, namespace);
      else wirePorts.set(subnet, await this.#plugIntoWire(wire, subnet, number, namespace));
      const inHost = ["ip", "-n", namespace];
      if (this.#ipv6 !== "alone") {
        const address = `10.99.${subnet}.${number}`;
        await must(...inHost, "address", "add", `${address}/24`, "brd", "+", "dev", inside);
        addresses.push(address);
      }
      if (this.#ipv6 !== "none") {
        // Addresses that nobody has to check for being the only ones: they are there at once.
        await must(...inHost, "link", "set", inside, "addrgenmode", "none");
        const address = `fd99:${subnet}::${number.toString(16)}`;
        for (const each of [linkLocal, address]) {
          await must(...inHost, "address", "add", `${each}/64`, "dev", inside, "nodad");
        }
        ipv6.push(address);
      }
      await must(...inHost, "link", "set", inside, "up");
    }
    const gateway = subnets.map((each) => this.#gateways.get(each)).find((each) => each);
    if (gateway !== undefined) {
      await must("ip", "-n", namespace, "route", "add", "default", "via", gateway);
    }
    const home = `${this.#prefix}-switch`;
    const via = ["ip", "netns", "exec", namespace];
    return {
      namespace,
      addresses: this.#ipv6 === "alone" ? ipv6 : addresses,
      ipv6,
      linkLocal,
      via,
      setLink: async (subnet, state) => {
        await must("ip", "-n", home, "link", "set", `p${number}x${subnet}`, state);
      },
      shape: async (subnet, rate) => {
        const limit = ["root", "tbf", "rate", rate, "burst", "64kb", "latency", "30ms"];
        await must("tc", "-n", home, "qdisc", "replace", "dev", `p${number}x${subnet}`, ...limit);
        await must("tc", "-n", namespace, "qdisc", "replace", "dev", `e${subnet}`, ...limit);
      },
      impair: async (subnet, { fromHost, toHost }) => {
        const wire = this.#wires.get(subnet)!;
        const port = wirePorts.get(subnet)!;
        if (fromHost !== undefined) await wire.impair(port, "fromHost", fromHost);
        if (toHost !== undefined) await wire.impair(port, "toHost", toHost);
      },
      count: (subnet) => this.#wires.get(subnet)!.count(wirePorts.get(subnet)!),
      run: (...command) => must(...via, ...command),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const wire of this.#wires.values()) await wire[Symbol.asyncDispose]();
    for (const namespace of this.#namespaces) await run("ip", "netns", "delete", namespace);
  }

  async #addNamespace(role: string): Promise<string> {
    const namespace = `${this.#prefix}-${role}`;
    await must("ip", "netns", "add", namespace);
    this.#namespaces.push(namespace);
    await must("ip", "-n", namespace, "link", "set", "lo", "up");
    if (this.#ipv6 === "none") {
      const off = "for i in all default; do echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; done";
      await must("ip", "netns", "exec", namespace, "sh", "-c", off);
    }
    return namespace;
  }

  /** A pair of devices between a host and the bridge of a subnet. */
  async #plug(subnet: number, number: number, namespace: string): Promise<void> {
    await this.#bridge(subnet);
    const [inside, outside] = [`e${subnet}`, `p${number}x${subnet}`];
    const home = `${this.#prefix}-switch`;
    const peer = ["peer", "name", inside, "netns", namespace];
    await must("ip", "-n", home, "link", "add", outside, "type", "veth", ...peer);
    await must("ip", "-n", home, "link", "set", outside, "master", `br${subnet}`, "up");
    await this.#unjoin(namespace, inside);
    await this.#unjoin(home, outside);
  }

  /** Returns at which port of the wire. */
  async #plugIntoWire(
    wire: Wire,
    subnet: number,
    number: number,
    namespace: string,
  ): Promise<number> {
    const device = `w${number}x${subnet}`;
    const port = await wire.add(device);
    const home = `${this.#prefix}-switch`;
    // The only queue that drops is to be the wire's own.
    const place = ["name", `e${subnet}`, "txqueuelen", "10000", "netns", namespace];
    await must("ip", "-n", home, "link", "set", device, ...place);
    return port;
  }

  async #bridge(subnet: number): Promise<void> {
    if (this.#bridges.has(subnet)) return;
    this.#bridges.add(subnet);
    const home = `${this.#prefix}-switch`;
    await must(
      "ip",
      "-n",
      home,
      "link",
      "add",
      `br${subnet}`,
      "type",
      "bridge",
      "mcast_snooping",
      "0",
    );
    await must("ip", "-n", home, "link", "set", `br${subnet}`, "up");
  }

  /** Switches off what a veth carries joined and a wire does not; without ethtool it stays joined. */
  async #unjoin(namespace: string, device: string): Promise<void> {
    const off = ["gso", "off", "tso", "off", "tx-udp-segmentation", "off", "gro", "on"];
    await run("ip", "netns", "exec", namespace, "ethtool", "-K", device, ...off);
  }
}
