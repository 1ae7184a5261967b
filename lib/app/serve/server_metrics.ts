/** The metrics of a server. */
import type { ServedCounts } from "../../protocol/serve/range_server.ts";
import type { Metric } from "../../io/net/metrics_port.ts";
import type { IndexProgress } from "../index/live_index.ts";
import type { ServeEvent } from "../events.ts";

export class ServerMetrics {
  readonly #counts = { request: 0, sending: 0, uploaded: 0 };
  #uploadedBytes = 0;
  #refused = 0;
  #sentBytes = 0;
  #flows = 0;
  #ignored = 0;

  count(event: ServeEvent): void {
    if (event.event === "uploaded") this.#uploadedBytes += event.size;
    if (event.event === "refused") this.#refused += 1 + event.omitted;
    if (event.event === "request" || event.event === "sending" || event.event === "uploaded") {
      this.#counts[event.event] += 1;
    }
  }

  countServed({ sentBytes, flows, malformed, dropped }: ServedCounts): void {
    this.#sentBytes += sentBytes;
    this.#flows = flows;
    this.#ignored += malformed + dropped;
  }

  read(files: number, { filesLeft, bytesLeft }: IndexProgress): Metric[] {
    const { request, sending, uploaded } = this.#counts;
    return [
      metric("shoal_files", "Files of the served folder.", "gauge", files),
      metric("shoal_unhashed_files", "Files that are still to be hashed.", "gauge", filesLeft),
      metric("shoal_unhashed_bytes", "Bytes that are still to be hashed.", "gauge", bytesLeft),
      metric("shoal_requests_total", "Files that were asked for by name.", "counter", request),
      metric("shoal_sends_total", "Files that somebody began to fetch.", "counter", sending),
      metric(
        "shoal_sent_bytes_total",
        "Bytes sent over UDP, headers too.",
        "counter",
        this.#sentBytes,
      ),
      metric("shoal_flows", "Transfers over UDP at this moment.", "gauge", this.#flows),
      metric("shoal_ignored_total", "Datagrams that were not answered.", "counter", this.#ignored),
      metric("shoal_uploads_total", "Files that were uploaded.", "counter", uploaded),
      metric("shoal_refused_uploads_total", "Uploads refused.", "counter", this.#refused),
      metric("shoal_uploaded_bytes_total", "Bytes of those.", "counter", this.#uploadedBytes),
    ];
  }
}

function metric(name: string, help: string, type: Metric["type"], value: number): Metric {
  return { name, help, type, values: [{ value }] };
}
