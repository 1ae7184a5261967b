/** The assembler, fed by one connection instead of receivers: proved chunks in, verified files out. */
import type { Bytes, TransferId } from "../../ids.ts";
import { transferId } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { channelPort, startWorker, type WorkerPort } from "../../io/system/worker_port.ts";
import { CHUNK_BYTES_MAX } from "../../protocol/merkle/limits.ts";
import { RECEIVER_BUFFER_BYTES_MAX } from "../../protocol/download/limits.ts";
import type { AssemblerReply, AssemblerRequest } from "../../messages/assembler.ts";
import type { ChunksMessage, RecycleMessage } from "../../messages/chunk_feed.ts";

type OpenRequest = Omit<Extract<AssemblerRequest, { kind: "open" }>, "kind" | "transfer">;
type Opening = Extract<AssemblerReply, { kind: "present" | "opened" }>;
type Ending = Extract<AssemblerReply, { kind: "finished" | "unverified" | "unproved" }>;

const BUFFERS_MAX = RECEIVER_BUFFER_BYTES_MAX / CHUNK_BYTES_MAX;

export class TcpAssembler {
  readonly #worker: WorkerPort<AssemblerReply, AssemblerRequest> = startWorker("assembler.ts");
  readonly #feed: WorkerPort<RecycleMessage, ChunksMessage>;
  readonly #stopped = Promise.withResolvers<void>();
  readonly #free: Bytes[] = [];
  #bufferCount = 0;
  #waitingForBuffer: PromiseWithResolvers<void> | undefined;
  #transfer: TransferId = transferId(0);
  /** What the assembler said of the transfer at hand and nobody has heard yet. */
  #news: AssemblerReply[] = [];
  #waitingForNews: PromiseWithResolvers<void> | undefined;
  #failure: ShoalError | undefined;

  constructor() {
    this.#worker.onError((error) => this.#fail(error));
    this.#worker.onMessage((reply) => this.#onReply(reply));
    this.#worker.post({ kind: "init" });
    const { port1, port2 } = new MessageChannel();
    this.#worker.post({ kind: "feed", port: port1 }, [port1]);
    this.#feed = channelPort(port2);
    this.#feed.onMessage(({ buffers }) => {
      this.#free.push(...buffers);
      this.#waitingForBuffer?.resolve();
    });
  }

  /** Begins a transfer. Throws ShoalError for whatever keeps the target from being written. */
  async open(request: OpenRequest): Promise<Opening> {
    this.#transfer = transferId(this.#transfer + 1);
    this.#news = [];
    this.#worker.post({ kind: "open", transfer: this.#transfer, ...request });
    return await this.#next() as Opening;
  }

  /** The layer that chunks are proved by; the file may be published once it is whole. */
  begin(layer: Bytes): void {
    const transfer = this.#transfer;
    this.#worker.post({ kind: "layer", transfer, layer });
    this.#worker.post({ kind: "publish", transfer });
  }

  /** An empty buffer for a chunk, as soon as the disk has taken enough of those before. */
  async buffer(chunkBytes: number): Promise<Bytes> {
    for (;;) {
      const free = this.#free.pop();
      if (free !== undefined && free.length >= chunkBytes) return free;
      if (free !== undefined) this.#bufferCount -= 1;
      else if (this.#bufferCount >= BUFFERS_MAX) {
        this.#waitingForBuffer = Promise.withResolvers();
        await this.#waitingForBuffer.promise;
        if (this.#failure !== undefined) throw this.#failure;
        continue;
      }
      this.#bufferCount += 1;
      return new Uint8Array(chunkBytes);
    }
  }

  /** Hands over a proved chunk; its buffer changes hands. */
  write(chunk: number, buffer: Bytes, bytes: number): void {
    const { buffer: memory } = buffer;
    this.#feed.post({
      kind: "chunks",
      chunks: [{ transfer: this.#transfer, chunk, bytes, buffer }],
    }, [memory]);
  }

  /** What becomes of the transfer, when all chunks were written. */
  async ending(): Promise<Ending> {
    return await this.#next() as Ending;
  }

  /** Ends the transfer; what is verified stays and can be resumed. */
  async abort(): Promise<void> {
    this.#worker.post({ kind: "abort", transfer: this.#transfer, keep: true });
    while ((await this.#next()).kind !== "aborted");
  }

  async close(): Promise<void> {
    this.#worker.post({ kind: "stop" });
    await this.#stopped.promise;
    this.#feed.close();
    this.#worker.close();
  }

  /** Throws what the assembler says the transfer failed of. */
  async #next(): Promise<AssemblerReply> {
    while (this.#news.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#waitingForNews = Promise.withResolvers();
      await this.#waitingForNews.promise;
    }
    const news = this.#news.shift()!;
    if (news.kind === "transferFailed") throw ShoalError.fromMessage(news.error);
    return news;
  }

  #onReply(reply: AssemblerReply): void {
    if (reply.kind === "stopped") return this.#stopped.resolve();
    if (reply.kind === "failed") return this.#fail(ShoalError.fromMessage(reply.error));
    if (!("transfer" in reply) || reply.transfer !== this.#transfer) return;
    this.#news.push(reply);
    this.#waitingForNews?.resolve();
  }

  #fail(error: ShoalError): void {
    this.#failure ??= error;
    this.#stopped.resolve();
    this.#waitingForNews?.resolve();
    this.#waitingForBuffer?.resolve();
  }
}
