/** Sender and receiver of a code, and who would like to be one of them. */
import { assert, assertEquals } from "@std/assert";
import { type Bytes, serverId } from "../../../lib/ids.ts";
import { codeKeys, codePart } from "../../../lib/protocol/codes/code_keys.ts";
import { codeFor } from "../../../lib/protocol/codes/code_words.ts";
import { decodeFrame, encodeFrame, type Frame, type FrameOf } from "../../../lib/wire/frames.ts";
import { CODE, CodeNetwork, OTHER_CODE, type Passing, SERVING } from "./code_pair.ts";

const A = "192.168.1.2";
const B = "192.168.1.3";
const EVE = { address: "192.168.1.66", port: 6_666 };

type Node = { readonly news: readonly { readonly kind: string }[] };
const kinds = ({ news }: Node): readonly string[] => news.map(({ kind }) => kind);
const last = <T>(items: readonly T[]): T | undefined => items.at(-1);
const frameOf = ({ bytes }: Passing): Frame | undefined => {
  const frame = decodeFrame(bytes);
  return frame.kind === "malformed" ? undefined : frame;
};

function finish(
  network: CodeNetwork,
  receiver: ReturnType<CodeNetwork["receiver"]>,
  state = "done" as const,
) {
  network.perform(receiver, receiver.machine.handle(network.nowMs, { kind: "state", state }));
}

Deno.test("a receiver with the code is told where and by which key; when it has all, both sides know, and the code is spent", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  const [proved] = receiver.news;
  assertEquals(proved, { kind: "proved", by: sender.at, serving: SERVING });
  assertEquals(kinds(sender), ["taken", "state"]);
  finish(network, receiver);
  network.run(() => kinds(sender).includes("ended") && receiver.news.length > 1);
  assertEquals(last(receiver.news), { kind: "closed", isHeard: true });
  const late = network.receiver("192.168.1.4");
  network.run();
  assertEquals(last(late.news), { kind: "failed", why: "spent" });
  assertEquals(sender.news.slice(-2).map(({ kind }) => kind), ["ended", "closed"]);
});

Deno.test("nothing that says what the code leads to is in clear, and nothing that says the code", () => {
  const network = new CodeNetwork();
  network.sender(B);
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  finish(network, receiver);
  network.run();
  const said = network.wire.map(({ bytes }) => bytes.toHex()).join(" ");
  assert(!said.includes(SERVING.group.toHex()));
  for (const word of CODE.text.split("-").slice(1)) {
    assert(!said.includes(new TextEncoder().encode(word).toHex()));
  }
});

Deno.test("whatever is lost, doubled or late, it comes to the same end", () => {
  for (let seed = 1; seed <= 40; seed++) {
    const network = new CodeNetwork(seed);
    network.fate = (passing) => {
      const luck = network.random.below(10);
      return luck < 3 ? [] : luck < 5 ? [passing, passing] : [passing];
    };
    const sender = network.sender(B);
    const receiver = network.receiver(A);
    network.run(() => receiver.news.length > 0);
    assertEquals(kinds(receiver), ["proved"], `seed ${seed}`);
    finish(network, receiver);
    network.run();
    assertEquals(kinds(receiver), ["proved", "closed"], `seed ${seed}`);
    const ends = sender.news.filter(({ kind }) => kind === "ended");
    assertEquals(ends.map((end) => "how" in end && end.how), ["done"], `seed ${seed}`);
  }
});

Deno.test("a wrong code is told to both, and is the only guess: the right one comes too late", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const wrong = network.receiver(A, OTHER_CODE);
  network.run(() => wrong.news.length > 0);
  assertEquals(wrong.news, [{ kind: "failed", why: "wrong" }]);
  assertEquals(sender.news, [{ kind: "ended", how: "wrong", by: wrong.at }]);
  const right = network.receiver("192.168.1.4");
  network.run();
  assertEquals(right.news, [{ kind: "failed", why: "spent" }]);
  assertEquals(last(sender.news), { kind: "closed" });
});

Deno.test("of a thousand who guess one is heard, and who knows the code is not among those who come later", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const guesses = Array.from({ length: 1_000 }, (_, i) => codeFor(7, [i % 256, (i * 7 + 3) % 256]))
    .filter(({ text }) => text !== CODE.text);
  const outcomes = new Map<string, number>();
  for (const [i, guess] of guesses.entries()) {
    const receiver = network.receiver(`10.0.${i >> 8}.${i & 255}`, guess);
    network.run(() => receiver.news.length > 0, 20_000);
    const why = receiver.news.map((each) => "why" in each ? each.why : each.kind).join();
    outcomes.set(why, (outcomes.get(why) ?? 0) + 1);
    network.kill(receiver);
  }
  assertEquals(outcomes.get("wrong"), 1);
  assertEquals((outcomes.get("spent") ?? 0) + (outcomes.get("unknown") ?? 0), guesses.length - 1);
  assertEquals(sender.news.map((each) => "how" in each ? each.how : each.kind), [
    "wrong",
    "closed",
  ]);
});

Deno.test("whoever only opens exchanges learns nothing, uses up nothing, and does not keep others away for good", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const find = (echo: bigint) => encodeFrame({ kind: "code_find", echo, round: 0, number: 7 });
  network.send(EVE, sender.at, find(1n));
  network.run(() => network.wire.length > 1, 100);
  const here = frameOf(network.wire[1]!) as FrameOf<"code_here">;
  const exchange = { code: OTHER_CODE, nonce: network.bytes(16), server: here.server };
  for (let i = 0; i < 200; i++) {
    const { share } = codePart(exchange, network.bytes(32));
    const { token } = here;
    const open = {
      kind: "code_open",
      echo: BigInt(i),
      token,
      number: 7,
      nonce: exchange.nonce,
      share,
    } as const;
    network.send(EVE, sender.at, encodeFrame(open));
  }
  network.run(() => false, 500);
  const said = network.wire.filter(({ to }) => to.address === EVE.address).map(frameOf);
  const shares = said.filter((frame) => frame?.kind === "code_share");
  assert(shares.length > 0 && shares.length < 60, `${shares.length} of 200 were answered`);
  assert(said.every((frame) => frame?.kind === "code_here" || frame?.kind === "code_share"));
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  assertEquals(kinds(receiver), ["proved"]);
});

Deno.test("an open or a proof without the token of its address is not answered", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const receiver = network.receiver(A);
  // Eve repeats all that the receiver says, from her own address.
  network.fate = (passing) =>
    passing.from.address === A ? [passing, { ...passing, from: EVE }] : [passing];
  network.run(() => receiver.news.length > 0);
  assertEquals(kinds(receiver), ["proved"]);
  // What is sealed may go to her: she cannot read it.
  const toEve = network.wire.filter(({ to }) => to.address === EVE.address).map(frameOf)
    .filter((frame) => frame !== undefined);
  assert(
    toEve.every((frame) => frame?.kind === "code_here"),
    toEve.map((each) => each?.kind).join(),
  );
  assertEquals(kinds(sender).filter((kind) => kind === "taken").length, 1);
});

Deno.test("what was recorded of one run proves nothing to another sender of the same code, nor to the same one again", () => {
  const first = new CodeNetwork(1);
  const sender = first.sender(B);
  const receiver = first.receiver(A);
  first.run(() => receiver.news.length > 0);
  const recorded = first.wire.filter(({ from }) => from.address === A);
  const again = new CodeNetwork(2);
  const other = again.sender(B);
  for (const { from, to, bytes } of recorded) again.send(from, to, bytes);
  again.run(() => false, 5_000);
  assertEquals(other.news, []);
  const before = sender.news.length;
  for (const { from, bytes } of recorded) first.hand(sender, from, bytes);
  assertEquals(sender.news.length, before);
});

Deno.test("who gives a receiver its own share back, or shares that are none, proves nothing and has no second try", () => {
  const shares: ((own: Bytes) => Bytes)[] = [
    (own) => own,
    () => new Uint8Array(32),
    () => new Uint8Array(32).fill(255),
    () => Uint8Array.from({ length: 32 }, (_, i) => i === 0 ? 1 : 0),
  ];
  for (const [i, shareFor] of shares.entries()) {
    const network = new CodeNetwork();
    network.sender(B);
    network.fate = (passing) => {
      const frame = frameOf(passing);
      if (frame?.kind !== "code_open") return frame?.kind === "code_prove" ? [] : [passing];
      const reply = encodeFrame({
        kind: "code_share",
        echo: frame.echo,
        share: shareFor(frame.share),
      });
      const { from, to } = passing;
      // And a proof: the receiver's own, as she will say it.
      return [{ from: to, to: from, bytes: reply }];
    };
    const receiver = network.receiver(A);
    network.run(() => receiver.news.length > 0);
    const [{ why } = { why: "" }] = receiver.news as { why?: string }[];
    assertEquals(why, i === 0 ? "unproved" : "impostor");
    const proofs = network.wire.map(frameOf).filter((frame) => frame?.kind === "code_prove");
    assertEquals(
      new Set(
        proofs.map((frame) =>
          JSON.stringify(frame, (_, each) => typeof each === "bigint" ? String(each) : each)
        ),
      ).size,
      i === 0 ? 1 : 0,
    );
  }
});

Deno.test("a receiver's own proof, said back to it, is no sender's", () => {
  const network = new CodeNetwork();
  network.sender(B);
  network.fate = (passing) => {
    const frame = frameOf(passing);
    if (frame?.kind !== "code_prove") return [passing];
    const { echo, proof } = frame;
    const bytes = encodeFrame({ kind: "code_proved", echo, proof });
    return [{ from: passing.to, to: passing.from, bytes }];
  };
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  assertEquals(receiver.news, [{ kind: "failed", why: "impostor" }]);
});

Deno.test("a sender without the code is told one proof, which tells it of one guess, and nothing more", () => {
  const network = new CodeNetwork();
  const fake = network.sender(B, OTHER_CODE);
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  // An honest sender says that it is wrong; one that says otherwise proves nothing.
  assertEquals(receiver.news, [{ kind: "failed", why: "wrong" }]);
  network.run(() => false, 5_000);
  const proofs = network.wire.map(frameOf).filter((frame) => frame?.kind === "code_prove");
  assertEquals(proofs.length, 1);
  assertEquals(fake.news.length > 0, true);
});

Deno.test("any change on the way to a share or a nonce makes the code wrong, and the same to a proof", () => {
  const changed = (bytes: Bytes): Bytes => {
    const copy = bytes.slice();
    copy[0]! ^= 1;
    return copy;
  };
  for (const field of ["nonce", "proof"] as const) {
    const network = new CodeNetwork();
    const sender = network.sender(B);
    network.fate = (passing) => {
      const frame = frameOf(passing);
      if (frame === undefined || !(field in frame)) return [passing];
      const value = (frame as unknown as Record<string, Bytes>)[field]!;
      return [{ ...passing, bytes: encodeFrame({ ...frame, [field]: changed(value) } as Frame) }];
    };
    const receiver = network.receiver(A);
    network.run(() => receiver.news.length > 0);
    assertEquals(receiver.news, [{ kind: "failed", why: "wrong" }], field);
    assertEquals(sender.news.map((each) => "how" in each ? each.how : each.kind), ["wrong"]);
  }
});

Deno.test("who stands between two with shares of his own and no code is found out by both", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const receiver = network.receiver(A);
  const server = serverId("5e".repeat(16));
  network.fate = (passing) => {
    const frame = frameOf(passing);
    if (frame?.kind !== "code_share") return [passing];
    const eve = codePart(
      { code: OTHER_CODE, nonce: new Uint8Array(16), server },
      network.bytes(32),
    );
    return [{ ...passing, bytes: encodeFrame({ ...frame, share: eve.share }) }];
  };
  network.run(() => receiver.news.length > 0);
  assertEquals(receiver.news, [{ kind: "failed", why: "wrong" }]);
  assertEquals(sender.news.map((each) => "how" in each ? each.how : each.kind), ["wrong"]);
});

Deno.test("of two at once with the right code one gets it, and the other is told", () => {
  for (let seed = 1; seed <= 20; seed++) {
    const network = new CodeNetwork(seed);
    const sender = network.sender(B);
    const both = [network.receiver(A), network.receiver("192.168.1.4")];
    network.run(() => both.every(({ news }) => news.length > 0));
    const outcomes = both.map(({ news: [each] }) =>
      each!.kind === "failed" ? each!.why : each!.kind
    );
    assertEquals(outcomes.sort(), ["proved", "taken"], `seed ${seed}`);
    assertEquals(kinds(sender).filter((kind) => kind === "taken").length, 1);
  }
});

Deno.test("two senders of one number are told apart before the one guess is made", () => {
  const network = new CodeNetwork();
  const senders = [network.sender(B), network.sender("192.168.1.9", OTHER_CODE, "6f")];
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  assertEquals(receiver.news, [{ kind: "failed", why: "several" }]);
  for (const { news } of senders) assertEquals(news, []);
});

Deno.test("a receiver that is gone gives the code back, and may come again with it; a wrong one then still voids it", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const first = network.receiver(A);
  network.run(() => first.news.length > 0);
  network.kill(first);
  network.run(() => kinds(sender).includes("left"), 20_000);
  assertEquals(last(sender.news), { kind: "left", by: first.at, isSilent: true });
  const second = network.receiver(A);
  network.run(() => second.news.length > 0);
  assertEquals(kinds(second), ["proved"]);
  network.perform(
    second,
    second.machine.handle(network.nowMs, { kind: "state", state: "stopped" }),
  );
  network.run(() => second.news.length > 1);
  assertEquals(last(second.news), { kind: "closed", isHeard: true });
  assertEquals(last(sender.news), { kind: "left", by: second.at, isSilent: false });
  network.kill(second);
  const wrong = network.receiver(A, OTHER_CODE);
  network.run(() => wrong.news.length > 0);
  assertEquals(wrong.news, [{ kind: "failed", why: "wrong" }]);
});

Deno.test("a sender that is stopped says so at once, and one that vanishes is missed soon", () => {
  const stopped = new CodeNetwork();
  const sender = stopped.sender(B);
  const receiver = stopped.receiver(A);
  stopped.run(() => receiver.news.length > 0);
  stopped.perform(sender, sender.machine.handle(stopped.nowMs, { kind: "stop" }));
  stopped.run(() => receiver.news.length > 1);
  assertEquals(last(receiver.news), { kind: "failed", why: "ended" });
  const vanished = new CodeNetwork();
  const gone = vanished.sender(B);
  const waiting = vanished.receiver(A);
  vanished.run(() => waiting.news.length > 0);
  const atMs = vanished.nowMs;
  vanished.kill(gone);
  vanished.run(() => waiting.news.length > 1);
  assertEquals(last(waiting.news), { kind: "failed", why: "gone" });
  assert(vanished.nowMs - atMs < 10_000, `${vanished.nowMs - atMs} ms`);
});

Deno.test("a number that nobody has is told as that, once it was looked for", () => {
  const network = new CodeNetwork();
  network.sender(B, codeFor(8, [10, 20]));
  const receiver = network.receiver(A);
  network.run();
  assertEquals(receiver.news, [{ kind: "failed", why: "unknown" }]);
});

Deno.test("an answer is never longer than its question", () => {
  const network = new CodeNetwork();
  network.sender(B);
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  const clear = network.wire.filter((passing) => frameOf(passing) !== undefined);
  for (const [i, { from, bytes }] of clear.entries()) {
    if (from.address !== B) continue;
    const question = clear.slice(0, i).findLast((each) => each.from.address === A)!;
    assert(bytes.length <= question.bytes.length, `${frameOf({ ...clear[i]! })?.kind}`);
  }
});

Deno.test("what a right sender and receiver come to, nobody comes to who has another code", () => {
  const of = { nonce: new Uint8Array(16), server: serverId("5e".repeat(16)) };
  const own = { ...of, code: CODE };
  const other = { ...of, code: OTHER_CODE };
  const a = codePart(own, new Uint8Array(32).fill(3));
  const b = codePart(other, new Uint8Array(32).fill(4));
  const [mine, theirs] = [
    codeKeys(own, "receiver", a, b.share)!,
    codeKeys(other, "sender", b, a.share)!,
  ];
  assert(mine.receiverProof.toHex() !== theirs.receiverProof.toHex());
  assert(mine.senderProof.toHex() !== theirs.senderProof.toHex());
});

Deno.test("a sender that falls silent before a proof is gone; after one it is not to be tried again", () => {
  for (const [kept, why] of [["code_share", "gone"], ["code_proved", "unproved"]] as const) {
    const network = new CodeNetwork();
    network.sender(B);
    network.fate = (passing) => frameOf(passing)?.kind === kept ? [] : [passing];
    const receiver = network.receiver(A);
    network.run(() => receiver.news.length > 0);
    assertEquals(receiver.news, [{ kind: "failed", why }]);
  }
});

Deno.test("a receiver answers one share, whatever others come behind it: one proof is one guess", () => {
  const network = new CodeNetwork();
  network.sender(B);
  const server = serverId("5e".repeat(16));
  network.fate = (passing) => {
    const frame = frameOf(passing);
    if (frame?.kind !== "code_share") return frame?.kind === "code_prove" ? [] : [passing];
    const other = codePart(
      { code: OTHER_CODE, nonce: new Uint8Array(16), server },
      network.bytes(32),
    );
    const forged = { ...passing, bytes: encodeFrame({ ...frame, share: other.share }) };
    return [passing, forged, forged];
  };
  const receiver = network.receiver(A);
  network.run(() => receiver.news.length > 0);
  const proofs = network.wire.map(frameOf).filter((frame) => frame?.kind === "code_prove")
    .map((frame) => (frame as FrameOf<"code_prove">).proof.toHex());
  assert(proofs.length > 1);
  assertEquals(new Set(proofs).size, 1);
});

Deno.test("whoever opens an exchange while the code is taken is given no share", () => {
  const network = new CodeNetwork();
  const sender = network.sender(B);
  const receiver = network.receiver(A);
  network.send(EVE, sender.at, encodeFrame({ kind: "code_find", echo: 1n, round: 0, number: 7 }));
  network.run(() => receiver.news.length > 0);
  const here = network.wire.filter(({ to }) => to.address === EVE.address).map(frameOf)[0];
  assert(here?.kind === "code_here");
  const { token } = here;
  const nonce = network.bytes(16);
  const { share } = codePart({ code: CODE, nonce, server: here.server }, network.bytes(32));
  const open = { kind: "code_open", echo: 2n, token, number: 7, nonce, share } as const;
  network.send(EVE, sender.at, encodeFrame(open));
  network.run(() => false, 100);
  const answers = network.wire.filter(({ to }) => to.address === EVE.address).map(frameOf);
  assertEquals(answers.map((frame) => frame?.kind), ["code_here", "code_refused"]);
});

Deno.test("what is sealed is heard only whole, of the other side, and in its order", () => {
  const tagged = new CodeNetwork();
  const sender = tagged.sender(B);
  tagged.fate = (passing) => {
    if (frameOf(passing) !== undefined) return [passing];
    const bytes = passing.bytes.slice();
    bytes[bytes.length - 1]! ^= 1;
    return [{ ...passing, bytes }];
  };
  const receiver = tagged.receiver(A);
  tagged.run(() => receiver.news.length > 0);
  assertEquals(receiver.news, [{ kind: "failed", why: "gone" }]);
  assertEquals(kinds(sender).slice(0, 1), ["taken"]);
  assert(!kinds(sender).includes("state"));

  const late = new CodeNetwork();
  const other = late.sender(B);
  let first: Passing | undefined;
  late.fate = (passing) => {
    const isFirst = frameOf(passing) === undefined && passing.from.address === A &&
      first === undefined;
    if (!isFirst) return [passing];
    first = passing;
    return [];
  };
  const fetching = late.receiver(A);
  late.run(() => fetching.news.length > 0);
  late.perform(fetching, fetching.machine.handle(late.nowMs, { kind: "state", state: "fetching" }));
  late.run(() => false, 500);
  late.hand(other, first!.from, first!.bytes);
  const states = other.news.flatMap((each) => each.kind === "state" ? [each.state] : []);
  assertEquals(states, ["asking", "fetching"]);
});
