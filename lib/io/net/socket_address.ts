/**
 * An endpoint as the kernel reads and writes it: a `sockaddr_in` or a `sockaddr_in6`, each written and read only
 * when the endpoint is another than the last time.
 */
import {
  type Endpoint,
  ipv4Bytes,
  ipv4Text,
  ipv6Bytes,
  ipv6Text,
  isLinkLocal,
  scopeOf,
  UNSPECIFIED_ADDRESS,
  UNSPECIFIED_IPV6_ADDRESS,
} from "../../address.ts";
import { interfaceIndex, interfaceName } from "./interfaces.ts";

const AF_INET = 2;
const AF_INET6 = 10;
const PORT_AT = 2;
const IPV4_AT = 4;
const IPV6_AT = 8;
const SCOPE_AT = 24;
const SOCKADDR_IN_BYTES = 16;
const SOCKADDR_IN6_BYTES = 28;

export interface SocketAddress {
  /** For the kernel, which may write to it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  endpoint: Endpoint;
}

/**
 * Of the family of `address`, which a socket is bound to.
 *
 * @param askedAt where the endpoints that are read have asked, if that is to be known
 */
export function socketAddress(address: string, askedAt?: string): SocketAddress {
  return address.includes(":") ? new Ipv6SocketAddress(askedAt) : new Ipv4SocketAddress();
}

class Ipv4SocketAddress implements SocketAddress {
  readonly bytes = new Uint8Array(SOCKADDR_IN_BYTES);
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
    this.#view.setUint16(PORT_AT, endpoint.port);
    this.bytes.set(ipv4Bytes(endpoint.address), IPV4_AT);
  }

  get endpoint(): Endpoint {
    const port = this.#view.getUint16(PORT_AT);
    const address = this.#view.getUint32(IPV4_AT);
    if (port !== this.#port || address !== this.#address) {
      this.#port = port;
      this.#address = address;
      this.#endpoint = { address: ipv4Text(this.bytes.subarray(IPV4_AT, IPV4_AT + 4)), port };
    }
    return this.#endpoint;
  }
}

class Ipv6SocketAddress implements SocketAddress {
  readonly bytes = new Uint8Array(SOCKADDR_IN6_BYTES);
  readonly #view = new DataView(this.bytes.buffer);
  readonly #askedAt: string | undefined;
  #endpoint: Endpoint = { address: UNSPECIFIED_IPV6_ADDRESS, port: 0 };
  /** What `#endpoint` was read from. */
  readonly #read = new Uint8Array(SOCKADDR_IN6_BYTES);

  constructor(askedAt: string | undefined) {
    this.#askedAt = askedAt;
    this.#view.setUint16(0, AF_INET6, true);
  }

  set endpoint(endpoint: Endpoint) {
    if (endpoint === this.#endpoint) return;
    this.#endpoint = endpoint;
    const { address, port } = endpoint;
    this.#view.setUint16(PORT_AT, port);
    this.bytes.set(ipv6Bytes(address) ?? new Uint8Array(SCOPE_AT - IPV6_AT), IPV6_AT);
    this.#view.setUint32(SCOPE_AT, interfaceIndex(scopeOf(address)) ?? 0, true);
    this.#read.set(this.bytes);
  }

  get endpoint(): Endpoint {
    if (this.#isRead) return this.#endpoint;
    this.#read.set(this.bytes);
    const plain = ipv6Text(this.bytes.subarray(IPV6_AT, SCOPE_AT));
    const index = this.#view.getUint32(SCOPE_AT, true);
    const address = index === 0 || !isLinkLocal(plain) ? plain : `${plain}%${interfaceName(index)}`;
    const port = this.#view.getUint16(PORT_AT);
    const askedAt = this.#askedAt;
    this.#endpoint = { address, port, ...(askedAt !== undefined && { askedAt }) };
    return this.#endpoint;
  }

  get #isRead(): boolean {
    const { bytes } = this;
    const read = this.#read;
    for (let i = PORT_AT; i < SOCKADDR_IN6_BYTES; i++) if (bytes[i] !== read[i]) return false;
    return true;
  }
}
