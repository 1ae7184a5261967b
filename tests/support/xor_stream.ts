/**
 * The streams' half of a layer as encryption will be one, without its cryptography: every byte is changed, and
 * differently by the two sides, as with a key for each direction.
 */
import type { Endpoint } from "../../lib/address.ts";
import type { Bytes } from "../../lib/ids.ts";
import type { ByteStream } from "../../lib/io/net/byte_stream.ts";
import type { StreamRole } from "../../lib/io/net/transport_factory.ts";
import { countXor, type XorConfig } from "./xor_layer.ts";

/** By whose bytes they are. */
const XOR: Readonly<Record<StreamRole, number>> = { client: 0xa7, server: 0x5c };

export class XorStream implements ByteStream {
  readonly #inner: ByteStream;
  readonly #config: XorConfig;
  readonly #own: number;
  readonly #theirs: number;

  constructor(inner: ByteStream, config: XorConfig, role: StreamRole) {
    this.#inner = inner;
    this.#config = config;
    this.#own = XOR[role];
    this.#theirs = XOR[role === "client" ? "server" : "client"];
    countXor(config, "streams");
  }

  get peer(): Endpoint {
    return this.#inner.peer;
  }

  get localAddress(): string {
    return this.#inner.localAddress;
  }

  async read(target: Bytes): Promise<number> {
    const count = await this.#inner.read(target);
    for (let i = 0; i < count; i++) target[i]! ^= this.#theirs;
    countXor(this.#config, "streamBytesReceived", count);
    return count;
  }

  async write(bytes: Uint8Array): Promise<number> {
    const count = await this.#inner.write(bytes.map((byte) => byte ^ this.#own));
    countXor(this.#config, "streamBytesSent", count);
    return count;
  }

  async closeWrite(): Promise<void> {
    await this.#inner.closeWrite();
  }

  close(): void {
    this.#inner.close();
  }
}
