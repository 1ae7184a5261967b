/** Session worker: owns a server's TCP port. See `lib/messages/session_worker.ts`. */
import { runSessions } from "../lib/io/workers/session_driver.ts";
import { denoRuntime } from "../lib/io/runtime.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";
import type { SessionReply, SessionRequest } from "../lib/messages/session_worker.ts";

runSessions(parentPort<SessionRequest, SessionReply>(), denoRuntime());
