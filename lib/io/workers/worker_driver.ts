/** What the drivers of all workers have in common: `init` makes one, then it is given its requests. */
import { type ErrorMessage, ShoalError } from "../../errors.ts";
import type { WorkerPort } from "../system/worker_port.ts";

interface InitMessage {
  readonly kind: "init";
}

interface FailedMessage {
  readonly kind: "failed";
  readonly error: ErrorMessage;
}

/** Does what its requests say; what it throws is reported to the parent as `failed`. */
export interface Driver<Request> {
  onRequest(request: Request): void;
}

/** Waits for `init`, then hands every request to the driver that `start` makes of it. */
export function runDriver<
  Init extends InitMessage,
  Request extends { readonly kind: string },
  Reply,
>(
  parent: WorkerPort<Init | Request, Reply | FailedMessage>,
  start: (init: Init) => Driver<Request>,
): void {
  let driver: Driver<Request> | undefined;
  const isInit = (message: Init | Request): message is Init => message.kind === "init";
  parent.onMessage((message) => {
    try {
      if (isInit(message)) driver = start(message);
      else driver?.onRequest(message as Request);
    } catch (error) {
      parent.post({ kind: "failed", error: ShoalError.from(error).toMessage() });
    }
  });
}
