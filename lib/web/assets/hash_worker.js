/** Hashes files off the page's thread, one after the other, a slice of each at a time. */
import { Sha256 } from "./sha256.js";

const SLICE_BYTES = 2 * 1024 * 1024;

/** @type {Promise<void>} */
let last = Promise.resolve();

self.onmessage = ({ data: { id, file } }) => {
  last = last.then(async () => {
    try {
      self.postMessage({ id, sha256: await sha256Of(file) });
    } catch (error) {
      self.postMessage({ id, message: error instanceof Error ? error.message : String(error) });
    }
  });
};

/** @param {Blob} file */
async function sha256Of(file) {
  const hash = new Sha256();
  for (let at = 0; at < file.size; at += SLICE_BYTES) {
    hash.update(new Uint8Array(await file.slice(at, at + SLICE_BYTES).arrayBuffer()));
  }
  return hash.digestHex();
}
