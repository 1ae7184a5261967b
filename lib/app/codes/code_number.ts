/** Which number a sender takes: one that no other sender of its network is heard to have. */
import type { Endpoint } from "../../address.ts";
import type { Runtime } from "../../io/runtime.ts";
import { CODE_NUMBER_MAX } from "../../protocol/codes/limits.ts";
import { encodeFrame, type Frame } from "../../wire/frames.ts";
import { CODE_LOOK_MS, CODE_LOOKS, CODE_NUMBERS_TRIED_MAX } from "./limits.ts";
import type { CodeSocket } from "./code_socket.ts";

export class CodeNumbers {
  readonly #runtime: Pick<Runtime, "clock" | "random">;
  /** What the questions were asked by. */
  #echo: bigint | undefined;
  #isTaken = false;

  constructor(runtime: Pick<Runtime, "clock" | "random">) {
    this.#runtime = runtime;
  }

  /** What has come while a number was looked for. */
  onFrame(frame: Frame): void {
    if (frame.kind === "code_here" && frame.echo === this.#echo) this.#isTaken = true;
  }

  /** @param targets where a search goes */
  async free(
    socket: CodeSocket,
    targets: () => readonly Endpoint[],
    signal: AbortSignal,
  ): Promise<number> {
    const { clock } = this.#runtime;
    for (let tried = 1;; tried++) {
      const number = this.#drawn();
      this.#isTaken = false;
      const echo = this.#echo = this.#runtime.random.u64();
      for (let round = 0; round < CODE_LOOKS && !this.#isTaken; round++) {
        const datagram = encodeFrame({ kind: "code_find", echo, round, number });
        for (const to of targets()) socket.send(datagram, to);
        await clock.sleep(CODE_LOOK_MS / CODE_LOOKS, signal);
      }
      if (!this.#isTaken || tried >= CODE_NUMBERS_TRIED_MAX || signal.aborted) return number;
    }
  }

  #drawn(): number {
    return 1 + Math.floor(this.#runtime.random.u32() / 2 ** 32 * CODE_NUMBER_MAX);
  }
}
