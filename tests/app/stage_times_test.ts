import { assertEquals } from "@std/assert";
import { paceText, timesText } from "../../lib/app/stage_times.ts";

Deno.test("a worker's times read as stages and seconds", () => {
  assertEquals(
    timesText({ receiveMs: 1_204, hashMs: 0, waitMs: 310 }),
    "receive 1.20 s, hash 0.00 s, wait 0.31 s",
  );
});

const idle = { hashMs: 100, writeMs: 100, waitMs: 800 };
const waiting = { receiveMs: 100, hashMs: 100, waitMs: 800 };

Deno.test("workers that wait have waited for the network or the servers", () => {
  assertEquals(paceText([waiting], idle), "the network or the servers set the pace");
});

Deno.test("one busy worker among others that wait is the processor's doing", () => {
  const busy = { receiveMs: 500, hashMs: 300, waitMs: 200 };
  assertEquals(paceText([waiting, busy], idle), "this machine's processor set the pace");
  const hashing = { hashMs: 700, writeMs: 100, waitMs: 200 };
  assertEquals(paceText([waiting], hashing), "this machine's processor set the pace");
});

Deno.test("where nothing came, nothing set the pace", () => {
  assertEquals(paceText([], idle), undefined);
  assertEquals(paceText([{ receiveMs: 0, hashMs: 0, waitMs: 0 }], { waitMs: 0 }), undefined);
});

Deno.test("an assembler that mostly writes has waited for the disk", () => {
  const writing = { hashMs: 100, writeMs: 800, waitMs: 100 };
  assertEquals(paceText([waiting], writing), "the disk set the pace");
});
