/** Receiver worker: takes files from one server at a time. See `lib/messages/chunk_source.ts`. */
import { runReceiver } from "../lib/io/workers/receiver_driver.ts";
import { denoRuntime } from "../lib/io/runtime.ts";
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { startHashClock } from "../lib/io/hash/hash_clock.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { SourceReply, SourceRequest } from "../lib/messages/chunk_source.ts";

useFastestSha256();
runReceiver(parentPort<SourceRequest, SourceReply>(), denoRuntime(), startHashClock());
