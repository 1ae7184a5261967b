/** What a browser, or any program that is made to, sends to our ports in another protocol. */
import { assertEquals, assertMatch } from "@std/assert";
import { contentsOf, e2e, randomFile } from "../support/e2e.ts";
import { freeTcpPort, startMaster } from "../support/master.ts";
import { Scratch, ShoalProcess, startServer } from "../support/shoal_process.ts";
import { find, framesOf, random64, TYPE } from "../attack/frames.ts";
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

/** What programs of other kinds say first. */
const STRANGERS: Readonly<Record<string, Uint8Array | string>> = {
  "HTTP/1": HTTP[0],
  "HTTP/2": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\x12\x04\0\0\0\0\0",
  TLS,
  SSH: "SSH-2.0-OpenSSH_9.6\r\n",
  SMTP: `EHLO x\r\n${UPLOAD}`,
  "an empty line": "\r\n",
  "a bare newline": "\n",
  "empty lines": "\r\n\r\n\r\n\r\n",
  "a megabyte without an end": "A".repeat(1 << 20),
  "a megabyte of small letters": "a".repeat(1 << 20),
  "a megabyte of zeros": new Uint8Array(1 << 20),
  "four zeros": new Uint8Array(4),
  SMB: Uint8Array.of(0, 0, 0, 0x54, 0xff, 0x53, 0x4d, 0x42, ...new Uint8Array(0x50)),
  "a list of JSON": Uint8Array.of(0, 0, 0, 2, 0x5b, 0x5d),
  "a broken object": Uint8Array.of(0, 0, 0, 2, 0x7b, 0x7b),
  "bytes above ASCII": new Uint8Array(64).fill(0xff),
};

e2e(
  "whatever is said in another protocol gets one line and the end, at every TCP port",
  async () => {
    await using scratch = await Scratch.make();
    const [masterPort, metricsPort, masterMetricsPort, echoPort] = Array.from(
      { length: 4 },
      freeTcpPort,
    );
    await scratch.serve("a.txt", randomFile(10, 1));
    const metrics = ["--metrics-port", `${metricsPort}`];
    await using server = await startServer(scratch, freeTcpPort(), ["--allow-upload", ...metrics]);
    await using _master = await startMaster(
      masterPort!,
      "memory",
      ...["--metrics-port", `${masterMetricsPort}`],
    );
    await using echo = new ShoalProcess(["demo", "--mode", "server", "--port", `${echoPort}`], {
      json: false,
    });
    await listening(echoPort!, echo);
    const { tcpPort, port, dataPort } = await server.event((event) => event.event === "ready");
    const ports = { tcpPort, masterPort, metricsPort, masterMetricsPort, echoPort };
    for (const [where, each] of Object.entries(ports)) {
      for (const [what, said] of Object.entries(STRANGERS)) {
        const answer = await answerTo(Number(each), said);
        assertMatch(answer, ONE_ANSWER, `${what} at ${where}: ${JSON.stringify(answer)}`);
      }
    }
    for (const udpPort of [port, dataPort]) {
      assertEquals(await answersOverUdp(Number(udpPort), Object.values(STRANGERS)), []);
    }
    assertEquals(visibleIn(scratch.served), ["a.txt"]);
  },
);

function visibleIn(folder: string): string[] {
  return Object.keys(contentsOf(folder)).filter((name) => !name.startsWith("."));
}

/** A line, one framed message, or a response of HTTP that has little to say. */
const ONE_ANSWER =
  /^(?:ERROR [^\n]+\n|\0\0\0.\{"status":"error"[^}]+\}|HTTP\/1\.1 4\d\d (?:(?!HTTP\/1)[^]){0,300})$/;

/** All that is said until the end, which does not come of our patience. */
async function answerTo(port: number, said: string | Uint8Array): Promise<string> {
  using peer = await TcpPeer.connect(port);
  await peer.send(said).catch(() => {});
  return await peer.rest();
}

/** What comes back before the answer to a true question does. */
async function answersOverUdp(
  port: number,
  all: readonly (string | Uint8Array)[],
): Promise<string[]> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "127.0.0.1", port: 0 });
  const to = { transport: "udp", hostname: "127.0.0.1", port } as const;
  for (const said of all) {
    const bytes = typeof said === "string" ? new TextEncoder().encode(said) : said;
    await socket.send(bytes.subarray(0, 1_400), to);
    await socket.send(bytes.subarray(0, 60_000), to);
  }
  const queryId = random64();
  const ask = (): void => void socket.send(find(queryId, [{ name: "a.txt" }]), to);
  const asking = setInterval(ask, 200);
  ask();
  try {
    const strange: string[] = [];
    for (;;) {
      const [datagram] = await socket.receive();
      const frames = framesOf(datagram);
      if (frames.some(({ type }) => type === TYPE.offer)) return strange;
      strange.push(new TextDecoder("latin1").decode(datagram));
    }
  } finally {
    clearInterval(asking);
    socket.close();
  }
}

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
