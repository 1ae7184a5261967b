/**
 * One server and hosts that fetch a file of it at the same moment, however long their programs take to start; all that they say is
 * captured.
 */
import { join } from "@std/path/join";
import type { Bytes } from "../../lib/ids.ts";
import { randomFile } from "../support/e2e.ts";
import { GiftWatch } from "../support/gift_watch.ts";
import { type Host, labObstacle } from "../support/lab.ts";
import type { Site } from "../support/master_lab.ts";
import { Capture, type Captured } from "./capture.ts";
import { Fetch, MIB, Script } from "./fault_rig.ts";

/** Where several datagrams cross as one, they are told apart by nobody. */
export const takersObstacle = await labObstacle("python3", "ethtool");

const FILM_BYTES = 3 * MIB + 11;
/** Until all are there and have asked in vain. */
const PATIENCE = ["--timeout", "2", "--retries", "30", "--wait", "60"];

export class TakersScene {
  readonly server: Host;
  readonly takers: readonly Host[];
  readonly film: Bytes;
  readonly #site: Site;
  readonly #capture: Capture;

  private constructor(
    site: Site,
    capture: Capture,
    hosts: { readonly server: Host; readonly takers: readonly Host[]; readonly film: Bytes },
  ) {
    this.#site = site;
    this.#capture = capture;
    this.server = hosts.server;
    this.takers = hosts.takers;
    this.film = hosts.film;
  }

  /**
   * The server serves, and nobody fetches yet.
   *
   * @param rate of every link: slow enough for takers to hear of each other, on the cores that all of them have
   */
  static async build(site: Site, takerCount: number, rate: string): Promise<TakersScene> {
    const film = randomFile(FILM_BYTES, 1);
    const [server] = await site.hosts(1, 1);
    const takers: Host[] = [];
    while (takers.length < takerCount) takers.push(await site.lab.host(1));
    for (const host of [server, ...takers]) await host.shape(1, rate);
    const path = join(site.scratch.root, "capture");
    const capture = site.use(await Capture.start(site.lab.viaSwitch, path));
    await site.server(server, { film });
    return new TakersScene(site, capture, { server, takers, film });
  }

  /** From now on somebody who means harm is among the takers; see `taker_attacker.ts`. */
  async attack(host: Host, victims: readonly string[]): Promise<void> {
    const [server] = this.server.addresses;
    await Script.start(this.#site, host, "taker_attacker.ts", server!, "film", ...victims);
  }

  /** All of them fetch the film, from the same moment on, and bring it. */
  async fetchAll(): Promise<void> {
    await this.server.setLink(1, "down");
    const gets = this.takers.map((host, i) =>
      new Fetch(this.#site, host, `${i}`, "film", "--no-pack", ...PATIENCE)
    );
    await Promise.all(gets.map(({ process }) => process.event(({ event }) => event === "waiting")));
    await this.server.setLink(1, "up");
    await Promise.all(gets.map((get) => get.brings({ film: this.film })));
  }

  /** Ends the capture; returns what is wrong with what was captured. */
  async watched(isLiar: (address: string) => boolean = () => false): Promise<{
    readonly watch: GiftWatch;
    readonly wrong: readonly string[];
    readonly captured: readonly Captured[];
  }> {
    const captured = await this.#capture.stop();
    const watch = new GiftWatch(this.film);
    const wrong = captured.flatMap(({ from, to, datagram }) =>
      watch.onSent(from, to, datagram, !isLiar(from.address)) ?? []
    );
    // What a liar sends unasked is no fault of those who are to be honest.
    return { watch, captured, wrong: wrong.filter((each) => !isLiar(each.split(":")[0]!)) };
  }
}
