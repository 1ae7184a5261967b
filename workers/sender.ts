/** Sender worker: owns a server's data socket. See `lib/messages/sender.ts`. */
import { runSender } from "../lib/io/workers/sender_driver.ts";
import { denoRuntime } from "../lib/io/runtime.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { SenderReply, SenderRequest } from "../lib/messages/sender.ts";

runSender(parentPort<SenderRequest, SenderReply>(), denoRuntime());
