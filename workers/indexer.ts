/** Indexer worker: hashes files of a served folder. See `lib/messages/indexer_worker.ts`. */
import { runIndexer } from "../lib/io/workers/indexer_driver.ts";
import { useFastestSha256 } from "../lib/io/hash/fastest_sha256.ts";
import { denoClock } from "../lib/io/system/deno_clock.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/deno_workers.ts";
import type { IndexerReply, IndexerRequest } from "../lib/messages/indexer_worker.ts";

useFastestSha256();
runIndexer(parentPort<IndexerRequest, IndexerReply>(), { clock: denoClock, disk: denoDisk });
