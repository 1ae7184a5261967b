/** A client's side of the ASCII dialect: what its existing servers understand. */
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import type { SessionConnection } from "../../io/net/session_connection.ts";
import { SESSION_LINE_BYTES_MAX } from "../../wire/limits.ts";
import { SESSION_SEND_BYTES } from "../../io/net/limits.ts";
import { ASCII_ERROR_QUIET_MS, ASCII_LISTING_BYTES_MAX } from "./limits.ts";
import type { RegularFile } from "../../io/files/regular_file.ts";
import { Throttle } from "../../io/net/throttle.ts";
import { StreamingHash } from "../../protocol/base/sha256.ts";
import { asciiLine, type ListedFile, parseListLine } from "../../wire/session_ascii.ts";

const utf8 = new TextDecoder();

export class AsciiClient {
  readonly #connection: SessionConnection;
  readonly #throttle: Throttle;

  constructor(connection: SessionConnection, rateBytesPerS?: number) {
    this.#connection = connection;
    this.#throttle = new Throttle(rateBytesPerS);
  }

  /** Every file of the server; lines that make no sense are left out. */
  async list(): Promise<ListedFile[]> {
    await this.#connection.send(asciiLine("LIST_FILES"));
    const bytes = await this.#connection.textUntilQuiet(ASCII_LISTING_BYTES_MAX);
    const text = utf8.decode(bytes);
    if (text.startsWith("ERROR")) throw refusal(text.trim());
    return text.split("\n").map(parseListLine).filter((file) => file !== undefined);
  }

  /** Uploads a file; returns the id that the server gives it, and what it is. */
  async upload(
    name: string,
    file: RegularFile,
    sizeBytes: number,
    onProgress: (bytes: number) => void,
  ): Promise<{ readonly said: string; readonly md5: string; readonly sha256: string }> {
    const connection = this.#connection;
    await connection.send(asciiLine("UPLOAD"));
    await this.#receive("Please send");
    await connection.send(asciiLine(`${name};${sizeBytes}`));
    await this.#receive("Ready");
    const md5 = new StreamingHash("md5");
    const sha256 = new StreamingHash();
    const buffer: Bytes = new Uint8Array(SESSION_SEND_BYTES);
    for (let at = 0; at < sizeBytes;) {
      const wanted = Math.min(buffer.length, sizeBytes - at);
      const count = file.readAt(buffer, 0, wanted, at);
      if (count < wanted) {
        throw new ShoalError("disk", `${name} was truncated while it was being read`);
      }
      const piece = buffer.subarray(0, count);
      md5.update(piece);
      sha256.update(piece);
      await this.#throttle.pass(piece.length);
      await connection.send(piece);
      at += count;
      onProgress(at);
    }
    const said = (await this.#receive("", "id")).toLowerCase();
    return { said, md5: md5.digestHex(), sha256: sha256.digestHex() };
  }

  /** Fetches the file with this id; `take` is handed its bytes in order. Returns their MD5. */
  async download(
    { id, sizeBytes }: ListedFile,
    take: (bytes: Bytes) => void | Promise<void>,
  ): Promise<string> {
    const connection = this.#connection;
    await connection.send(asciiLine("DOWNLOAD"));
    await this.#receive("Please send");
    await connection.send(asciiLine(id));
    const md5 = new StreamingHash("md5");
    const pace = connection.pace();
    // An error comes where the file should, and only the silence after it tells them apart.
    let beginning = "";
    for (let at = 0; at < sizeBytes;) {
      const piece = connection.queue.takeSome(sizeBytes - at);
      if (piece.length === 0) {
        const mayBeError = beginning.startsWith("ERROR") && at < SESSION_LINE_BYTES_MAX;
        const patience = mayBeError ? connection.pace(ASCII_ERROR_QUIET_MS) : pace;
        await connection.more(patience).catch((error) => {
          throw mayBeError ? refusal(beginning.trim()) : error;
        });
        continue;
      }
      if (at < SESSION_LINE_BYTES_MAX) {
        beginning += utf8.decode(piece.subarray(0, SESSION_LINE_BYTES_MAX));
      }
      await this.#throttle.pass(piece.length);
      md5.update(piece);
      await take(piece);
      at += piece.length;
    }
    return md5.digestHex();
  }

  /** The server's next line, which must begin so. */
  async #receive(beginning: string, form: "text" | "id" = "text"): Promise<string> {
    const read = await this.#connection.line(form);
    if (read.kind !== "line") throw new ShoalError("stalled", "the server stopped answering");
    if (read.text.startsWith("ERROR")) throw refusal(read.text);
    if (read.text.startsWith(beginning)) return read.text;
    throw new ShoalError("network", "the server does not speak the ASCII dialect", {
      hint: "Check the address and the port, or try another --dialect.",
    });
  }
}

function refusal(text: string): ShoalError {
  return new ShoalError("refused", `the server says: ${text}`);
}
