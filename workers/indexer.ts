/** Indexer worker: hashes files of a served folder. See `lib/messages/indexer_worker.ts`. */
import { runIndexer } from "../lib/io/workers/indexer_driver.ts";
import { denoDisk } from "../lib/io/files/deno_disk.ts";
import { parentPort } from "../lib/io/system/worker_port.ts";
import type { IndexerReply, IndexerRequest } from "../lib/messages/indexer_worker.ts";

runIndexer(parentPort<IndexerRequest, IndexerReply>(), { disk: denoDisk });
