/** What somebody should know who has started a server: what is offered to whom, and what to type on the other machine. */
import { isLoopback, parseHostPort } from "../address.ts";
import { DISCOVERY_PORT } from "../limits.ts";
import type { ReadyEvent } from "../app/events.ts";
import { shellWord } from "../io/system/invocation.ts";
import { ADDRESSES_SHOWN_MAX } from "./limits.ts";
import { countText } from "./units.ts";

/**
 * @param invocation how this program was called here, and may be called there
 * @param uploads whether others may put files here
 */
export function readyLines(
  event: ReadyEvent,
  invocation: string,
  uploads = false,
): readonly string[] {
  const { hidden, addresses, names, dir, port, tcpPort } = event;
  const left = hidden === 0 ? [] : [
    `${countText(hidden, "hidden file or folder", "hidden files or folders")} left out; ` +
    "--hidden offers what starts with a dot as well.",
  ];
  const isLocal = addresses.every(isLoopback);
  const { sealed } = event;
  const who = sealed !== undefined
    ? `Whoever has the secret "${sealed}" can fetch what is offered; all is sealed, and nobody else is answered.`
    : isLocal && addresses.length > 0
    ? "Only this machine can fetch what is offered."
    : "Everyone who can reach this machine can fetch what is offered; nothing is encrypted.";
  const name = dir === undefined && names.length === 1 ? shellWord(names[0]!) : "NAME";
  const get = `${invocation} get ${name}`;
  const shown = addresses.slice(0, ADDRESSES_SHOWN_MAX);
  const own = port === DISCOVERY_PORT ? "" : ` -p ${port}`;
  const there = isLocal ? "On this machine" : "On another machine";
  return [
    ...left,
    who,
    `${there}: ${get}${own}`,
    ...(shown.length === 0
      ? []
      : [`If that finds nothing: ${get} --server ${
        shown.map((each) => hostText(each, port)).join(" (or ")
      }${shown.length > 1 ? ")" : ""}`]),
    ...(uploads && shown.length > 0
      ? [`To upload: ${invocation} put FILE --server ${hostText(shown[0]!, tcpPort)}`]
      : []),
  ];
}

/** As `--server` takes it. */
export function hostText(address: string, port: number): string {
  if (port === DISCOVERY_PORT) return address;
  const isPlain = parseHostPort(`${address}:${port}`)?.host === address;
  return isPlain ? `${address}:${port}` : `[${address}]:${port}`;
}
