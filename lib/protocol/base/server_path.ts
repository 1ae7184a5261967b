/** A path to a server: an address that it answered from, and the token that validates ours. */
import { type Endpoint, isSameEndpoint } from "../../address.ts";
import type { Token } from "../../ids.ts";

export interface ServerPath {
  readonly endpoint: Endpoint;
  readonly token: Token;
}

export function isSamePath(a: ServerPath, b: ServerPath): boolean {
  return isSameEndpoint(a.endpoint, b.endpoint) && a.token.every((byte, i) => byte === b.token[i]);
}
