/** The page's end of the worker that hashes. */

export class Hasher {
  #worker = new Worker("/assets/hash_worker.js", { type: "module" });
  #id = 0;
  /** @type {Map<number, { resolve: (sha256: string) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();

  constructor() {
    this.#worker.onmessage = ({ data: { id, sha256, message } }) => {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (sha256 === undefined) waiting?.reject(new Error(message));
      else waiting?.resolve(sha256);
    };
    this.#worker.onerror = () => {
      for (const { reject } of this.#waiting.values()) {
        reject(new Error("It cannot be hashed here."));
      }
      this.#waiting.clear();
    };
  }

  /** @param {Blob} file @returns {Promise<string>} */
  sha256Of(file) {
    const id = this.#id++;
    this.#worker.postMessage({ id, file });
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }
}
