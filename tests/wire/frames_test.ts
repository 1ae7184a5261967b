import { assert, assertEquals, assertThrows } from "@std/assert";
import { type Bytes, hashHex, type SafeFileName } from "../../lib/ids.ts";
import { FILE_BYTES_MAX } from "../../lib/limits.ts";
import { CONTROL_BYTES_MAX, FIND_BYTES_MIN, FIND_QUERIES_MAX } from "../../lib/wire/limits.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import {
  decodeFrame,
  encodeFrame,
  type Frame,
  frameCrc,
  HEADER,
  HEADER_BYTES,
} from "../../lib/wire/frames.ts";
import { CONTROL_VECTORS } from "./control_vectors.ts";

const SEED = 31;

/** The same frame with the length and CRC-32 that its bytes deserve, as a forger would send it. */
function sealed(bytes: Bytes): Bytes {
  const frame = bytes.slice();
  const view = new DataView(frame.buffer);
  view.setUint16(HEADER.length, frame.length);
  view.setUint32(HEADER.crc, frameCrc(frame));
  return frame;
}

const vector = (title: string): Bytes => {
  const found = CONTROL_VECTORS.find((each) => each.title === title);
  assert(found !== undefined, `no vector ${title}`);
  return found.bytes.slice();
};

/** Vectors that end with a statement. */
const STATED: ReadonlySet<string> = new Set(["layer_want, briefly", "want of whole segments"]);

for (const { title, bytes, frame } of CONTROL_VECTORS) {
  Deno.test(`the ${title} vector decodes to its frame and its frame encodes to the vector`, () => {
    assertEquals(decodeFrame(bytes), frame);
    assertEquals(encodeFrame(frame), bytes);
  });

  Deno.test(`a decoded ${title} keeps nothing of the buffer that it came in`, () => {
    const buffer = bytes.slice();
    const decoded = decodeFrame(buffer);
    buffer.fill(0xa5);
    assertEquals(decoded, frame);
  });

  Deno.test(`a ${title} in the middle of a larger buffer decodes the same`, () => {
    const buffer = new Uint8Array(bytes.length + 20).fill(0xa5);
    buffer.set(bytes, 7);
    assertEquals(decodeFrame(buffer.subarray(7, 7 + bytes.length)), frame);
  });

  Deno.test(`every truncation of ${title} is malformed, with or without a good checksum`, () => {
    for (let length = 0; length < bytes.length; length++) {
      assertEquals(decodeFrame(bytes.subarray(0, length)).kind, "malformed");
      if (length < HEADER_BYTES) continue;
      const forged = decodeFrame(sealed(bytes.slice(0, length)));
      // Padding is the only part that can be cut away unnoticed.
      const isWhole = title === "offer_exact" && [1, 5].includes(bytes.length - length);
      const isStatement = STATED.has(title) && length === bytes.length - 1;
      if (isWhole) assertEquals(forged.kind, "offer", "the last two fields may be absent");
      else if (isStatement) assertEquals(forged.kind, frame.kind, "the last field may be absent");
      else if (title.startsWith("find")) {
        assert(forged.kind === "malformed" || forged.kind === "find");
      } else assertEquals(forged.kind, "malformed", `${length} bytes`);
    }
  });

  Deno.test(`every single-bit flip of ${title} is malformed`, () => {
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      const flipped = bytes.slice();
      flipped[bit >>> 3]! ^= 1 << (bit & 7);
      assertEquals(decodeFrame(flipped).kind, "malformed", `bit ${bit}`);
    }
  });

  Deno.test(`every changed byte of ${title} under a good checksum decodes or is malformed`, () => {
    for (let at = HEADER_BYTES; at < bytes.length; at++) {
      for (const value of [0x00, 0x01, 0x2e, 0x2f, 0x7f, 0x80, 0xff]) {
        const changed = bytes.slice();
        changed[at] = value;
        const decoded = decodeFrame(sealed(changed));
        // What is taken can be sent again as it is; padding alone is not kept.
        if (decoded.kind === "malformed" || decoded.kind === "find") continue;
        assertEquals(encodeFrame(decoded), sealed(changed), `byte ${at} = ${value}`);
      }
    }
  });

  if (!title.startsWith("find")) {
    Deno.test(`trailing bytes make a ${title} malformed`, () => {
      const longer = new Uint8Array(bytes.length + 1);
      longer.set(bytes);
      assertEquals(decodeFrame(longer), { kind: "malformed", problem: "length differs" });
      assertEquals(decodeFrame(sealed(longer)), { kind: "malformed", problem: "trailing bytes" });
    });
  }
}

Deno.test("every frame kind has a vector", () => {
  const kinds = new Set(CONTROL_VECTORS.map((each) => each.frame.kind));
  const all: Record<Frame["kind"], true> = {
    find: true,
    offer: true,
    pending: true,
    absent: true,
    retry: true,
    busy: true,
    alias_want: true,
    alias: true,
    want: true,
    gone: true,
    strike: true,
    pack_want: true,
    packed: true,
    have_want: true,
    have: true,
    layer_want: true,
    layer: true,
    layer_part: true,
    list: true,
    listing: true,
    code_find: true,
    code_here: true,
    code_open: true,
    code_share: true,
    code_prove: true,
    code_proved: true,
    code_refused: true,
    code_state: true,
    code_serving: true,
  };
  assertEquals([...kinds].toSorted(), Object.keys(all).toSorted() as Frame["kind"][]);
});

Deno.test(`random bytes, with and without a good header, never throw (seed ${SEED})`, () => {
  const random = new Random(SEED);
  for (let round = 0; round < 20_000; round++) {
    const bytes = random.bytes(random.below(200));
    if (bytes.length >= HEADER_BYTES && random.chance(0.9)) {
      bytes.set([0x53, 0x48, 1, random.below(0x34)]);
      // Ignored, and so not kept.
      bytes.fill(0, HEADER.flags, HEADER.crc);
      bytes.set(sealed(bytes));
    }
    const decoded = decodeFrame(bytes);
    if (decoded.kind !== "malformed" && decoded.kind !== "find") {
      assertEquals(encodeFrame(decoded), bytes);
    }
  }
});

Deno.test("frames longer than a control frame may be are neither taken nor made", () => {
  const long = new Uint8Array(CONTROL_BYTES_MAX + 1);
  long.set(vector("find"));
  assertEquals(decodeFrame(sealed(long)), { kind: "malformed", problem: "oversized" });
  const queries = Array.from({ length: FIND_QUERIES_MAX }, () => ({
    by: "name" as const,
    name: "x".repeat(100) as SafeFileName,
  }));
  const find = {
    kind: "find",
    queryId: 1n,
    token: new Uint8Array(16),
    round: 0,
    known: [],
    queries,
  } as const;
  assertThrows(() => encodeFrame(find), RangeError);
});

Deno.test("a FIND of any length is padded, and no longer one is cut", () => {
  const find = {
    kind: "find",
    queryId: 1n,
    token: new Uint8Array(16),
    round: 0,
    known: [],
  } as const;
  const lengthOf = (nameLength: number): number =>
    encodeFrame({
      ...find,
      queries: [{ by: "name", name: "x".repeat(nameLength) as SafeFileName }],
    }).length;
  assertEquals(lengthOf(1), FIND_BYTES_MIN);
  assertEquals(lengthOf(1_024), FIND_BYTES_MIN);
  const two = [{ by: "name", name: "x".repeat(600) as SafeFileName }] as const;
  assert(encodeFrame({ ...find, queries: [...two, ...two] }).length > FIND_BYTES_MIN);
});

Deno.test("an OFFER of the longest name is no longer than the shortest FIND", () => {
  const offer = decodeFrame(vector("offer"));
  assert(offer.kind === "offer");
  const longest = { ...offer, name: "x".repeat(1_024) as SafeFileName };
  assert(encodeFrame(longest).length <= FIND_BYTES_MIN);
});

Deno.test("names from the wire that are not safe make their frame malformed", () => {
  for (const name of ["..", "../a", "/a", "a\\b", "a\0b", "a\nb", "a//b", "C:x", "nul.txt", ""]) {
    const bytes = vector("offer");
    const nameAt = bytes.length - "a.txt".length;
    const text = new TextEncoder().encode(name);
    const forged = new Uint8Array(nameAt + text.length);
    forged.set(bytes.subarray(0, nameAt));
    new DataView(forged.buffer).setUint16(nameAt - 2, text.length);
    forged.set(text, nameAt);
    const decoded = decodeFrame(sealed(forged));
    assert(decoded.kind === "malformed" && decoded.problem.startsWith("name: "), name);
  }
});

Deno.test("bytes that are not UTF-8 are no name", () => {
  const bytes = vector("offer");
  bytes[bytes.length - 1] = 0xc3;
  assertEquals(decodeFrame(sealed(bytes)), {
    kind: "malformed",
    problem: "name: not valid text",
  });
});

Deno.test("file sizes end where the limit says, on the way in and on the way out", () => {
  const strike = decodeFrame(vector("strike"));
  assert(strike.kind === "strike");
  const largest = { ...strike, sizeBytes: FILE_BYTES_MAX };
  assertEquals(decodeFrame(encodeFrame(largest)), largest);
  assertThrows(() => encodeFrame({ ...strike, sizeBytes: FILE_BYTES_MAX + 1 }), RangeError);
  const forged = encodeFrame(largest);
  new DataView(forged.buffer).setBigUint64(68, 2n ** 63n);
  assertEquals(decodeFrame(sealed(forged)).kind, "malformed");
});

Deno.test("values that no frame can carry are refused when encoding", () => {
  const strike = { kind: "strike", nonce: 1n, token: new Uint8Array(16), sizeBytes: 1 } as const;
  const root = hashHex("0".repeat(64));
  for (const chunk of [-1, 1.5, 2 ** 32, NaN]) {
    assertThrows(() => encodeFrame({ ...strike, root, chunk }), RangeError);
  }
  assertThrows(() => encodeFrame({ ...strike, root: hashHex("00"), chunk: 0 }), RangeError);
  assertThrows(
    () => encodeFrame({ ...strike, token: new Uint8Array(15), root, chunk: 0 }),
    RangeError,
  );
  assertThrows(() => encodeFrame({ ...strike, nonce: 2n ** 64n, root, chunk: 0 }), RangeError);
});

Deno.test("an offer of a growing file is one byte longer, and without that byte an ordinary one", () => {
  const offer = decodeFrame(vector("offer"));
  assert(offer.kind === "offer");
  const growing = { ...offer, isGrowing: true as const };
  const bytes = encodeFrame(growing);
  assertEquals(bytes.length, vector("offer").length + 1);
  assertEquals(decodeFrame(bytes), growing);
  assertEquals(decodeFrame(sealed(bytes.slice(0, -1))), offer);
});

Deno.test("an address is four bytes or sixteen, and no IPv4 address in the form of IPv6", () => {
  const want = vector("alias_want");
  const at = want.length - 16;
  const mapped = new Uint8Array(want);
  mapped.set([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1], at);
  assertEquals(decodeFrame(sealed(mapped)), { kind: "malformed", problem: "a mapped address" });
  const short = new Uint8Array(want);
  short[at - 1] = 15;
  assertEquals(decodeFrame(sealed(short)), { kind: "malformed", problem: "no such address" });
  const token = new Uint8Array(16);
  for (const address of ["nas", "", "fe80::1%"]) {
    const frame = { kind: "alias_want", queryId: 1n, token, addresses: [address] } as const;
    assertThrows(() => encodeFrame(frame), RangeError);
  }
});
