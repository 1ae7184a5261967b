/** Digest worker: hashes what is uploaded, beside the session worker. See `lib/messages/digest_worker.ts`. */
import { runDigest } from "../lib/io/workers/digest_driver.ts";
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { denoClock } from "../lib/io/system/deno_clock.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";
import type { DigestReply, DigestRequest } from "../lib/messages/digest_worker.ts";

useFastestSha256();
runDigest(parentPort<DigestRequest, DigestReply>(), { clock: denoClock, disk: denoDisk });
