/** Stream receiver worker: takes files from one server over TCP. See `lib/messages/chunk_source.ts`. */
import { runStreamReceiver } from "../lib/io/workers/stream_driver.ts";
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { startHashClock } from "../lib/io/hash/hash_clock.ts";
import { denoRuntime } from "../lib/io/runtime.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { SourceReply, SourceRequest } from "../lib/messages/chunk_source.ts";

useFastestSha256();
runStreamReceiver(parentPort<SourceRequest, SourceReply>(), denoRuntime(), startHashClock());
