import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { hashHex, type SafeFileName, serverId } from "../../../lib/ids.ts";
import { OPEN_FILES_MAX } from "../../../lib/io/files/limits.ts";
import { identityAt } from "../../../lib/io/files/regular_file.ts";
import type { DatagramTransport, OnReceived } from "../../../lib/io/net/datagram_transport.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { clockOriginMs, nowMs } from "../../../lib/io/system/deno_clock.ts";
import type { WorkerPort } from "../../../lib/io/system/worker_port.ts";
import { runSender } from "../../../lib/io/workers/sender_driver.ts";
import type { SenderReply, SenderRequest } from "../../../lib/messages/sender_worker.ts";
import { testTransport } from "../../support/test_transport.ts";
import { Tokens } from "../../../lib/protocol/base/tokens.ts";
import { encodeFrame } from "../../../lib/wire/frames.ts";
import { withFolder } from "../../support/folder.ts";
import { canTouchFiles } from "../../support/permissions.ts";

const SECRET = new Uint8Array(32);
const PEER = { address: "10.0.0.1", port: 5_000 };
const ROOT = hashHex("ab".repeat(32));
const SIZE_BYTES = 250_000;
const DATA = 0x11;

/** A network whose first sends of data wait until they are let through. */
class SlowTransport implements DatagramTransport {
  readonly port = 1;
  readonly receiveBufferBytes = 1;
  readonly isTuned = false;
  readonly keepsWhole = false;
  readonly overheadBytes = 0;
  readonly waitedMs = 0;
  /** Types of frames. */
  readonly sent = new Set<number>();
  readonly begun = Promise.withResolvers<void>();
  readonly #let = Promise.withResolvers<void>();
  receive: OnReceived = () => {};

  listen(onReceived: OnReceived): void {
    this.receive = onReceived;
  }

  setJoining(): void {}

  routeBytes(): undefined {}

  takeArrived(): void {}

  async send(bytes: Uint8Array<ArrayBuffer>) {
    this.sent.add(bytes[3]!);
    this.begun.resolve();
    await this.#let.promise;
    return "sent" as const;
  }

  let(): void {
    this.#let.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

Deno.test({
  name: "a file that is closed while it is sent, to make room for others, is looked for again",
  ignore: !await canTouchFiles(),
}, () =>
  withFolder({ f: new Uint8Array(SIZE_BYTES) }, async (dir) => {
    const transport = new SlowTransport();
    const replies: SenderReply[] = [];
    let changed = Promise.withResolvers<void>();
    let handle: (request: SenderRequest) => void = () => {};
    const parent: WorkerPort<SenderRequest, SenderReply> = {
      post: (reply) => {
        replies.push(reply);
        changed.resolve();
        changed = Promise.withResolvers();
      },
      onMessage: (handler) => handle = handler,
      onError() {},
      close() {},
    };
    const replied = async (kind: SenderReply["kind"], count: number): Promise<void> => {
      while (replies.filter((reply) => reply.kind === kind).length < count) {
        assert(!replies.some((reply) => reply.kind === "changed"), "it was given up");
        await changed.promise;
      }
    };
    const platform = denoRuntime();
    runSender(parent, {
      ...platform,
      net: { ...platform.net, openDatagrams: () => transport },
    });
    handle({
      ...{ kind: "init", transport: testTransport(), rateBytesPerS: 0, tokenSecret: SECRET },
      ...{ serverId: serverId("5e".repeat(16)), clockOriginMs: clockOriginMs() },
    });
    const token = new Tokens(SECRET).issue(nowMs(), PEER.address);
    const bytes = encodeFrame({
      ...{ kind: "want", nonce: 1n, token, number: 1, root: ROOT, sizeBytes: SIZE_BYTES },
      ...{ segmentBytes: 1_400, withCrc: 0, ranges: [{ offset: 0, lengthBytes: SIZE_BYTES }] },
    });
    void transport.receive({ bytes, segmentBytes: bytes.length, from: PEER });
    const { signature } = identityAt(join(dir, "f"))!;
    const file = {
      name: "f" as SafeFileName,
      place: { kind: "file", dir, name: "f" } as const,
      ...signature,
    };
    await replied("locate", 1);
    handle({ kind: "located", root: ROOT, sizeBytes: SIZE_BYTES, file });
    await transport.begun.promise;
    // So many others are wanted meanwhile.
    for (let i = 0; i < OPEN_FILES_MAX; i++) {
      const root = hashHex(i.toString(16).padStart(64, "0"));
      handle({ kind: "located", root, sizeBytes: SIZE_BYTES, file });
    }
    transport.let();
    await replied("locate", 2);
    assertEquals(replies.filter(({ kind }) => kind === "locate"), [
      { kind: "locate", root: ROOT, sizeBytes: SIZE_BYTES },
      { kind: "locate", root: ROOT, sizeBytes: SIZE_BYTES },
    ]);
    handle({ kind: "located", root: ROOT, sizeBytes: SIZE_BYTES, file });
    await replied("flow", 1);
    assert(!replies.some(({ kind }) => kind === "changed" || kind === "failed"));
    assertEquals(transport.sent, new Set([DATA]));
    handle({ kind: "stop" });
    await replied("stopped", 1);
  }));
