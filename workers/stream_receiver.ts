/** Stream receiver worker: takes files from one server over TCP. See `lib/messages/chunk_source.ts`. */
import { runStreamReceiver } from "../lib/io/workers/stream_driver.ts";
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { startHashClock } from "../lib/io/hash/hash_clock.ts";
import { denoClock } from "../lib/io/system/deno_clock.ts";
import { denoNet } from "../lib/io/net/net.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";

useFastestSha256();
// No more of the runtime than is used: what a worker loads is part of how long it takes to start.
const runtime = { clock: denoClock, net: denoNet() };
runStreamReceiver(parentPort(), runtime, startHashClock());
