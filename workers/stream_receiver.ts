/** Stream receiver worker: takes files from one server over TCP. See `lib/messages/chunk_source.ts`. */
import { runStreamReceiver } from "../lib/io/workers/stream_driver.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { SourceReply, SourceRequest } from "../lib/messages/chunk_source.ts";

runStreamReceiver(parentPort<SourceRequest, SourceReply>());
