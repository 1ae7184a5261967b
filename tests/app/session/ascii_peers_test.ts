/** Our client at servers of the ASCII dialect that differ in what they take for a command. */
import "../../support/libraries.ts";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { getOverTcpIn } from "../../../lib/app/client/get_files.ts";
import { listOverTcpIn } from "../../../lib/app/list/tcp_list.ts";
import { putIn } from "../../../lib/app/session/put.ts";
import { ShoalError } from "../../../lib/errors.ts";
import type { TcpRuntime } from "../../../lib/io/net/tcp_client.ts";
import { denoRuntime, type Runtime } from "../../../lib/io/runtime.ts";
import { StreamingHash } from "../../../lib/protocol/base/sha256.ts";
import { ASCII_BARE_MS } from "../../../lib/protocol/session/limits.ts";
import { withFolder } from "../../support/folder.ts";
import { type PeerLink, playTcp, type VirtualPeer } from "../../support/virtual_tcp.ts";

const FILE = new TextEncoder().encode("what is in the file\n".repeat(100));
const ID = md5Of(FILE);
const LISTING = `${ID};a.txt;${FILE.length}`;

function md5Of(bytes: Uint8Array<ArrayBuffer>): string {
  const hash = new StreamingHash("md5");
  hash.update(bytes);
  return hash.digestHex();
}

interface Kind {
  /** What is said to have been received, of what was. `undefined` while it is not whole. */
  readonly message: (received: string) => string | undefined;
  /** How long a listing takes. */
  readonly listMs?: number;
  /** What becomes of what is no command. */
  readonly unknown?: "error" | "nothing" | "closes";
  /** How its own messages end. */
  readonly ending?: string;
}

const LINE = (received: string): string | undefined =>
  received.includes("\n") ? received.slice(0, received.indexOf("\n")) : undefined;
/** The message is what one read brought, as it is. */
const EXACT = (received: string): string => received;

const KINDS: Readonly<Record<string, Kind>> = {
  "compares exactly": { message: EXACT },
  "compares exactly and ends its lines": { message: EXACT, ending: "\n" },
  "compares exactly and is silent about the rest": { message: EXACT, unknown: "nothing" },
  "compares exactly and closes on the rest": { message: EXACT, unknown: "closes" },
  "compares exactly and is slow": { message: EXACT, listMs: 2_500 },
  "strips what it reads": { message: (received) => received.trim() },
  "reads lines": { message: LINE },
  "reads lines and ends its own": { message: LINE, ending: "\n" },
  "compares exactly with a whole line": {
    message: (received) => received.endsWith("\n") ? received.slice(0, -1) : `${received}?`,
  },
  "compares exactly with a whole line and closes on the rest": {
    message: (received) => received.endsWith("\n") ? received.slice(0, -1) : `${received}?`,
    unknown: "closes",
  },
};

/** A server of this kind that has one file, and takes another. */
class AsciiPeer implements VirtualPeer {
  readonly #kind: Kind;
  #received = "";
  #expects: "command" | "id" | "name" | "body" = "command";
  #bodyBytes = 0;
  readonly #hash = new StreamingHash("md5");

  constructor(kind: Kind) {
    this.#kind = kind;
  }

  onBytes(link: PeerLink, bytes: Uint8Array<ArrayBuffer>): void {
    if (this.#expects === "body") return this.#onBody(link, bytes);
    this.#received += new TextDecoder().decode(bytes);
    const message = this.#kind.message(this.#received);
    if (message === undefined) return;
    this.#received = "";
    if (message !== "" || this.#kind.message !== LINE) this.#onMessage(link, message);
  }

  #onMessage(link: PeerLink, message: string): void {
    switch (this.#expects) {
      case "command":
        return this.#onCommand(link, message);
      case "id":
        this.#expects = "command";
        if (message.trim() === ID) return link.say(FILE);
        return this.#say(link, "ERROR no such file");
      default: {
        const [, size] = message.split(";");
        this.#expects = "body";
        this.#bodyBytes = parseInt(size ?? "");
        return this.#say(link, "Ready to receive the file");
      }
    }
  }

  #onCommand(link: PeerLink, command: string): void {
    switch (command) {
      case "LIST_FILES":
        return this.#say(link, LISTING, this.#kind.listMs);
      case "DOWNLOAD":
        this.#expects = "id";
        return this.#say(link, "Please send a file ID");
      case "UPLOAD":
        this.#expects = "name";
        return this.#say(link, "Please send the file name and file size");
    }
    const { unknown = "error", listMs = 0 } = this.#kind;
    if (unknown === "closes") link.hangUp();
    // It does one thing after another: what came while it was listing is answered right after that.
    const afterMs = Math.max(1, listMs - ASCII_BARE_MS + 1);
    if (unknown === "error") this.#say(link, "ERROR unknown command", afterMs);
  }

  #onBody(link: PeerLink, bytes: Uint8Array<ArrayBuffer>): void {
    this.#hash.update(bytes);
    this.#bodyBytes -= bytes.length;
    if (this.#bodyBytes > 0) return;
    this.#expects = "command";
    this.#say(link, this.#hash.digestHex());
  }

  #say(link: PeerLink, text: string, afterMs = 1): void {
    link.say(`${text}${this.#kind.ending ?? ""}`, afterMs);
  }
}

/** The rest of the platform is the real one. */
function withNet({ clock, net }: TcpRuntime): Runtime {
  const real = denoRuntime();
  return { ...real, clock, net: { ...real.net, ...net } };
}

for (const [what, kind] of Object.entries(KINDS)) {
  const peer = () => new AsciiPeer(kind);

  Deno.test(`a server that ${what} is listed`, async () => {
    // A server that ends the connection over the first form is tried again with the other.
    const retries = kind.unknown === "closes" ? 3 : 1;
    const options = { dialect: "ascii", timeoutMs: 5_000, retries } as const;
    const { result } = await playTcp(
      (runtime, server) => listOverTcpIn(runtime, { ...options, server }),
      peer,
    );
    assert(Array.isArray(result), String(result));
    assertEquals(result.map(({ name, size, md5 }) => [name, size, md5]), [[
      "a.txt",
      FILE.length,
      ID,
    ]]);
  });

  Deno.test(`a server that ${what} is got from`, () =>
    withFolder({}, async (outDir) => {
      const { result } = await playTcp((runtime, server) =>
        getOverTcpIn(withNet(runtime), {
          names: ["a.txt"],
          outDir,
          server,
          dialect: "ascii",
        }), peer);
      assert(!(result instanceof ShoalError), String(result));
      assertEquals(result[0]?.event, "done", JSON.stringify(result[0]));
      assertEquals(await Deno.readFile(join(outDir, "a.txt")), FILE);
    }));

  Deno.test(`a server that ${what} is put to`, () =>
    withFolder({}, async (folder) => {
      const path = join(folder, "b.txt");
      await Deno.writeTextFile(path, "something else");
      const { result } = await playTcp(
        (runtime, server) => putIn(withNet(runtime), { files: [path], server, dialect: "ascii" }),
        peer,
      );
      assert(!(result instanceof ShoalError), String(result));
      assertEquals(result[0]?.event, "stored", JSON.stringify(result[0]));
    }));
}

/** What `list` makes of a server that answers whatever it is told with this. */
async function listed(...answers: readonly (readonly [text: string, afterMs: number])[]) {
  const run = await playTcp(
    (runtime, server) => listOverTcpIn(runtime, { server, dialect: "ascii", timeoutMs: 3_000 }),
    () => ({
      onOpen(link) {
        for (const [text, afterMs] of answers) link.say(text, afterMs);
      },
    }),
  );
  return run.result;
}

Deno.test("what is no listing is an error, and not an empty one", async () => {
  const texts = ["HTTP/1.1 400 Bad Request\r\n\r\n", "hello", "\n\n", "ERROR the disk is on fire"];
  for (const text of texts) {
    const error = await listed([text, 1]);
    assert(error instanceof ShoalError, `${text}: ${JSON.stringify(error)}`);
    assert(["network", "refused", "no_server", "stalled"].includes(error.code), error.code);
  }
});

Deno.test("a server that says that it has nothing has nothing", async () => {
  assertEquals(await listed(["No files available at the moment", 1]), []);
});

Deno.test("a line that makes no sense does not take the others with it", async () => {
  const files = await listed([`${LISTING}\nnonsense\n${ID};b.txt;7`, 1]);
  assert(Array.isArray(files));
  assertEquals(files.map(({ name }) => name), ["a.txt", "b.txt"]);
});

Deno.test("a listing that pauses in the middle is read to its end", async () => {
  const lines = Array.from({ length: 60 }, (_, i) => `${ID};file${i};${i}`).join("\n");
  // Within a line, within a size, and between two lines.
  for (const cut of [2_000, lines.indexOf(";57\n") + 2, lines.indexOf("\n", 2_000)]) {
    const files = await listed([lines.slice(0, cut), 1], [lines.slice(cut), 700]);
    assert(Array.isArray(files));
    assertEquals(files.length, 60, `cut at ${cut}`);
  }
});
