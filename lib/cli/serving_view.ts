/** Who fetches what of a server, now. State in, lines out. */
import type { TransferEvent } from "../app/events.ts";
import { parseHostPort } from "../address.ts";
import { transferName } from "./event_lines.ts";
import { SERVED_ROWS_MAX } from "./limits.ts";
import { type Row, rowLines } from "./progress_rows.ts";
import { countText, rateText } from "./units.ts";

export class ServingView {
  readonly #transfers = new Map<number, TransferEvent>();

  /** Whether the region changes in kind, and not just in numbers. */
  apply(event: TransferEvent): "moved" | "changed" {
    if (event.state === "ended") this.#transfers.delete(event.id);
    else this.#transfers.set(event.id, event);
    return event.state === "moving" ? "moved" : "changed";
  }

  lines(columns: number): string[] {
    const all = [...this.#transfers.values()];
    // What is fetched fastest is looked for first.
    const shown = all.toSorted((a, b) => b.rate - a.rate).slice(0, SERVED_ROWS_MAX);
    const rest = all.length - shown.length;
    return [
      ...rowLines(shown.map(rowOf), columns),
      ...(rest > 0 ? [`… and ${rest} more`] : []),
      ...(all.length > 1 ? [totalLine(all)] : []),
    ];
  }
}

function rowOf(event: TransferEvent): Row {
  const { client, bytes, size, rate } = event;
  const name = `${transferName(event)} → ${parseHostPort(client)?.host ?? client}`;
  return { name, bytes, size: size ?? bytes, rate, secondsLeft: null };
}

function totalLine(all: readonly TransferEvent[]): string {
  const clients = new Set(all.map(({ client }) => parseHostPort(client)?.host ?? client));
  const rate = all.reduce((sum, event) => sum + event.rate, 0);
  return `Sending to ${countText(clients.size, "client")}, ${rateText(rate)}`;
}
