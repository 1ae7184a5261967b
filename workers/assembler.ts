/** Assembler worker: writes what receivers have proved, one per process. See `lib/messages/assembler.ts`. */
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { runAssembler } from "../lib/io/workers/assembler_driver.ts";
import { denoRuntime } from "../lib/io/runtime.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { AssemblerReply, AssemblerRequest } from "../lib/messages/assembler.ts";

useFastestSha256();
runAssembler(parentPort<AssemblerRequest, AssemblerReply>(), denoRuntime());
