/** A sender worker whose datagrams may pass a layer of the test. */
import { parentPort } from "../../lib/io/system/deno_workers.ts";
import { runSender } from "../../lib/io/workers/sender_driver.ts";
import type { SenderReply, SenderRequest } from "../../lib/messages/sender_worker.ts";
import { xorRuntime } from "./xor_runtime.ts";

runSender(parentPort<SenderRequest, SenderReply>(), xorRuntime());
