/** The platform's workers and channels, as typed ports. */
import { descriptorsHint, ShoalError } from "../../errors.ts";
import type { ChannelEnd } from "../../messages/channel_end.ts";
import { descriptorObstacle } from "./descriptor_limit.ts";
import { WORKER_DESCRIPTORS } from "./limits.ts";
import { narrow, type WorkerPort } from "./worker_port.ts";

/** Where `workers/` is, seen from this file: a bundle has it beside the chunk that this became a part of. */
const IS_BUNDLED = !import.meta.url.endsWith(".ts");

/**
 * Starts the worker of that name in the project's `workers/`. Where there are too few descriptors for another thread it says
 * so by `onError`: Deno itself would end the whole process.
 */
export function startWorker<In, Out>(file: string): WorkerPort<In, Out> {
  const obstacle = descriptorObstacle(WORKER_DESCRIPTORS);
  if (obstacle !== undefined) return brokenPort(file, obstacle);
  const path = IS_BUNDLED ? `./workers/${file.replace(/ts$/, "js")}` : `../../../workers/${file}`;
  const worker = new Worker(new URL(path, import.meta.url), { type: "module" });
  return {
    post: (message, transfer = []) => worker.postMessage(message, transfer as Transferable[]),
    onMessage(handler) {
      worker.onmessage = (event) => handler(narrow<In>(event.data));
    },
    onError(handler) {
      worker.onerror = (event) => {
        event.preventDefault();
        handler(new ShoalError("internal", `${file}: ${event.message}`));
      };
    },
    close: () => worker.terminate(),
  };
}

/** A worker that was never started. */
function brokenPort<In, Out>(file: string, cause: unknown): WorkerPort<In, Out> {
  const { message } = ShoalError.from(cause);
  const error = new ShoalError("internal", `${file} cannot be started: ${message}`, {
    cause,
    ...descriptorsHint(cause),
  });
  return {
    post() {},
    onMessage() {},
    onError: (handler) => queueMicrotask(() => handler(error)),
    close() {},
  };
}

/** The two ends of a new channel, for two threads to talk through. */
export function openChannel(): readonly [ChannelEnd, ChannelEnd] {
  const { port1, port2 } = new MessageChannel();
  return [port1, port2];
}

/** Threads that can run at once on this machine. */
export function coreCount(): number {
  return navigator.hardwareConcurrency;
}

/** Inside a worker: the end towards the thread that started it. */
export function parentPort<In, Out>(): WorkerPort<In, Out> {
  const scope = self as unknown as DedicatedScope;
  return {
    post: (message, transfer = []) => scope.postMessage(message, transfer as Transferable[]),
    onMessage(handler) {
      scope.onmessage = (event) => handler(narrow<In>(event.data));
    },
    onError() {},
    close: () => scope.close(),
  };
}

interface DedicatedScope {
  postMessage(message: unknown, transfer: Transferable[]): void;
  onmessage: ((event: MessageEvent) => void) | null;
  close(): void;
}
