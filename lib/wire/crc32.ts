/**
 * CRC-32 as in IEEE 802.3, zlib and PNG, eight bytes a step ("slicing by 8"). The platform's own would be quicker for whole
 * segments, but loading the module that has it takes longer than all control frames of a download.
 */

const POLYNOMIAL = 0xedb8_8320;
/** Eight tables of 256: what a byte does to the checksum so many bytes later. */
const TABLES = tables();

/** @param before the checksum of the bytes before these: that of all of them is returned */
export function crc32(bytes: Uint8Array, before = 0): number {
  let crc = ~before;
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) {
    const mixed = crc ^
      (bytes[at]! | bytes[at + 1]! << 8 | bytes[at + 2]! << 16 | bytes[at + 3]! << 24);
    crc = TABLES[0x700 | mixed & 0xff]! ^ TABLES[0x600 | mixed >>> 8 & 0xff]! ^
      TABLES[0x500 | mixed >>> 16 & 0xff]! ^ TABLES[0x400 | mixed >>> 24]! ^
      TABLES[0x300 | bytes[at + 4]!]! ^ TABLES[0x200 | bytes[at + 5]!]! ^
      TABLES[0x100 | bytes[at + 6]!]! ^ TABLES[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = crc >>> 8 ^ TABLES[(crc ^ bytes[at]!) & 0xff]!;
  return ~crc >>> 0;
}

function tables(): Uint32Array {
  const made = new Uint32Array(8 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? crc >>> 1 ^ POLYNOMIAL : crc >>> 1;
    made[byte] = crc;
  }
  for (let at = 256; at < made.length; at++) {
    const nearer = made[at - 256]!;
    made[at] = nearer >>> 8 ^ made[nearer & 0xff]!;
  }
  return made;
}
