/** Where a scenario takes place: hosts to run programs on, joined by a network. */

export interface Host {
  readonly address: string;
  /** Prefix of a command that runs on this host. */
  readonly via: readonly string[];
  /** What programs there find in their environment, beside our own. */
  readonly env: Readonly<Record<string, string>>;
  /** The interface towards the others. */
  readonly device: string;
}

export interface Bed extends AsyncDisposable {
  readonly kind: "namespaces" | "loopback";
  /** Whoever fetches, where only one does: the first of all. */
  readonly client: Host;
  readonly clients: readonly Host[];
  readonly servers: readonly Host[];
  /** What joins two subnets, if there are two: its device leads to the second. */
  readonly router: Host | undefined;
  /** A port that nothing uses on any of the hosts. */
  port(): number;
  /** Which congestion control connections get from now on; where it cannot be set, what they have. */
  useCongestion(name: string): Promise<string>;
}

export interface Wiring {
  readonly serverCount: number;
  /** Whether links carry joined packets whole, as no real wire does. */
  readonly offloads: boolean;
  /** Of a thousand packets, how many the switch loses. */
  readonly lossPermille?: number;
  /** One by default. */
  readonly clientCount?: number;
  /** Rates of the links; unlimited where absent. One for all clients, or one for each. */
  readonly clientMbit?: number | readonly number[];
  readonly serverMbit?: readonly number[];
  /** The last of the clients are on another subnet, behind a router that carries so much each way, and no broadcasts. */
  readonly remote?: { readonly clientCount: number; readonly mbit: number };
}
