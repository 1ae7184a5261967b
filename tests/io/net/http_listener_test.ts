import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Bytes } from "../../../lib/ids.ts";
import { HttpListener } from "../../../lib/io/net/http_listener.ts";
import type { HttpRequest, HttpResponse } from "../../../lib/io/net/http_message.ts";
import { HTTP_STREAMS_PER_ADDRESS_MAX } from "../../../lib/io/net/limits.ts";
import { denoRuntime } from "../../../lib/io/runtime.ts";
import type { Clock } from "../../../lib/io/system/clock.ts";
import { canUseNetwork } from "../../support/permissions.ts";
import { TcpPeer } from "../../support/tcp_peer.ts";

const ignore = !await canUseNetwork();
const { clock, net } = denoRuntime();

/** A clock on which what takes a minute is over in a blink: for what must not be waited for. */
const HASTY = 500;
const hastyClock: Clock = {
  ...clock,
  nowMs: () => clock.nowMs() * HASTY,
  within: (promise, ms) => clock.within(promise, ms / HASTY),
  sleep: (ms, signal) => clock.sleep(ms / HASTY, signal),
};

async function withListener(
  respond: (request: HttpRequest) => Promise<HttpResponse>,
  body: (connect: () => Promise<TcpPeer>, problems: readonly string[]) => Promise<void>,
  onClock = clock,
): Promise<void> {
  const problems: string[] = [];
  const listener = new HttpListener({
    ...{ clock: onClock, net, host: "127.0.0.1", ports: [0], rateBytesPerS: 0, respond },
    onProblem: (message) => problems.push(message),
    onFailure: (error) => problems.push(error.message),
  });
  try {
    await body(() => TcpPeer.connect(listener.port), problems);
  } finally {
    await listener.close();
  }
}

/** A body of so many bytes, and how it ended. */
function endless(lengthBytes: number, onEnd: (isWhole: boolean) => void): HttpResponse {
  let left = lengthBytes;
  const open = (): ReadableStream<Bytes> =>
    new ReadableStream({
      type: "bytes",
      autoAllocateChunkSize: 65_536,
      pull(controller) {
        const { byobRequest } = controller;
        const length = Math.min(left, byobRequest!.view!.byteLength);
        left -= length;
        byobRequest!.respond(length);
        if (left === 0) controller.close();
      },
    });
  return { status: 200, fields: [], body: { lengthBytes, open, onEnd } };
}

const GET = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

Deno.test({ name: "whoever does not finish its request is not waited for", ignore }, async () => {
  const respond = () => Promise.reject(new Error("nobody has asked"));
  await withListener(respond, async (connect, problems) => {
    for (const half of ["", "G", "GET / HTTP/1.1\r\n", GET.slice(0, -1)]) {
      using peer = await connect();
      await peer.send(half);
      assertEquals(await peer.rest(), "", half);
    }
    assertEquals(problems, []);
  }, hastyClock);
});

Deno.test({ name: "whoever takes nothing of its answer is dropped", ignore }, async () => {
  const ended = Promise.withResolvers<boolean>();
  const respond = () => Promise.resolve(endless(1_000_000_000, ended.resolve));
  await withListener(respond, async (connect) => {
    using peer = await connect();
    await peer.send(GET);
    assertEquals(await ended.promise, false);
  }, hastyClock);
});

Deno.test(
  { name: "one address is sent so much at once, and told when it is more", ignore },
  async () => {
    let isOver = 0;
    const respond = () => Promise.resolve(endless(1_000_000_000, () => void (isOver += 1)));
    await withListener(respond, async (connect) => {
      const peers: TcpPeer[] = [];
      for (let i = 0; i < HTTP_STREAMS_PER_ADDRESS_MAX; i++) {
        const peer = await connect();
        peers.push(peer);
        await peer.send(GET);
        assertMatch(await peer.line(), /200 OK/);
      }
      using another = await connect();
      await another.send(GET);
      assertMatch(await another.rest(), /^HTTP\/1\.1 429 (.+\r\n)*retry-after: 1\r\n/);
      assertEquals(isOver, 1);
      for (const peer of peers) peer[Symbol.dispose]();
    });
  },
);

Deno.test({
  name: "a body is read if it is wanted, and asked for where that is waited for",
  ignore,
}, async () => {
  const respond = async ({ head, body }: HttpRequest): Promise<HttpResponse> => {
    const pieces: number[] = [];
    if (head.path === "/read") { for await (const piece of body) pieces.push(...piece); }
    return { status: 200, fields: [], body: Uint8Array.from(pieces) };
  };
  await withListener(respond, async (connect) => {
    const post = (path: string, fields = "") =>
      `POST ${path} HTTP/1.1\r\nHost: localhost\r\ncontent-length: 4\r\n${fields}\r\n`;
    using waiting = await connect();
    await waiting.send(post("/read", "expect: 100-continue\r\n"));
    assertMatch(await waiting.line(), /^HTTP\/1\.1 100 Continue\r/);
    await waiting.send("abcd" + GET.replace("\r\n\r\n", "\r\nconnection: close\r\n\r\n"));
    const both = await waiting.rest();
    assertMatch(both, /\r\n\r\nabcdHTTP\/1\.1 200 OK\r\n/);
    // What was not read may be taken for a request by nobody.
    using unread = await connect();
    await unread.send(`${post("/other")}${GET}${GET}`);
    const answer = await unread.rest();
    assertEquals(answer.match(/HTTP\/1\.1/g)?.length, 1);
    assertMatch(answer, /connection: close\r\n/);
    using short = await connect();
    await short.send(post("/read") + "ab");
    short[Symbol.dispose]();
  });
});

Deno.test({ name: "a body that ends early ends the connection early", ignore }, async () => {
  let pulls = 0;
  const open = (): ReadableStream<Bytes> =>
    new ReadableStream({
      type: "bytes",
      pull(controller) {
        if (pulls++ > 0) controller.error(new Error("the disk broke"));
        else controller.enqueue(new Uint8Array(10));
      },
    });
  const respond = (): Promise<HttpResponse> =>
    Promise.resolve({ status: 200, fields: [], body: { lengthBytes: 20, open } });
  await withListener(respond, async (connect, problems) => {
    using first = await connect();
    await first.send(GET + GET);
    const text = await first.rest();
    assert(text.endsWith(`content-length: 20\r\n\r\n${"\0".repeat(10)}`), text);
    // Where nothing was sent yet, there is an answer.
    using second = await connect();
    await second.send(GET);
    assertMatch(await second.rest(), /^HTTP\/1\.1 503 /);
    assertEquals(problems, []);
  });
});
