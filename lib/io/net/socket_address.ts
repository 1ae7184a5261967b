/** An endpoint as the kernel reads and writes it. */
import { type Endpoint, ipv4Bytes, ipv4Text, UNSPECIFIED_ADDRESS } from "../../address.ts";

const AF_INET = 2;
const ADDRESS_AT = 4;
export const SOCKADDR_BYTES = 16;

/** A `sockaddr_in`, written and read only when the endpoint is another than the last time. */
export class SocketAddress {
  readonly bytes = new Uint8Array(SOCKADDR_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  #endpoint: Endpoint = { address: UNSPECIFIED_ADDRESS, port: 0 };
  #port = 0;
  #address = 0;

  constructor() {
    // In host order, and every platform that Deno runs on is little-endian.
    this.#view.setUint16(0, AF_INET, true);
  }

  set endpoint(endpoint: Endpoint) {
    if (endpoint === this.#endpoint) return;
    this.#endpoint = endpoint;
    this.#view.setUint16(2, endpoint.port);
    this.bytes.set(ipv4Bytes(endpoint.address), ADDRESS_AT);
  }

  get endpoint(): Endpoint {
    const port = this.#view.getUint16(2);
    const address = this.#view.getUint32(ADDRESS_AT);
    if (port !== this.#port || address !== this.#address) {
      this.#port = port;
      this.#address = address;
      this.#endpoint = { address: ipv4Text(this.bytes.subarray(ADDRESS_AT, ADDRESS_AT + 4)), port };
    }
    return this.#endpoint;
  }
}
