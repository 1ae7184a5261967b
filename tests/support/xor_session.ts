/** A session worker whose streams may pass a layer of the test. */
import { runSessions } from "../../lib/io/workers/session_driver.ts";
import { parentPort } from "../../lib/io/system/deno_workers.ts";
import type { SessionReply, SessionRequest } from "../../lib/messages/session_worker.ts";
import { xorRuntime } from "./xor_runtime.ts";

runSessions(parentPort<SessionRequest, SessionReply>(), xorRuntime());
