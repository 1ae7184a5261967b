/** The notation of fixtures/wire: hex bytes, `00*8` for a run of one byte, `#` to the line's end. */
import { type Bytes, fromHex } from "../../lib/ids.ts";

export function parseHexVector(text: string): Bytes {
  const bytes: number[] = [];
  for (const line of text.split("\n")) {
    const hex = line.replace(/#.*/, "").trim();
    if (hex === "") continue;
    for (const word of hex.split(/\s+/)) {
      const [byte, count = "1"] = word.split("*");
      const [value] = fromHex(byte!) ?? [];
      if (byte!.length !== 2 || value === undefined || !/^\d+$/.test(count)) {
        throw new Error(`'${word}' is not a byte in hex`);
      }
      for (let i = 0; i < Number(count); i++) bytes.push(value);
    }
  }
  return Uint8Array.from(bytes);
}
