/** Receiver worker: takes files from one server at a time. See `lib/messages/receiver.ts`. */
import { runReceiver } from "../lib/io/workers/receiver_driver.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { ReceiverReply, ReceiverRequest } from "../lib/messages/receiver.ts";

runReceiver(parentPort<ReceiverRequest, ReceiverReply>());
