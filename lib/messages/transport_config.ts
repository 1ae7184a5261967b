/**
 * How sockets are to be opened and what lies between them and what is said. Plain values, so that
 * a worker is handed them whole: an option of the transport is added here and read where sockets are opened.
 */

import type { Bytes } from "../ids.ts";

/** What lies between what is said and the socket, the layer next to what is said first. */
export type Layers = readonly LayerConfig[];

/** A TCP port. */
export interface ListenConfig {
  /** Address to bind; 0.0.0.0 for all, of IPv4 and IPv6. */
  readonly host: string;
  /** Ports to try, in order; 0 for any free one. */
  readonly ports: readonly number[];
  readonly layers: Layers;
}

/** A UDP socket. */
export interface TransportConfig extends ListenConfig {
  /** Whether the port is shared with sockets that say so, too. */
  readonly share: boolean;
  /** Whether to tune the socket through FFI where that is possible. */
  readonly tune: boolean;
  /**
   * Whether the kernel may join what arrives, where the socket is tuned. For sockets that receive bulk
   * data: while such a socket waits, it keeps one of its thread's helper threads.
   */
  readonly joins: boolean;
  /**
   * Whether what it sends answers what came in: where the socket is tuned, answers then leave from the address that
   * was asked, or else from the one that the system prefers for that peer, which a firewall there may not know. Over
   * IPv6, tuned or not, the port is open at every address of this machine then, and answers leave from the one that was
   * asked; sockets of others are opened when something is sent by IPv6.
   */
  readonly answers: boolean;
  /** On which links what is sent to the group of discovery arrives as well; on none by default. */
  readonly group?: InterfaceChoice;
  /** Whether what is sent to that group comes back to this machine, too; it does not by default. */
  readonly loops?: true;
}

/** What the user has said of interfaces, by their names. Both empty: all of them. */
export interface InterfaceChoice {
  /** These alone, if any are named. */
  readonly only: readonly string[];
  /** Not these. */
  readonly except: readonly string[];
}

/** A layer by the name that it has in the table of layers, and what it needs to know. */
export interface LayerConfig {
  /** Its name in the table. */
  readonly kind: string;
}

/** Simulated errors in what is sent. */
export interface FaultsConfig extends LayerConfig {
  readonly kind: "faults";
  /** Probability that a datagram is hit, from 0 to 1. */
  readonly errorRate: number;
  readonly seed: number;
}

/** Everything sealed (docs/PROTOCOL.md, "Seal"). It goes to the threads that have sockets, and nowhere else. */
export interface SealConfig extends LayerConfig {
  readonly kind: "seal";
  /** What each valid secret comes to, 32 bytes; all are understood, and questions are asked under each. */
  readonly groups: readonly Bytes[];
  /** Four words for each secret, by which people tell them apart. */
  readonly fingerprints: readonly string[];
}

/** By which secrets what lies under these layers is sealed: the fingerprint of the first, if any. */
export function sealOf(layers: Layers): string | undefined {
  const seal = layers.find(({ kind }) => kind === "seal") as SealConfig | undefined;
  return seal?.fingerprints[0];
}

/** A socket of its own at any free port, for datagrams that come one at a time. */
export function transportConfig(
  chosen: Pick<TransportConfig, "host" | "tune" | "layers">,
): TransportConfig {
  return { ports: [0], share: false, joins: false, answers: false, ...chosen };
}

/** `config` with simulated errors next to the socket, so that they hit what goes over the wire. */
export function withFaults(
  config: TransportConfig,
  errorRate: number,
  seed: number,
): TransportConfig {
  if (errorRate === 0) return config;
  const faults: FaultsConfig = { kind: "faults", errorRate, seed };
  return { ...config, layers: [...config.layers, faults] };
}
