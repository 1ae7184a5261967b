/**
 * One end of a channel between two threads, as messages carry it. On the platform this is a `MessagePort`;
 * a simulation has ends of its own.
 */
export interface ChannelEnd {
  onmessage: ((event: MessageEvent) => void) | null;
  postMessage(message: unknown, transfer: Transferable[]): void;
  close(): void;
}
