/** A receiver worker whose datagrams may pass a layer of the test. */
import { useFastestSha256 } from "../../lib/io/hash/fastest_sha256.ts";
import { startHashClock } from "../../lib/io/hash/hash_clock.ts";
import { parentPort } from "../../lib/io/system/deno_workers.ts";
import { runReceiver } from "../../lib/io/workers/receiver_driver.ts";
import { xorRuntime } from "./xor_runtime.ts";

useFastestSha256();
runReceiver(parentPort(), xorRuntime(), startHashClock());
