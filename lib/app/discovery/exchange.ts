/** A machine that queries servers, wired to the client's main socket. */
import type { Endpoint } from "../../address.ts";
import { EventQueue } from "../../protocol/base/event_queue.ts";
import type { Frame } from "../../wire/frames.ts";
import type { ClientSocket } from "./client_socket.ts";

type SocketEvent<Answer extends Frame> =
  | { readonly kind: "frame"; readonly from: Endpoint; readonly frame: Answer }
  | { readonly kind: "wakeup" };

/** What the machines of discovery, layers and listings have in common. */
interface Machine<Event, Action, Answer extends Frame> {
  /** Whether answers that echo this query id or nonce are for it. */
  owns(echo: bigint): boolean;
  accepts(frame: Frame): frame is Answer;
  handle(nowMs: number, event: Event | SocketEvent<Answer>): readonly Action[];
  nextWakeupMs(): number;
  /** Whether nothing more will come of it. */
  readonly isDone: boolean;
}

export class Exchange<Event, Action, Answer extends Frame> {
  readonly #socket: ClientSocket;
  readonly #machine: Machine<Event, Action, Answer>;
  readonly #perform: (action: Action) => void;
  readonly #events = new EventQueue<Event | SocketEvent<Answer>>((event) => this.#step(event));
  #isClosed = false;

  constructor(
    socket: ClientSocket,
    machine: Machine<Event, Action, Answer>,
    perform: (action: Action) => void,
  ) {
    this.#socket = socket;
    this.#machine = machine;
    this.#perform = perform;
    socket.attach(this);
  }

  owns(echo: bigint): boolean {
    return this.#machine.owns(echo);
  }

  nextWakeupMs(): number {
    return this.#machine.nextWakeupMs();
  }

  /** Something has happened; handlers may call this, too, and what they bring about follows later. */
  handle(event: Event | SocketEvent<Answer>): void {
    this.#events.push(event);
  }

  receive(frame: Frame, from: Endpoint): void {
    if (this.#machine.accepts(frame)) this.handle({ kind: "frame", from, frame });
  }

  wake(): void {
    this.handle({ kind: "wakeup" });
  }

  /** Its handlers are not called any more. */
  close(): void {
    this.#isClosed = true;
    this.#socket.detach(this);
  }

  #step(event: Event | SocketEvent<Answer>): void {
    if (this.#isClosed) return;
    for (const action of this.#machine.handle(this.#socket.clock.nowMs(), event)) {
      if (!this.#isClosed) this.#perform(action);
    }
    if (this.#machine.isDone) this.#socket.detach(this);
    else this.#socket.rearm();
  }
}
