/** The requests of an upload. What goes wrong is an {@link UploadError}. */

export class UploadError extends Error {
  /**
   * @param {string} message
   * @param {object} facts
   * @param {number} facts.status 0 where there was no answer.
   * @param {number | undefined} [facts.offset] Where the server wants to go on.
   * @param {number | undefined} [facts.waitS] Seconds after which to try again.
   */
  constructor(message, { status, offset, waitS }) {
    super(message);
    this.status = status;
    this.offset = offset;
    this.waitS = waitS;
  }

  /** Whether the same may work later. */
  get isPassing() {
    return this.status === 0 || this.status === 404 || this.status === 429 ||
      (this.status >= 500 && this.status !== 507);
  }
}

/**
 * @typedef {{ id: string, offset: number, sliceBytesMax: number }} Begun
 * @typedef {{ name: string, sha256: string, present?: boolean }} Stored
 */

export class UploadApi {
  #token;

  /** @param {string} token */
  constructor(token) {
    this.#token = token;
  }

  /**
   * @param {{ name: string, size: number, mtimeMs: number }} file
   * @param {AbortSignal} signal
   * @returns {Promise<Begun>}
   */
  begin(file, signal) {
    return this.#ask("POST", "/api/uploads", file, signal);
  }

  /**
   * @param {string} id
   * @param {{ sha256: string }} hash
   * @param {AbortSignal} signal
   * @returns {Promise<Stored>}
   */
  finish(id, hash, signal) {
    return this.#ask("POST", `/api/uploads/${encodeURIComponent(id)}/done`, hash, signal);
  }

  /** @param {string} id */
  async cancel(id) {
    const url = `/api/uploads/${encodeURIComponent(id)}`;
    // The server lets go of it by itself after a while.
    await fetch(url, { method: "DELETE", headers: this.#headers() }).catch(() => {});
  }

  /**
   * Sends a slice and tells how much of it has left.
   * @param {string} id
   * @param {number} offset
   * @param {Blob} slice
   * @param {(bytes: number) => void} onSent
   * @param {AbortSignal} signal
   * @returns {Promise<{ offset: number }>}
   */
  put(id, offset, slice, onSent, signal) {
    return new Promise((resolve, reject) => {
      // Only this kind of request tells how far it is.
      const request = new XMLHttpRequest();
      const abort = () => request.abort();
      request.open("PUT", `/api/uploads/${encodeURIComponent(id)}?offset=${offset}`);
      for (const [name, value] of Object.entries(this.#headers())) {
        request.setRequestHeader(name, value);
      }
      request.upload.onprogress = ({ loaded }) => onSent(Math.min(loaded, slice.size));
      request.onloadend = () => {
        signal.removeEventListener("abort", abort);
        if (signal.aborted) return reject(signal.reason);
        const body = parsed(request.responseText);
        if (request.status === 200) return resolve(body);
        reject(errorOf(request.status, body, request.getResponseHeader("retry-after")));
      };
      signal.addEventListener("abort", abort);
      request.send(slice);
    });
  }

  /**
   * @param {string} method
   * @param {string} url
   * @param {object} body
   * @param {AbortSignal} signal
   */
  async #ask(method, url, body, signal) {
    const headers = { ...this.#headers(), "content-type": "application/json" };
    let response;
    try {
      response = await fetch(url, { method, headers, body: JSON.stringify(body), signal });
    } catch {
      signal.throwIfAborted();
      throw errorOf(0, {}, null);
    }
    const answer = parsed(await response.text());
    if (!response.ok) throw errorOf(response.status, answer, response.headers.get("retry-after"));
    return answer;
  }

  #headers() {
    return { "x-shoal-token": this.#token };
  }
}

/** @param {string} text */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/**
 * @param {number} status
 * @param {{ message?: string, hint?: string, offset?: number }} body
 * @param {string | null} retryAfter
 */
function errorOf(status, { message, hint, offset }, retryAfter) {
  const waitS = retryAfter === null ? undefined : Number(retryAfter) || undefined;
  const said = [message, hint].filter(Boolean).join(" ");
  const lost = "The connection was lost, or the file can be read no more.";
  return new UploadError(said || (status === 0 ? lost : `The server says ${status}.`), {
    status,
    offset: typeof offset === "number" ? offset : undefined,
    waitS,
  });
}
