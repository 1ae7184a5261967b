/**
 * One client that asks a master for one name after another, over one connection. `HOST:PORT SERVERS FILES
 * SECONDS`; prints the times of all answers in milliseconds, separated by blanks.
 */
import { converse } from "../../lib/app/session/session_retries.ts";
import { denoRuntime } from "../../lib/io/runtime.ts";
import { type ClientDialogue, perform } from "../../lib/protocol/session/client_dialogue.ts";
import { JsonSession } from "../../lib/protocol/session/json_session.ts";
import { MASTER_PORT } from "../../lib/limits.ts";
import { MASTER_MESSAGE_BYTES_MAX, MASTER_PATIENCE_MS } from "../../lib/app/master/limits.ts";
import { nameOfLoad } from "./registry_files.ts";

const master = Deno.args[0]!;
const [servers, files, seconds] = Deno.args.slice(1).map(Number) as [number, number, number];
/** Between two questions: nobody asks without a pause, and the master has a processor to share. */
const PAUSE_MS = 2;

const target = {
  ...{ server: master, port: MASTER_PORT, layers: [] },
  ...{ timeoutMs: MASTER_PATIENCE_MS, retries: 1 },
};
const times = await converse(denoRuntime(), target, load);
console.log(times.map((ms) => ms.toFixed(3)).join(" "));

function* load(peer: string): ClientDialogue<number[]> {
  const session = new JsonSession({ peer, messageBytesMax: MASTER_MESSAGE_BYTES_MAX });
  const times: number[] = [];
  const endMs = performance.now() + seconds * 1000;
  while (performance.now() < endMs) {
    const name = nameOfLoad(random(servers), random(files));
    const startMs = performance.now();
    const answer = yield* session.ask({ command: "locate", names: [name] });
    times.push(performance.now() - startMs);
    if (answer["status"] !== "located") throw session.nonsense();
    yield* perform("receive", { waitMs: PAUSE_MS });
  }
  return times;
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
