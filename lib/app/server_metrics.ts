/** What a server counts for those who watch it. */
import type { Metric } from "../io/metrics_port.ts";
import type { IndexProgress } from "./folder_index.ts";
import type { ServeEvent } from "./events.ts";

export class ServerMetrics {
  readonly #counts = { request: 0, sending: 0, uploaded: 0 };
  #uploadedBytes = 0;

  count(event: ServeEvent): void {
    if (event.event === "uploaded") this.#uploadedBytes += event.size;
    if (event.event === "request" || event.event === "sending" || event.event === "uploaded") {
      this.#counts[event.event] += 1;
    }
  }

  read(files: number, { filesLeft, bytesLeft }: IndexProgress): Metric[] {
    const { request, sending, uploaded } = this.#counts;
    return [
      metric("shoal_files", "Files of the served folder.", "gauge", files),
      metric("shoal_unhashed_files", "Files that are still to be hashed.", "gauge", filesLeft),
      metric("shoal_unhashed_bytes", "Bytes that are still to be hashed.", "gauge", bytesLeft),
      metric("shoal_requests_total", "Files that were asked for by name.", "counter", request),
      metric("shoal_sends_total", "Files that somebody began to fetch.", "counter", sending),
      metric("shoal_uploads_total", "Files that were uploaded.", "counter", uploaded),
      metric("shoal_uploaded_bytes_total", "Bytes of those.", "counter", this.#uploadedBytes),
    ];
  }
}

function metric(name: string, help: string, type: Metric["type"], value: number): Metric {
  return { name, help, type, values: [{ value }] };
}
