/** A server's side of a session, over streams that are played. */
import { assertEquals } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { SESSION_REQUESTS_PER_S } from "../../../lib/io/net/limits.ts";
import type { ByteStream } from "../../../lib/io/net/byte_stream.ts";
import { RequestPace } from "../../../lib/io/net/request_pace.ts";
import { SessionConnection } from "../../../lib/io/net/session_connection.ts";
import { Throttle } from "../../../lib/io/net/throttle.ts";
import { denoClock } from "../../../lib/io/system/deno_clock.ts";
import { runMasterDialogue } from "../../../lib/io/workers/master_host.ts";
import { runDialogue, type SessionLibrary } from "../../../lib/io/workers/session_host.ts";
import { RateLimit } from "../../../lib/protocol/base/rate_limit.ts";
import { ConcurrencyLimit } from "../../../lib/protocol/base/concurrency_limit.ts";
import { serveMaster } from "../../../lib/protocol/master/master_session.ts";
import type { RegistryStore } from "../../../lib/protocol/master/registry_store.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import { SentChunks } from "../../../lib/protocol/serve/sent_chunks.ts";
import { AnswerTurns } from "../../../lib/protocol/session/answer_turns.ts";
import { ANSWERS_PER_PARTY_AT_ONCE } from "../../../lib/protocol/session/limits.ts";
import { serveSession } from "../../../lib/protocol/session/serve_session.ts";
import { until } from "../../support/registry.ts";
import { encodeMessage } from "../../../lib/wire/session_json.ts";

/** Says one thing, and takes nothing of what is answered until it ends. */
class DeafStream implements ByteStream {
  readonly peer;
  readonly localAddress = "10.0.0.1";
  readonly #ended = Promise.withResolvers<number>();
  #said: Bytes | undefined;

  constructor(address: string, said: Bytes) {
    this.peer = { address, port: 1 };
    this.#said = said;
  }

  read(target: Bytes): Promise<number> {
    const said = this.#said;
    if (said === undefined) return this.#ended.promise;
    this.#said = undefined;
    target.set(said);
    return Promise.resolve(said.length);
  }

  write(): Promise<number> {
    return this.#ended.promise;
  }

  closeWrite(): Promise<void> {
    return Promise.resolve();
  }

  close(): void {
    this.#ended.resolve(0);
  }
}

const nobody = (): never => {
  throw new Error("nobody asked for this");
};

for (
  const [what, request] of [
    ["layers", { command: "layer", root: "ab".repeat(32), size: 1e12 }],
    ["listings", { command: "list" }],
  ] as const
) {
  Deno.test(`${what} that nobody takes are put together a few at a time per address`, async () => {
    const asked: string[] = [];
    let asking = "";
    const library: SessionLibrary = {
      clock: denoClock,
      ...{
        md5Of: nobody,
        onUploaded: nobody,
        onSending: nobody,
        onSent: nobody,
        onChanged: nobody,
        onRefused: nobody,
      },
      ...{ onStruck: nobody, log: nobody },
      disk: {} as SessionLibrary["disk"],
      uploads: undefined,
      sent: new SentChunks(),
      turns: new AnswerTurns(),
      throttle: new Throttle(denoClock),
      ask: (question) => {
        asked.push(asking);
        return Promise.resolve(question.kind === "layer" ? new Uint8Array(1_000) : []) as never;
      },
    };
    const policy = { allowsUpload: false, uploadBytesMax: 0, chunkBytes: 4, errorRate: 0, seed: 1 };
    const streams: DeafStream[] = [];
    const sessions: Promise<unknown>[] = [];
    const begin = async (address: string): Promise<void> => {
      const stream = new DeafStream(address, encodeMessage(request));
      streams.push(stream);
      const connection = new SessionConnection(stream, denoClock);
      const rate = new RateLimit(SESSION_REQUESTS_PER_S, SESSION_REQUESTS_PER_S);
      const pace = new RequestPace(denoClock, [rate], new RateLimit(1e9, 1e9));
      asking = address;
      const dialogue = serveSession({ ...policy, refusal: undefined });
      sessions.push(runDialogue(dialogue, connection, library, pace).catch(() => {}));
      await settled();
    };
    for (let i = 0; i < 3 * ANSWERS_PER_PARTY_AT_ONCE; i++) await begin("10.0.0.9");
    assertEquals(asked, Array(ANSWERS_PER_PARTY_AT_ONCE).fill("10.0.0.9"));
    await begin("10.0.0.7");
    assertEquals(asked.at(-1), "10.0.0.7");
    assertEquals(asked.length, ANSWERS_PER_PARTY_AT_ONCE + 1);
    // Who takes nothing gives way to who waits.
    const before = asked.length;
    await until(() => Promise.resolve(asked.length > before), "somebody gives way");
    // Whoever hangs up leaves its turn to the next.
    const now = asked.length;
    for (const each of streams.slice(0, ANSWERS_PER_PARTY_AT_ONCE + 1)) each.close();
    await until(() => Promise.resolve(asked.length > now), "there is a turn");
    for (const each of streams) each.close();
    await Promise.all(sessions);
    assertEquals(asked.length, 3 * ANSWERS_PER_PARTY_AT_ONCE + 1);
  });
}

Deno.test("what a master has found for nobody to take, too", async () => {
  const asked: string[] = [];
  const turns = new AnswerTurns();
  const store = {
    locate: () => {
      asked.push("locate");
      return Promise.resolve([[]]);
    },
  } as unknown as RegistryStore;
  const streams: DeafStream[] = [];
  const sessions: Promise<unknown>[] = [];
  for (let i = 0; i < 3 * ANSWERS_PER_PARTY_AT_ONCE; i++) {
    const stream = new DeafStream("10.0.0.9", encodeMessage({ command: "locate", names: ["a"] }));
    streams.push(stream);
    const rate = new RateLimit(SESSION_REQUESTS_PER_S, SESSION_REQUESTS_PER_S);
    const connection = new SessionConnection(stream, denoClock);
    const dialogue = serveMaster("10.0.0.9", "10.0.0.1");
    sessions.push(
      runMasterDialogue(dialogue, connection, {
        runtime: denoRuntime(),
        ...{ store, turns, pages: new ConcurrencyLimit(1) },
        ...{ onAnswered: () => {}, isStopping: () => false },
      }, new RequestPace(denoClock, [rate], new RateLimit(1e9, 1e9))).catch(() => {}),
    );
  }
  await settled();
  assertEquals(asked.length, ANSWERS_PER_PARTY_AT_ONCE);
  for (const each of streams) each.close();
  await Promise.all(sessions);
  assertEquals(asked.length, 3 * ANSWERS_PER_PARTY_AT_ONCE);
});

/** All that follows at once has happened. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setTimeout(resolve, 0));
}
