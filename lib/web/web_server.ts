/** `server --web`: what a server offers, over HTTP, for browsers and for programs that know nothing else. */
import manifest from "../../deno.json" with { type: "json" };
import {
  isIpv6,
  isLoopback,
  LOOPBACK_ADDRESS,
  UNSPECIFIED_ADDRESS,
  UNSPECIFIED_IPV6_ADDRESS,
} from "../address.ts";
import type { Server } from "../app/options.ts";
import { ShoalError } from "../errors.ts";
import { HttpListener } from "../io/net/http_listener.ts";
import { denoRuntime, type Runtime } from "../io/runtime.ts";
import { ownHostname } from "../io/system/own_hostname.ts";
import { isExpectedHost } from "../wire/http_request.ts";
import { WEB_PORTS } from "./limits.ts";
import { Routes } from "./routes.ts";

export interface WebOptions {
  /** What is shown. The page ends with it. */
  readonly server: Server;
  /** Address to listen on; 0.0.0.0, for all, of IPv6 as well. */
  readonly host: string;
  /** TCP port; by default 10580, or the next free one. */
  readonly port?: number;
  /** Cap on what is sent, in bytes per second; 0 for none. */
  readonly rateBytesPerS: number;
  /** One line about something that went wrong, for people who look for a fault. */
  readonly onProblem: (message: string) => void;
}

/** A page that answers. */
export interface WebServer {
  readonly port: number;
  /** What to type on another device, the best one first; on this one, if no other can reach it. */
  readonly urls: readonly string[];
  close(): Promise<void>;
}

/**
 * Shows what a server offers until that, or this, is closed.
 *
 * @throws {ShoalError} `usage` for a server that has a secret, `port_in_use` or `network` if the port cannot be opened
 */
export function openWeb(options: WebOptions): WebServer {
  return openWebIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export function openWebIn(
  { clock, net, random }: Pick<Runtime, "clock" | "net" | "random">,
  { server, host, port, rateBytesPerS, onProblem }: WebOptions,
): WebServer {
  const { ready } = server;
  if (ready.sealed !== undefined) {
    throw new ShoalError("usage", "a page would show in clear what the secret protects", {
      hint:
        "Leave --web out, or serve something else without a secret for those who have a browser alone.",
    });
  }
  const hostname = ownHostname();
  const reach = isLoopback(host) ? "loopback" : "network";
  const routes = new Routes({
    offering: server,
    receiving: server,
    ...{ clock, random },
    isOwnHost: (name) => isExpectedHost(name, reach, hostname),
    about: { program: "shoal", version: manifest.version, role: "server", id: ready.id },
  });
  let listener: HttpListener;
  try {
    listener = new HttpListener({
      ...{ clock, net, host, rateBytesPerS, onProblem },
      ports: port === undefined ? WEB_PORTS : [port],
      respond: (request) => routes.respond(request),
      onFailure: (error) => onProblem(`the page: ${error.message}`),
    });
  } catch (cause) {
    routes.close();
    const { code, message } = ShoalError.from(cause);
    throw new ShoalError(code, message, {
      hint: "Choose another --web-port, or --web-host.",
      cause,
    });
  }
  const close = (): Promise<void> => {
    routes.close();
    return listener.close();
  };
  const web = {
    port: listener.port,
    urls: addressesOf(host, ready.addresses).map((each) =>
      `http://${urlHost(each)}:${listener.port}/`
    ),
    close,
  };
  server.closed.catch(() => {}).finally(close);
  return web;
}

/** @param own by which others reach the server */
function addressesOf(host: string, own: readonly string[]): readonly string[] {
  if (host !== UNSPECIFIED_ADDRESS && host !== UNSPECIFIED_IPV6_ADDRESS) return [host];
  return own.length > 0 ? own : [LOOPBACK_ADDRESS];
}

function urlHost(address: string): string {
  return isIpv6(address) ? `[${address}]` : address;
}
