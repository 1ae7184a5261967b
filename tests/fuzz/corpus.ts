/** What the fuzzer begins with: every annotated example of fixtures/wire, as bytes. */
import classicAnswer from "../../fixtures/wire/classic_answer.hex" with { type: "text" };
import classicChunk from "../../fixtures/wire/classic_chunk.hex" with { type: "text" };
import classicRequest from "../../fixtures/wire/classic_request.hex" with { type: "text" };
import data from "../../fixtures/wire/data.hex" with { type: "text" };
import dataCrc from "../../fixtures/wire/data_crc.hex" with { type: "text" };
import joined from "../../fixtures/wire/joined.hex" with { type: "text" };
import type { Bytes } from "../../lib/ids.ts";
import { CONTROL_VECTORS } from "../wire/control_vectors.ts";
import { parseHexVector } from "../wire/hex_vector.ts";

export const DATAGRAMS: readonly Bytes[] = [
  ...CONTROL_VECTORS.map(({ bytes }) => bytes),
  ...[classicAnswer, classicChunk, classicRequest, data, dataCrc, joined].map(parseHexVector),
];
