import { assertEquals } from "@std/assert";
import type { SendOutcome } from "../../../lib/io/net/datagram_transport.ts";
import { NO_ROOM_PAUSES_MS } from "../../../lib/io/net/limits.ts";
import { systemSend } from "../../../lib/io/net/system_send.ts";

const TO = { address: "10.0.0.9", port: 10_526 };

/** A socket that fails with these codes, one a send, and takes everything after that. */
class ScriptedSocket {
  readonly #codes: (string | undefined)[];
  sends = 0;
  readonly pausesMs: number[] = [];

  constructor(...codes: (string | undefined)[]) {
    this.#codes = codes;
  }

  send(bytes: Uint8Array): Promise<number> {
    this.sends += 1;
    if (this.#codes.length === 0) return Promise.resolve(bytes.length);
    const code = this.#codes.shift();
    return Promise.reject(Object.assign(new Error("refused"), code === undefined ? {} : { code }));
  }

  outcome(): Promise<SendOutcome> {
    return systemSend(this, new Uint8Array(3), TO, (ms) => {
      this.pausesMs.push(ms);
      return Promise.resolve();
    });
  }
}

Deno.test("what the system refuses to send is told apart, and not tried again", async () => {
  const told: Readonly<Record<string, SendOutcome>> = {
    EPERM: "blocked",
    EACCES: "forbidden",
    ENETUNREACH: "no route",
    EHOSTUNREACH: "no route",
    ENETDOWN: "no route",
    EMSGSIZE: "too long",
    EINVAL: "too long",
    ECONNREFUSED: "lost",
  };
  for (const [code, outcome] of Object.entries(told)) {
    const socket = new ScriptedSocket(code);
    assertEquals([code, await socket.outcome(), socket.sends], [code, outcome, 1]);
  }
  assertEquals(await new ScriptedSocket(undefined).outcome(), "lost");
});

Deno.test("a full queue of the system is waited for, longer each time, and is no refusal", async () => {
  const short = new ScriptedSocket("ENOBUFS", "ENOBUFS", "ENOMEM");
  assertEquals(await short.outcome(), "sent");
  assertEquals(short.pausesMs, NO_ROOM_PAUSES_MS.slice(0, 3));
  const long = new ScriptedSocket(...Array<string>(99).fill("ENOBUFS"));
  assertEquals(await long.outcome(), "lost");
  assertEquals([long.sends, long.pausesMs], [
    NO_ROOM_PAUSES_MS.length + 1,
    [...NO_ROOM_PAUSES_MS],
  ]);
});

Deno.test("a refusal after a full queue is told as what it is", async () => {
  assertEquals(await new ScriptedSocket("ENOBUFS", "EPERM").outcome(), "blocked");
});
