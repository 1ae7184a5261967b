/**
 * Starts workers where there are few descriptors, as a program: `scarce_workers.ts FREE`. Leaves so many of those it may have,
 * prints what became of a worker, then frees them all and prints what became of the next.
 */
import { startWorker } from "../../lib/io/system/deno_workers.ts";
import type { PackerReply, PackerRequest } from "../../lib/messages/packer_worker.ts";

const held: Deno.FsFile[] = [];
try {
  for (;;) held.push(Deno.openSync("/dev/null"));
} catch {
  // That was the last one.
}
const release = (count: number): void => held.splice(0, count).forEach((file) => file.close());

async function fate(): Promise<void> {
  const told = Promise.withResolvers<string>();
  const port = startWorker<PackerReply, PackerRequest>("packer.ts");
  port.onError(({ message, hint }) => told.resolve(`${message} | ${hint}`));
  port.onMessage(({ kind }) => told.resolve(kind));
  port.post({ kind: "init" });
  console.log(await told.promise);
  port.close();
}

release(Number(Deno.args[0]));
await fate();
release(held.length);
await fate();
