/**
 * The life of one worker, from the side that has started it: it is started and told `init`, says `ready`,
 * works, may break once, and is told `stop`, which it answers with `stopped`. What else it says is passed on.
 */
import { type ErrorMessage, ShoalError } from "../../errors.ts";
import type { Runtime } from "../runtime.ts";
import type { Clock } from "./clock.ts";
import { WORKER_STOP_MS_MAX } from "./limits.ts";
import type { Transferred, WorkerPort } from "./worker_port.ts";

interface Message {
  readonly kind: string;
}

interface Failed extends Message {
  readonly error: ErrorMessage;
}

type Of<M, Kind extends string> = Extract<M, { readonly kind: Kind }>;
/** What is told of how its life goes. */
type LifeReply<Reply> = Of<Reply, "ready" | "failed" | "stopped">;
/** What a worker says of its work. */
export type WorkReply<Reply> = Exclude<Reply, LifeReply<Reply>>;
/** What a worker is told of its work. */
export type WorkRequest<Request> = Exclude<Request, Of<Request, "init" | "stop">>;

interface WorkerHandleOptions<Request, Reply> {
  readonly init: Of<Request, "init">;
  /** What changes hands with `init`. */
  readonly transfer?: readonly Transferred[];
  readonly onReply: (reply: WorkReply<Reply>) => void;
  readonly onReady?: (reply: Of<Reply, "ready">) => void;
  /** It broke; told once. What it is asked from now on may be lost, and `stopped` resolves. */
  readonly onFailure: (error: ShoalError) => void;
}

export class WorkerHandle<Request extends Message, Reply extends Message> {
  /** Rejects if it breaks before. */
  readonly ready: Promise<Of<Reply, "ready">>;
  readonly #clock: Clock;
  readonly #port: WorkerPort<Reply, Request>;
  readonly #options: WorkerHandleOptions<Request, Reply>;
  readonly #ready = Promise.withResolvers<Of<Reply, "ready">>();
  readonly #stopped = Promise.withResolvers<Of<Reply, "stopped"> | undefined>();
  #hasFailed = false;
  #isStopping = false;

  /** @param file its name in `workers/` */
  constructor(
    { clock, workers }: Pick<Runtime, "clock" | "workers">,
    file: string,
    options: WorkerHandleOptions<Request, Reply>,
  ) {
    this.#clock = clock;
    this.#options = options;
    this.ready = this.#ready.promise;
    // Whoever does not wait for it is told by `onFailure`.
    this.ready.catch(() => {});
    this.#port = workers.start<Reply, Request>(file);
    this.#port.onError((error) => this.#fail(error));
    this.#port.onMessage((reply) => this.#onReply(reply));
    this.#port.post(options.init, options.transfer);
  }

  post(request: WorkRequest<Request>, transfer?: readonly Transferred[]): void {
    this.#port.post(request as Request, transfer);
  }

  /**
   * Has it finish what it is at, and resolves with its last words; `undefined` if it broke, or took longer
   * than `withinMs`. Its thread stays until {@linkcode terminate}, and so does what it has transferred.
   */
  async stop(withinMs = WORKER_STOP_MS_MAX): Promise<Of<Reply, "stopped"> | undefined> {
    if (!this.#isStopping) this.#port.post({ kind: "stop" } as Message as Request);
    this.#isStopping = true;
    const stopped = this.#stopped.promise;
    if (withinMs === Infinity) return await stopped;
    const waiting = new AbortController();
    try {
      const late = this.#clock.sleep(withinMs, waiting.signal).then(() => undefined);
      return await Promise.race([stopped, late]);
    } finally {
      waiting.abort();
    }
  }

  /** Ends its thread at once. */
  terminate(): void {
    this.#port.close();
  }

  /** Stops it, then ends its thread. */
  async end(withinMs?: number): Promise<Of<Reply, "stopped"> | undefined> {
    const stopped = await this.stop(withinMs);
    this.terminate();
    return stopped;
  }

  #onReply(reply: Reply): void {
    switch (reply.kind) {
      case "ready": {
        const ready = reply as Of<Reply, "ready">;
        this.#ready.resolve(ready);
        return this.#options.onReady?.(ready);
      }
      case "failed": {
        const { error } = reply as Message as Failed;
        return this.#fail(ShoalError.fromMessage(error));
      }
      case "stopped":
        return this.#stopped.resolve(reply as Of<Reply, "stopped">);
      default:
        this.#options.onReply(reply as WorkReply<Reply>);
    }
  }

  #fail(error: ShoalError): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    this.#ready.reject(error);
    this.#stopped.resolve(undefined);
    this.#options.onFailure(error);
  }
}
