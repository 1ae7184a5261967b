import { assert, assertEquals } from "@std/assert";
import type { Endpoint } from "../../../lib/address.ts";
import { PACKER_REST_MS } from "../../../lib/app/serve/limits.ts";
import { PackingService } from "../../../lib/app/serve/packing_service.ts";
import { ShoalError } from "../../../lib/errors.ts";
import { hashHex, type SafeFileName } from "../../../lib/ids.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { WorkerPort } from "../../../lib/io/system/worker_port.ts";
import { MIB } from "../../../lib/limits.ts";
import type { PackerReply, PackerRequest } from "../../../lib/messages/packer_worker.ts";
import { decodeFrame } from "../../../lib/wire/frames.ts";

const A: Endpoint = { address: "192.168.7.20", port: 40_000 };
const CONTENT = { root: hashHex("c0".repeat(32)), sizeBytes: 100 * MIB };
const PACK = {
  root: hashHex("d0".repeat(32)),
  bytes: new Uint8Array(new SharedArrayBuffer(1_000)),
};

/** A packer that is played by the test. */
class Packer {
  readonly jobs: number[] = [];
  say = (_reply: PackerReply): void => {};
  break = (_error: ShoalError): void => {};
  isClosed = false;

  get port(): WorkerPort<PackerReply, PackerRequest> {
    return {
      post: (request) => request.kind === "pack" && this.jobs.push(request.job),
      onMessage: (handler) => this.say = handler,
      onError: (handler) => this.break = handler,
      close: () => this.isClosed = true,
    };
  }
}

Deno.test("where no packer can be started, all is sent as it is, and after a rest it is tried again", () => {
  let nowMs = 1_000;
  const packers: Packer[] = [];
  const answers: number[] = [];
  const platform = denoRuntime();
  const start = <In, Out>() => {
    const packer = new Packer();
    packers.push(packer);
    return packer.port as unknown as WorkerPort<In, Out>;
  };
  const service = new PackingService({
    runtime: {
      ...platform,
      clock: { ...platform.clock, nowMs: () => nowMs },
      workers: { ...platform.workers, start },
    },
    index: {
      located: () => ({
        name: "a.txt" as SafeFileName,
        place: { kind: "file", dir: "/", name: "a.txt" },
        sizeBytes: CONTENT.sizeBytes,
        ...{ mtimeMs: 1, ctimeMs: 1, inode: 1 },
      }),
    },
    onAnswer: (_to, datagram) => {
      const frame = decodeFrame(datagram);
      assert(frame.kind === "packed");
      answers.push(frame.packedBytes);
    },
    ...{ onForeseen: () => {}, onDropped: () => {}, onDetail: () => {} },
  });
  const ask = (...offsets: number[]): void => {
    const ranges = offsets.map((offset) => ({ offset, lengthBytes: MIB }));
    const head = { kind: "pack_want", nonce: 5n, token: new Uint8Array(16), number: 1 } as const;
    service.ask(A, { ...head, ...CONTENT, ranges });
  };

  ask(0, MIB, 2 * MIB);
  assertEquals([packers.length, answers], [1, []]);
  packers[0]!.break(new ShoalError("internal", "packer.ts cannot be started"));
  assertEquals([answers, packers[0]!.isClosed], [[0, 0, 0], true]);
  ask(0);
  assertEquals([packers.length, answers], [1, [0, 0, 0, 0]]);

  // What was not packed for want of a packer is packed when there is one.
  nowMs += PACKER_REST_MS;
  ask(0);
  assertEquals(packers.length, 2);
  const [job] = packers[1]!.jobs;
  packers[1]!.say({ kind: "packed", job: job!, pack: PACK });
  assertEquals(answers, [0, 0, 0, 0, PACK.bytes.length]);
});
