/** Bodies that are kept whole for a moment: a few at a time, and none that is long. */
import type { Bytes } from "../ids.ts";
import type { HttpRequest } from "../io/net/http_message.ts";
import { BODIES_AT_ONCE_MAX } from "./limits.ts";
import { HttpProblem } from "./responses.ts";

export class BodyReader {
  #count = 0;

  /** Throws {@linkcode HttpProblem}: 413 for one that is longer, 503 where there are too many. */
  async text(request: HttpRequest, bytesMax: number): Promise<string> {
    const { bodyBytes = 0 } = request.head;
    if (bodyBytes > bytesMax) throw new HttpProblem(413, `at most ${bytesMax} bytes`);
    if (this.#count >= BODIES_AT_ONCE_MAX) {
      throw new HttpProblem(503, "too much at once: try again", [["retry-after", "1"]]);
    }
    this.#count += 1;
    try {
      const body: Bytes = new Uint8Array(bodyBytes);
      let at = 0;
      for await (const piece of request.body) {
        body.set(piece, at);
        at += piece.length;
      }
      return new TextDecoder().decode(body);
    } finally {
      this.#count -= 1;
    }
  }
}
