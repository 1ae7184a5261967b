/** A path to a server: an address that it answered from, and the token that validates ours. */
import { type Endpoint, endpointText, type Token } from "../../ids.ts";

export interface ServerPath {
  readonly endpoint: Endpoint;
  readonly token: Token;
}

/** Whether traffic to `address` stays on this machine. */
export function isLoopbackAddress(address: string): boolean {
  return address.startsWith("127.");
}

export function isSamePath(a: ServerPath, b: ServerPath): boolean {
  return isSameEndpoint(a, b) && a.token.every((byte, i) => byte === b.token[i]);
}

export function isSameEndpoint(a: ServerPath, b: ServerPath): boolean {
  return endpointText(a.endpoint) === endpointText(b.endpoint);
}
