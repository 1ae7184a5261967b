/** A TCP port for sessions: turns away what speaks another protocol, and bounds how fast requests are read. */
import type { ShoalError } from "../../errors.ts";
import { partyOf } from "../../address.ts";
import { SESSION_IDLE_MS } from "../../protocol/session/limits.ts";
import { asciiLine } from "../../wire/session_ascii.ts";
import type { Opening } from "../../wire/session_opening.ts";
import type { ListenConfig } from "../../messages/transport_config.ts";
import type { Clock } from "../system/clock.ts";
import { descriptorShare } from "../system/descriptor_limit.ts";
import { AddressPaces } from "./address_paces.ts";
import { ConnectionListener } from "./connection_listener.ts";
import {
  ADDRESS_SHARE_MAX,
  CROWDED_ASKING_MS,
  CROWDED_SILENT_MS,
  SESSIONS_DESCRIPTORS_SHARE,
} from "./limits.ts";
import type { Net } from "./net.ts";
import type { RequestPace } from "./request_pace.ts";
import type { SessionConnection } from "./session_connection.ts";

interface SessionListenerOptions extends ListenConfig {
  readonly clock: Clock;
  readonly net: Net;
  /** What this port is, for whoever takes it for another: "the TCP port of a Shoal server". */
  readonly portName: string;
  /** Whether lines are spoken here beside JSON. */
  readonly speaksLines: boolean;
  /** How many peers are served at once, where the system lets the process have as many. */
  readonly connectionsMax: number;
  /** The share of this process's descriptors that connections may take. */
  readonly descriptorsShare?: number;
  /** How many requests of each are read in a second; more wait. */
  readonly requestsPerS: number;
  /** Units of work that all requests of one address may cause in a second; more wait. */
  readonly workPerS: number;
  /**
   * Serves a peer until either side is done.
   *
   * @param refusal why the peer is refused, if it is
   * @param pace what its requests wait for
   */
  readonly talk: (
    connection: SessionConnection,
    refusal: string | undefined,
    pace: RequestPace,
  ) => Promise<void>;
  /** A session ended with an unexpected error. */
  readonly onProblem: (message: string) => void;
  readonly onFailure: (error: ShoalError) => void;
}

/** How what is not spoken is called. */
const OTHERS: Readonly<Record<Opening, string>> = {
  json: "JSON",
  text: "lines of text",
  http: "HTTP",
  tls: "TLS",
  noise: "whatever that is",
};

export class SessionListener {
  readonly #options: SessionListenerOptions;
  readonly #listener: ConnectionListener;
  readonly #paces: AddressPaces;
  /** Fewer than were wanted, if the system allows no more. */
  readonly connectionsMax: number;

  /** Throws ShoalError `port_in_use` or `network`. */
  constructor(options: SessionListenerOptions) {
    this.#options = options;
    this.#paces = new AddressPaces(options);
    const { clock, net, host, ports, layers, onProblem, onFailure } = options;
    const share = options.descriptorsShare ?? SESSIONS_DESCRIPTORS_SHARE;
    this.connectionsMax = descriptorShare(options.connectionsMax, share);
    this.#listener = new ConnectionListener({
      ...{ clock, net, host, ports, layers, onProblem, onFailure, idleMs: SESSION_IDLE_MS },
      limits: {
        connectionsMax: this.connectionsMax,
        perAddressMax: Math.max(1, Math.floor(this.connectionsMax * ADDRESS_SHARE_MAX)),
        askingMs: CROWDED_ASKING_MS,
        silentMs: CROWDED_SILENT_MS,
      },
      talk: (connection, refusal) => this.#talk(connection, refusal),
    });
  }

  get port(): number {
    return this.#listener.port;
  }

  /** Closes every connection. */
  hangUp(): void {
    this.#listener.hangUp();
  }

  /** Resolves when every session has ended. */
  async closed(): Promise<void> {
    await this.#listener.closed();
  }

  async #talk(connection: SessionConnection, refusal: string | undefined): Promise<void> {
    if (refusal === undefined && !await this.#isMeant(connection)) return;
    const pace = this.#paces.paceOf(partyOf(connection.peerAddress));
    await this.#options.talk(connection, refusal, pace);
  }

  /** Whether the peer speaks to us at all; if it speaks another protocol, it is told so. */
  async #isMeant(connection: SessionConnection): Promise<boolean> {
    const { portName, speaksLines } = this.#options;
    const opening = await connection.opening();
    if (opening === "json" || (opening === "text" && speaksLines)) return true;
    if (opening === undefined) return false;
    const other = OTHERS[opening];
    await connection.send(asciiLine(`ERROR this is ${portName}, which does not speak ${other}`));
    return false;
  }
}
