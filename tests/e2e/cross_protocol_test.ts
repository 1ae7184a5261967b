/** What a browser, or any program that is made to, sends to our ports in another protocol. */
import { assertEquals, assertMatch } from "@std/assert";
import { contentsOf, e2e } from "../support/e2e.ts";
import { freeTcpPort, startMaster } from "../support/master.ts";
import { Scratch, ShoalProcess, startServer } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

const UPLOAD = "UPLOAD\nweb.html;5\nhello";
const HTTP = [
  `POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\n\r\n${UPLOAD}`,
  `GET /?${"x".repeat(3_000)} HTTP/1.1\r\nHost: x\r\n\r\n${UPLOAD}`,
  `UPLOAD / HTTP/1.1\r\nHost: x\r\n\r\n${UPLOAD}`,
  `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${UPLOAD}`,
] as const;
/** The head of a ClientHello, and what a page can put into it. */
const TLS = Uint8Array.of(
  0x16,
  3,
  1,
  0,
  30,
  1,
  0,
  0,
  26,
  3,
  3,
  ...new TextEncoder().encode(UPLOAD),
);

/** One line is said, and nothing after it. */
async function assertTurnedAway(
  port: number,
  said: string | Uint8Array,
  answer: RegExp,
): Promise<void> {
  using peer = await TcpPeer.connect(port);
  await peer.send(said);
  assertMatch(await peer.line(), answer);
  await peer.end();
}

e2e(
  "a server stores nothing that came as the body of another protocol, and says what it is",
  async () => {
    await using scratch = await Scratch.make();
    await using server = await startServer(scratch, freeTcpPort(), ["--allow-upload"]);
    const { tcpPort } = await server.event((event) => event.event === "ready");
    const port = Number(tcpPort);
    for (const request of HTTP) {
      await assertTurnedAway(
        port,
        request,
        /^ERROR this is the TCP port of a Shoal server, .* HTTP$/,
      );
    }
    await assertTurnedAway(port, TLS, /^ERROR this is the TCP port of a Shoal server, .* TLS$/);
    await assertTurnedAway(port, `EHLO x\n${UPLOAD}`, /^ERROR unknown command/);
    await assertTurnedAway(port, `\u00c3\n${UPLOAD}`, /^ERROR that is no command/);
    await assertTurnedAway(port, `{}\n${UPLOAD}`, /^ERROR that is no command/);
    assertEquals(contentsOf(scratch.served), {});
  },
);

e2e("a browser is not served by fetch either", async () => {
  await using scratch = await Scratch.make();
  await using server = await startServer(scratch, freeTcpPort(), ["--allow-upload"]);
  const { tcpPort } = await server.event((event) => event.event === "ready");
  const answer = await fetch(`http://127.0.0.1:${tcpPort}/`, { method: "POST", body: UPLOAD })
    .then(() => "answered", () => "failed");
  assertEquals(answer, "failed");
  assertEquals(contentsOf(scratch.served), {});
});

e2e("a master and a round-trip server turn other protocols away, too", async () => {
  const [port, echoPort] = [freeTcpPort(), freeTcpPort()];
  await using _master = await startMaster(port);
  await using echo = new ShoalProcess([
    ...["demo", "--mode", "server", "--port", `${echoPort}`],
  ], { json: false });
  for (
    const [each, name] of [[port, "a Shoal master"], [echoPort, "a round-trip server"]] as const
  ) {
    await listening(each, echo);
    const says = (what: string): RegExp =>
      new RegExp(`^ERROR this is the port of ${name}, .* ${what}$`);
    for (const request of HTTP) await assertTurnedAway(each, request, says("HTTP"));
    await assertTurnedAway(each, TLS, says("TLS"));
    await assertTurnedAway(each, "LIST_FILES\n", says("lines of text"));
  }
});

async function listening(port: number, process: ShoalProcess): Promise<void> {
  for (let tries = 0; tries < 400; tries++) {
    try {
      return (await Deno.connect({ port })).close();
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error(process.description());
}
