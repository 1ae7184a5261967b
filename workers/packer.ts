/** Packer worker: packs what clients of slow lines are about to fetch. See `lib/messages/packer_worker.ts`. */
import { runPacker } from "../lib/io/workers/packer_driver.ts";
import { denoClock } from "../lib/io/system/deno_clock.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";
import type { PackerReply, PackerRequest } from "../lib/messages/packer_worker.ts";

// Of what is packed little is hashed: the fastest way to do that would take longer to be found.
runPacker(parentPort<PackerRequest, PackerReply>(), { clock: denoClock, disk: denoDisk });
