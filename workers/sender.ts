/** Sender worker: owns a server's data socket. See `lib/messages/sender_worker.ts`. */
import { runSender } from "../lib/io/workers/sender_driver.ts";
import { denoClock } from "../lib/io/system/deno_clock.ts";
import { denoNet } from "../lib/io/net/net.ts";
import { denoRandom } from "../lib/io/system/deno_random.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";
import type { SenderReply, SenderRequest } from "../lib/messages/sender_worker.ts";

// No more of the runtime than is used: what a worker loads is part of how long it takes to start.
const runtime = { clock: denoClock, random: denoRandom, net: denoNet(), disk: denoDisk };
runSender(parentPort<SenderRequest, SenderReply>(), runtime);
