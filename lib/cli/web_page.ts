/** The page of a server: opened when the server answers, and told to people with a picture of its address to point a phone at. */
import { isLoopback } from "../address.ts";
import type { Server } from "../app/options.ts";
import { SERVE_DEFAULTS } from "../app/option_defaults.ts";
import { ShoalError } from "../errors.ts";
import type { Terminal } from "../io/system/terminal.ts";
import { type Context, given } from "./command.ts";
import { QR_MARGIN_MODULES } from "./limits.ts";

interface PageValues {
  readonly host: string | undefined;
  readonly rate: number | undefined;
  readonly "web-host": string | undefined;
  readonly "web-port": number | undefined;
}

/** @throws ShoalError `port_in_use` or `network`, after the server was stopped */
export async function showPage(
  server: Server,
  { host, rate, "web-host": webHost, "web-port": port }: PageValues,
  { app, reporter, terminal }: Pick<Context, "app" | "reporter" | "terminal">,
): Promise<void> {
  try {
    const { port: opened, urls } = await app.openWeb({
      server,
      host: webHost ?? host ?? SERVE_DEFAULTS.host,
      rateBytesPerS: rate ?? SERVE_DEFAULTS.rateBytesPerS,
      onProblem: (message) => reporter.report({ event: "notice", level: "verbose", message }),
      ...given({ port }),
    });
    reporter.report({ event: "web", port: opened, urls });
    for (const line of await qrLines(urls[0], terminal)) reporter.say(line);
  } catch (error) {
    await server.close();
    throw error;
  }
}

export function webWithSecret(): ShoalError {
  return new ShoalError("usage", "--web speaks in clear, and there is a secret", {
    hint: "Leave --web out, or add --no-secret to show to everyone what is offered.",
  });
}

/** A picture of the address, where there is a window that it fits into. */
async function qrLines(
  url: string | undefined,
  { stdout, size }: Terminal,
): Promise<readonly string[]> {
  // Nothing but this machine would get anywhere with an address of loopback.
  if (url === undefined || !stdout.isTerminal || isLoopback(new URL(url).hostname)) return [];
  const { renderUnicodeCompact } = await import("uqr");
  const lines = renderUnicodeCompact(url, { border: QR_MARGIN_MODULES }).split("\n");
  const { columns, rows } = size();
  return lines.length < rows && (lines[0]?.length ?? 0) <= columns ? lines : [];
}
