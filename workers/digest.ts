/** Digest worker: hashes what is uploaded, beside the session worker. See `lib/messages/digest_worker.ts`. */
import { runDigest } from "../lib/io/workers/digest_driver.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { DigestReply, DigestRequest } from "../lib/messages/digest_worker.ts";

runDigest(parentPort<DigestRequest, DigestReply>(), { disk: denoDisk });
