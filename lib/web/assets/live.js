/**
 * The connection on which the server tells what happens. It closes while nobody sees the page, as browsers allow a
 * site only a few connections, and begins again with the whole state.
 */
const RETRY_MS_MIN = 1_000;
const RETRY_MS_MAX = 30_000;

/**
 * @typedef {object} Transfer
 * @property {number} id
 * @property {"moving" | "ended"} state
 * @property {string} client
 * @property {"file" | "folder" | "files"} what
 * @property {string} name
 * @property {number} [size] Bytes, of a file.
 * @property {number} bytes
 * @property {number} files
 * @property {number} rate Bytes per second.
 * @property {number} seconds
 *
 * @typedef {object} Uploaded
 * @property {string} name
 * @property {string} client
 * @property {number} size
 * @property {string} sha256
 *
 * @typedef {object} LiveState
 * @property {string} revision Another one after every change of what is offered.
 * @property {number} files
 * @property {Transfer[]} transfers
 * @property {Uploaded[]} uploaded
 * @property {{ filesLeft: number, bytesLeft: number, secondsLeft?: number } | null} indexing
 */

export class Live {
  /** @type {LiveState | undefined} */
  state;
  /** @type {EventSource | undefined} */
  #source;
  #retryMs = RETRY_MS_MIN;
  #onState;
  #onLost;

  /**
   * @param {(state: LiveState) => void} onState
   * @param {(isLost: boolean) => void} onLost
   */
  constructor(onState, onLost) {
    this.#onState = onState;
    this.#onLost = onLost;
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#close();
      else this.#open();
    });
    if (!document.hidden) this.#open();
  }

  #open() {
    this.#close();
    const source = new EventSource("/api/events");
    this.#source = source;
    source.addEventListener("state", ({ data }) => this.#take(JSON.parse(data)));
    source.addEventListener("update", ({ data }) => {
      if (this.state !== undefined) this.#take({ ...this.state, ...JSON.parse(data) });
    });
    source.addEventListener("error", () => {
      if (this.state !== undefined) this.#onLost(true);
      // Browsers try again by themselves after a lost connection, but not after an answer that is none.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => this.#source === source && this.#open(), this.#retryMs);
      this.#retryMs = Math.min(RETRY_MS_MAX, this.#retryMs * 2);
    });
  }

  #close() {
    this.#source?.close();
    this.#source = undefined;
  }

  /** @param {LiveState} state */
  #take(state) {
    this.#retryMs = RETRY_MS_MIN;
    this.#onLost(false);
    this.state = state;
    this.#onState(state);
  }
}
