/** `GET /metrics` in the text format of Prometheus, and `GET /healthz`. */
import { isLoopback } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import {
  type HttpHead,
  httpResponse,
  isExpectedHost,
  parseHttpHead,
} from "../../wire/http_request.ts";
import { HTTP_HEAD_BYTES_MAX } from "../../wire/limits.ts";
import { descriptorShare } from "../system/descriptor_limit.ts";
import { ownHostname } from "../system/own_hostname.ts";
import { ConnectionListener } from "./connection_listener.ts";
import {
  METRICS_ADDRESS_SHARE_MAX,
  METRICS_ASKING_MS,
  METRICS_CONNECTIONS_MAX,
  METRICS_DESCRIPTORS_SHARE,
  METRICS_REQUEST_MS,
  METRICS_SILENT_MS,
} from "./limits.ts";
import type { Clock } from "../system/clock.ts";
import type { Net } from "./net.ts";
import type { SessionConnection } from "./session_connection.ts";

export interface Metric {
  /** With its unit, as in `shoal_sent_bytes_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: "counter" | "gauge";
  /** One without labels, or some that differ in one label. */
  readonly values: readonly {
    readonly label?: readonly [string, string];
    readonly value: number;
  }[];
}

interface MetricsPortOptions {
  readonly clock: Clock;
  readonly net: Net;
  readonly host: string;
  readonly port: number;
  /** What is known at this moment. */
  readonly read: () => Promise<readonly Metric[]>;
  readonly onProblem: (message: string) => void;
}

export class MetricsPort {
  readonly #options: MetricsPortOptions;
  readonly #listener: ConnectionListener;
  readonly #hostname = ownHostname();

  /** Throws ShoalError `port_in_use` or `network`. */
  constructor(options: MetricsPortOptions) {
    this.#options = options;
    const { clock, net, host, port, onProblem } = options;
    const connectionsMax = descriptorShare(METRICS_CONNECTIONS_MAX, METRICS_DESCRIPTORS_SHARE);
    try {
      this.#listener = new ConnectionListener({
        ...{ clock, net, host, ports: [port], onProblem, idleMs: METRICS_REQUEST_MS },
        // Whoever asks speaks HTTP and knows of no layer; nothing of what is shared is told here.
        layers: [],
        limits: {
          connectionsMax,
          perAddressMax: Math.max(1, Math.floor(connectionsMax * METRICS_ADDRESS_SHARE_MAX)),
          askingMs: METRICS_ASKING_MS,
          silentMs: METRICS_SILENT_MS,
        },
        talk: (connection, refusal) => this.#answer(connection, refusal),
        // Whoever only watches is no reason to stop.
        onFailure: (error) => onProblem(`the metrics port: ${error.message}`),
      });
    } catch (cause) {
      const { code, message } = ShoalError.from(cause);
      throw new ShoalError(code, message, {
        hint: "Choose another --metrics-port, or --metrics-host.",
        cause,
      });
    }
  }

  get port(): number {
    return this.#listener.port;
  }

  async close(): Promise<void> {
    this.#listener.hangUp();
    await this.#listener.closed();
  }

  async #answer(connection: SessionConnection, refusal: string | undefined): Promise<void> {
    if (refusal !== undefined) {
      return await connection.send(httpResponse(503, `${refusal}\n`));
    }
    const head = await connection.taken((queue) =>
      parseHttpHead(queue.peek(HTTP_HEAD_BYTES_MAX + 1))
    );
    if (typeof head === "object" && "kind" in head) return;
    await connection.send(await this.#response(head));
  }

  async #response(head: HttpHead): Promise<Uint8Array<ArrayBuffer>> {
    if (head === "tooLong" || head === "longTarget") return httpResponse(431, "");
    if (head === "malformed") return httpResponse(400, "that is no request\n");
    const { method, path, host } = head;
    const reach = isLoopback(this.#options.host) ? "loopback" : "network";
    if (!isExpectedHost(host, reach, this.#hostname)) {
      const text = "ask by an address of this machine, or as localhost\n";
      return httpResponse(421, text);
    }
    const isHead = method === "HEAD";
    if (method !== "GET" && !isHead) {
      const fields = [["allow", "GET, HEAD"]] as const;
      return httpResponse(405, "GET only\n", { fields });
    }
    if (path !== "/healthz" && path !== "/metrics") {
      return httpResponse(404, "/metrics and /healthz\n", { isHead });
    }
    try {
      const metrics = await this.#options.read();
      if (path === "/healthz") return httpResponse(200, "ok\n", { isHead });
      const type = "text/plain; version=0.0.4; charset=utf-8";
      return httpResponse(200, metricsText([...metrics, residentMetric()]), { type, isHead });
    } catch {
      // What is wrong may tell where things lie here: that is for the log of those who noticed.
      return httpResponse(503, "no metrics now\n", { isHead });
    }
  }
}

function residentMetric(): Metric {
  const { rss } = Deno.memoryUsage();
  return {
    name: "process_resident_memory_bytes",
    help: "Resident memory of this process.",
    type: "gauge",
    values: [{ value: rss }],
  };
}

function metricsText(metrics: readonly Metric[]): string {
  const lines = metrics.flatMap(({ name, help, type, values }) => [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} ${type}`,
    ...values.map(({ label, value }) => `${name}${labelText(label)} ${value}`),
  ]);
  return `${lines.join("\n")}\n`;
}

function labelText(label: readonly [string, string] | undefined): string {
  if (label === undefined) return "";
  const [name, value] = label;
  const escaped = value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  return `{${name}="${escaped}"}`;
}
