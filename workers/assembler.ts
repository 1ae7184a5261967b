/** Assembler worker: writes what receivers have proved, one per process. See `lib/messages/assembler.ts`. */
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { runAssembler } from "../lib/io/workers/assembler_driver.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { AssemblerReply, AssemblerRequest } from "../lib/messages/assembler.ts";

runAssembler(parentPort<AssemblerRequest, AssemblerReply>(), denoDisk);
