/** SHA-256 of what comes in pieces (FIPS 180-4). Browsers have one only for what is whole, and only on pages that came by HTTPS. */

const BLOCK_BYTES = 64;
const WORDS = 64;

const [INITIAL, CONSTANTS] = fractions();

export class Sha256 {
  #state = INITIAL.slice();
  #words = new Int32Array(WORDS);
  #block = new Uint8Array(BLOCK_BYTES);
  #view = new DataView(this.#block.buffer);
  #blockBytes = 0;
  #bytes = 0;

  /** @param {Uint8Array} bytes */
  update(bytes) {
    this.#bytes += bytes.length;
    let from = 0;
    if (this.#blockBytes > 0) {
      from = Math.min(bytes.length, BLOCK_BYTES - this.#blockBytes);
      this.#block.set(bytes.subarray(0, from), this.#blockBytes);
      this.#blockBytes += from;
      if (this.#blockBytes < BLOCK_BYTES) return;
      this.#compress(this.#view, 0);
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (; from + BLOCK_BYTES <= bytes.length; from += BLOCK_BYTES) this.#compress(view, from);
    this.#block.set(bytes.subarray(from));
    this.#blockBytes = bytes.length - from;
  }

  /** 64 hexadecimal digits; nothing can be added afterwards. */
  digestHex() {
    const bytes = this.#bytes;
    this.update(new Uint8Array([0x80]));
    this.update(new Uint8Array((BLOCK_BYTES * 2 - 8 - this.#blockBytes) % BLOCK_BYTES));
    this.update(lengthField(bytes));
    return [...this.#state].map((word) => (word >>> 0).toString(16).padStart(8, "0")).join("");
  }

  /** @param {DataView} view @param {number} offset */
  #compress(view, offset) {
    const w = this.#words;
    for (let i = 0; i < 16; i++) w[i] = view.getInt32(offset + i * 4);
    for (let i = 16; i < WORDS; i++) {
      const [x, y] = [at(w, i - 15), at(w, i - 2)];
      const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3);
      const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10);
      w[i] = (at(w, i - 16) + s0 + at(w, i - 7) + s1) | 0;
    }
    const state = this.#state;
    let [a, b, c, d] = [at(state, 0), at(state, 1), at(state, 2), at(state, 3)];
    let [e, f, g, h] = [at(state, 4), at(state, 5), at(state, 6), at(state, 7)];
    for (let i = 0; i < WORDS; i++) {
      const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
      const t1 = (h + s1 + ((e & f) ^ (~e & g)) + at(CONSTANTS, i) + at(w, i)) | 0;
      const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
      const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      h = g;
      g = f;
      f = e;
      e = (d + t1) | 0;
      d = c;
      c = b;
      b = a;
      a = (t1 + t2) | 0;
    }
    [a, b, c, d, e, f, g, h].forEach((sum, i) => state[i] = (at(state, i) + sum) | 0);
  }
}

/**
 * The number of bits, in 8 bytes, most significant first.
 * @param {number} bytes
 */
export function lengthField(bytes) {
  const field = new DataView(new ArrayBuffer(8));
  field.setUint32(0, Math.floor(bytes / 2 ** 29));
  field.setUint32(4, (bytes % 2 ** 29) * 8);
  return new Uint8Array(field.buffer);
}

/** @param {Int32Array} words @param {number} index @returns {number} */
function at(words, index) {
  return /** @type {number} */ (words[index]);
}

/**
 * The first 32 bits of the fractions of the square roots of the first 8 primes, and of the cube roots of the first 64.
 * @returns {[Int32Array, Int32Array]}
 */
function fractions() {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < WORDS; n++) {
    if (primes.every((prime) => n % prime !== 0)) primes.push(n);
  }
  const bits = (/** @type {number} */ root) => Math.floor((root - Math.floor(root)) * 2 ** 32);
  return [
    Int32Array.from(primes.slice(0, 8), (prime) => bits(Math.sqrt(prime))),
    Int32Array.from(primes, (prime) => bits(Math.cbrt(prime))),
  ];
}
