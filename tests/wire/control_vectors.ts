/** Each annotated example of a control frame in fixtures/wire, beside the object that it stands for. */
import { type Bytes, fromHex, hashHex, type SafeFileName, serverId } from "../../lib/ids.ts";
import type { Frame } from "../../lib/wire/frames.ts";
import { parseHexVector } from "./hex_vector.ts";
import absent from "../../fixtures/wire/absent.hex" with { type: "text" };
import codeFind from "../../fixtures/wire/code_find.hex" with { type: "text" };
import codeHere from "../../fixtures/wire/code_here.hex" with { type: "text" };
import codeOpen from "../../fixtures/wire/code_open.hex" with { type: "text" };
import codeShare from "../../fixtures/wire/code_share.hex" with { type: "text" };
import codeProve from "../../fixtures/wire/code_prove.hex" with { type: "text" };
import codeProved from "../../fixtures/wire/code_proved.hex" with { type: "text" };
import codeRefused from "../../fixtures/wire/code_refused.hex" with { type: "text" };
import codeState from "../../fixtures/wire/code_state.hex" with { type: "text" };
import codeServing from "../../fixtures/wire/code_serving.hex" with { type: "text" };
import find from "../../fixtures/wire/find.hex" with { type: "text" };
import findEmpty from "../../fixtures/wire/find_empty.hex" with { type: "text" };
import gone from "../../fixtures/wire/gone.hex" with { type: "text" };
import layer from "../../fixtures/wire/layer.hex" with { type: "text" };
import have from "../../fixtures/wire/have.hex" with { type: "text" };
import haveWant from "../../fixtures/wire/have_want.hex" with { type: "text" };
import packWant from "../../fixtures/wire/pack_want.hex" with { type: "text" };
import packed from "../../fixtures/wire/packed.hex" with { type: "text" };
import layerPart from "../../fixtures/wire/layer_part.hex" with { type: "text" };
import layerWantBrief from "../../fixtures/wire/layer_want_brief.hex" with { type: "text" };
import wantWhole from "../../fixtures/wire/want_whole.hex" with { type: "text" };
import layerWant from "../../fixtures/wire/layer_want.hex" with { type: "text" };
import list from "../../fixtures/wire/list.hex" with { type: "text" };
import listFirst from "../../fixtures/wire/list_first.hex" with { type: "text" };
import listing from "../../fixtures/wire/listing.hex" with { type: "text" };
import offer from "../../fixtures/wire/offer.hex" with { type: "text" };
import offerExact from "../../fixtures/wire/offer_exact.hex" with { type: "text" };
import pending from "../../fixtures/wire/pending.hex" with { type: "text" };
import busy from "../../fixtures/wire/busy.hex" with { type: "text" };
import aliasWant from "../../fixtures/wire/alias_want.hex" with { type: "text" };
import alias from "../../fixtures/wire/alias.hex" with { type: "text" };
import retry from "../../fixtures/wire/retry.hex" with { type: "text" };
import strike from "../../fixtures/wire/strike.hex" with { type: "text" };
import want from "../../fixtures/wire/want.hex" with { type: "text" };

const queryId = 0x0102_0304_0506_0708n;
const nonce = 0xf0e1_d2c3_b4a5_9687n;
const token = bytesOf("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf");
const codeNonce = bytesOf("404142434445464748494a4b4c4d4e4f");
const share = bytesOf("606162636465666768696a6b6c6d6e6f707172737475767778797a7b7c7d7e7f");
const proof = bytesOf("c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf");
const server = serverId("101112131415161718191a1b1c1d1e1f");
const sha256 = hashHex("50d858e0985ecc7f60418aaf0cc5ab587f42c2570a884095a9e8ccacd0f6545c");
const root = hashHex("4813494d137e1631bba301d5acab6e7bb7aa74ce1185d456565ef51d737677b2");
const sizeBytes = 5_000_000_000;
const name = (text: string): SafeFileName => text as SafeFileName;

function bytesOf(hex: string): Bytes {
  const bytes = fromHex(hex);
  if (bytes === undefined) throw new Error(`'${hex}' is not hex`);
  return bytes;
}

export interface ControlVector {
  readonly title: string;
  readonly bytes: Bytes;
  readonly frame: Frame;
}

const TABLE: readonly (readonly [title: string, text: string, frame: Frame])[] = [
  ["find", find, {
    kind: "find",
    queryId,
    token,
    round: 1,
    known: ["101112131415161718191a1b1c1d1e1f", "303132333435363738393a3b3c3d3e3f"],
    queries: [
      { by: "name", name: name("films/Amélie.mkv") },
      { by: "sha256", sha256 },
      { by: "any" },
    ],
    takesRestNs: true,
  }],
  ["find_empty", findEmpty, {
    kind: "find",
    queryId,
    token: new Uint8Array(16),
    round: 0,
    known: [],
    queries: [],
  }],
  ["offer", offer, {
    kind: "offer",
    queryId,
    queryIndex: 2,
    server,
    token,
    dataPort: 10_530,
    sizeBytes,
    sha256,
    root,
    mtimeMs: 1_700_000_000_123,
    tcpPort: 10_526,
    name: name("a.txt"),
  }],
  ["offer_exact", offerExact, {
    kind: "offer",
    queryId,
    queryIndex: 2,
    server,
    token,
    dataPort: 10_530,
    sizeBytes,
    sha256,
    root,
    mtimeMs: 1_700_000_000_123,
    tcpPort: 10_526,
    name: name("a.txt"),
    mtimeRestNs: 456_789,
    isGrowing: true,
  }],
  ["pending", pending, {
    kind: "pending",
    queryId,
    queryIndex: 0,
    server,
    token,
    dataPort: 0,
    sizeBytes: 2 ** 30,
    hashedBytes: 2 ** 20,
    rateBytesPerS: 200_000_000,
  }],
  ["absent", absent, {
    kind: "absent",
    queryId,
    queryIndex: 1,
    server,
    token,
    dataPort: 10_530,
    similar: [name("example.txt"), name("b/exámple.txt")],
  }],
  ["busy", busy, { kind: "busy", echo: nonce, number: 7, waitMs: 250 }],
  ["retry", retry, { kind: "retry", echo: nonce, number: 7, server, token }],
  ["alias_want", aliasWant, {
    kind: "alias_want",
    queryId,
    token,
    addresses: ["192.168.1.20", "fe80::20"],
  }],
  ["alias", alias, {
    kind: "alias",
    queryId,
    server,
    token,
    seen: "fe80::20",
    marks: ["b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"],
  }],
  ["want", want, {
    kind: "want",
    nonce,
    token,
    number: 7,
    root,
    sizeBytes,
    segmentBytes: 1_400,
    withCrc: 1,
    ranges: [{ offset: 2 ** 32, lengthBytes: 60_000 }, { offset: 0, lengthBytes: 1 }],
  }],
  ["gone", gone, { kind: "gone", nonce, number: 7, root, reason: "changed" }],
  ["strike", strike, { kind: "strike", nonce, token, root, sizeBytes, chunk: 3 }],
  ["pack_want", packWant, {
    kind: "pack_want",
    nonce,
    token,
    number: 8,
    root,
    sizeBytes,
    ranges: [{ offset: 2 ** 32, lengthBytes: 2 ** 20 }],
  }],
  ["packed", packed, {
    kind: "packed",
    nonce,
    number: 8,
    offset: 2 ** 32,
    root: sha256,
    packedBytes: 275_000,
  }],
  ["have_want", haveWant, {
    kind: "have_want",
    nonce,
    token,
    number: 9,
    root,
    sizeBytes,
    port: 10_545,
    firstChunk: 42,
  }],
  ["have", have, {
    kind: "have",
    nonce,
    number: 9,
    hasAll: 0,
    firstChunk: 40,
    held: Uint8Array.of(9, 0, 1),
    takerCount: 6,
    place: 2,
    takers: [
      { address: "192.168.1.7", port: 10_545 },
      { address: "2001:db8::7", port: 10_544 },
    ],
  }],
  ["layer_want", layerWant, {
    kind: "layer_want",
    nonce,
    token,
    number: 1,
    root,
    sizeBytes,
    firstPage: 16,
    pageCount: 4,
  }],
  ["layer", layer, {
    kind: "layer",
    nonce,
    number: 1,
    page: 16,
    hashes: bytesOf(sha256 + root),
    proof: bytesOf("b27776731df55e5656d48511ce74aab77b6eabacd501a3bb31167e134d491348"),
  }],
  ["layer_want, briefly", layerWantBrief, {
    kind: "layer_want",
    nonce,
    token,
    number: 1,
    root,
    sizeBytes,
    firstPage: 16,
    pageCount: 4,
    isBrief: true,
  }],
  ["layer_part", layerPart, {
    kind: "layer_part",
    nonce,
    number: 1,
    page: 16,
    part: 1,
    hashes: bytesOf(sha256 + root),
  }],
  ["want of whole segments", wantWhole, {
    kind: "want",
    nonce,
    token,
    number: 7,
    root,
    sizeBytes,
    segmentBytes: 8_900,
    withCrc: 0,
    ranges: [{ offset: 2 ** 32, lengthBytes: 60_000 }],
    isWhole: true,
  }],
  ["list", list, {
    kind: "list",
    queryId,
    token,
    number: 2,
    pagesMax: 16,
    after: name("b/last.txt"),
  }],
  ["list_first", listFirst, {
    kind: "list",
    queryId,
    token,
    number: 1,
    pagesMax: 16,
    after: undefined,
  }],
  ["listing", listing, {
    kind: "listing",
    queryId,
    number: 2,
    server,
    page: 0,
    isLast: 1,
    tcpPort: 10_527,
    filesTotal: 3,
    entries: [
      { state: "ready", sizeBytes: 107, sha256, mtimeMs: 1_700_000_000_123, name: name("c.txt") },
      {
        state: "pending",
        sizeBytes: 2 ** 40,
        sha256: hashHex("0".repeat(64)),
        mtimeMs: 0,
        name: name("d.iso"),
      },
    ],
  }],
  ["code_find", codeFind, { kind: "code_find", echo: nonce, round: 2, number: 7 }],
  ["code_here", codeHere, {
    kind: "code_here",
    ...{ echo: nonce, server, token, port: 10_531, state: "free" },
  }],
  ["code_open", codeOpen, {
    kind: "code_open",
    ...{ echo: nonce, token, number: 7, nonce: codeNonce, share },
  }],
  ["code_share", codeShare, { kind: "code_share", echo: nonce, share }],
  ["code_prove", codeProve, { kind: "code_prove", echo: nonce, token, proof }],
  ["code_proved", codeProved, { kind: "code_proved", echo: nonce, proof }],
  ["code_refused", codeRefused, { kind: "code_refused", echo: nonce, state: "spent" }],
  ["code_state", codeState, { kind: "code_state", number: 3, state: "fetching" }],
  ["code_serving", codeServing, {
    kind: "code_serving",
    ...{ number: 3, isOver: 0, dataPort: 10_532, group: share },
  }],
];

export const CONTROL_VECTORS: readonly ControlVector[] = TABLE.map(([title, text, frame]) => ({
  title,
  bytes: parseHexVector(text),
  frame,
}));
