/** A layer of a byte stream as encryption will be one, without its cryptography: every byte is changed. */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";

const XOR = 0xa7;

export class XorStream implements ByteStream {
  readonly #inner: ByteStream;

  constructor(inner: ByteStream) {
    this.#inner = inner;
  }

  get peer(): Endpoint {
    return this.#inner.peer;
  }

  get localAddress(): string {
    return this.#inner.localAddress;
  }

  async read(target: Bytes): Promise<number> {
    const count = await this.#inner.read(target);
    for (let i = 0; i < count; i++) target[i]! ^= XOR;
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    return await this.#inner.write(bytes.map((byte) => byte ^ XOR));
  }

  async closeWrite(): Promise<void> {
    await this.#inner.closeWrite();
  }

  close(): void {
    this.#inner.close();
  }
}
