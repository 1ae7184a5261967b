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
  readonly client: Host;
  readonly servers: readonly Host[];
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
  /** Rates of the links; unlimited where absent. */
  readonly clientMbit?: number;
  readonly serverMbit?: readonly number[];
}
