/** `GET /metrics` in the text format of Prometheus, and `GET /healthz`. */
import { ShoalError } from "../../errors.ts";

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

export class MetricsPort {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  /**
   * @param read what is known at this moment
   *
   * Throws ShoalError `port_in_use` or `network`.
   */
  constructor(hostname: string, port: number, read: () => Promise<readonly Metric[]>) {
    try {
      this.#server = Deno.serve(
        { hostname, port, onListen: () => {} },
        (request) => answer(request, read),
      );
    } catch (cause) {
      const isUsed = cause instanceof Deno.errors.AddrInUse;
      const message = isUsed
        ? `TCP port ${port} is in use by another program`
        : `cannot listen on TCP ${hostname}:${port}`;
      throw new ShoalError(isUsed ? "port_in_use" : "network", message, {
        hint: "Choose another --metrics-port.",
        cause,
      });
    }
  }

  get port(): number {
    return this.#server.addr.port;
  }

  async close(): Promise<void> {
    await this.#server.shutdown();
  }
}

async function answer(
  request: Request,
  read: () => Promise<readonly Metric[]>,
): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (request.method !== "GET" && request.method !== "HEAD") {
    return new Response("GET only\n", { status: 405, headers: { allow: "GET, HEAD" } });
  }
  if (pathname !== "/healthz" && pathname !== "/metrics") {
    return new Response("/metrics and /healthz\n", { status: 404 });
  }
  try {
    const metrics = await read();
    if (pathname === "/healthz") return new Response("ok\n");
    const headers = { "content-type": "text/plain; version=0.0.4; charset=utf-8" };
    return new Response(metricsText([...metrics, residentMetric()]), { headers });
  } catch (error) {
    return new Response(`${ShoalError.from(error).message}\n`, { status: 503 });
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

export function metricsText(metrics: readonly Metric[]): string {
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
