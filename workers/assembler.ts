/** Assembler worker: writes what receivers have proved, one per process. See `lib/messages/assembler_worker.ts`. */
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { runAssembler } from "../lib/io/workers/assembler_driver.ts";
import { denoClock } from "../lib/io/system/deno_clock.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";
import type { AssemblerReply, AssemblerRequest } from "../lib/messages/assembler_worker.ts";

useFastestSha256();
// No more of the runtime than is used: what a worker loads is part of how long it takes to start.
const runtime = { clock: denoClock, disk: denoDisk };
runAssembler(parentPort<AssemblerRequest, AssemblerReply>(), runtime);
