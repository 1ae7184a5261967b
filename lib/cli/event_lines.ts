/** The lines that people read, made from events. The lines of the classic tool are among them. */
import type { ErrorMessage } from "../errors.ts";
import type {
  ChangeEvent,
  CodeEvent,
  DoneEvent,
  FolderEvent,
  OfferEvent,
  ReadyEvent,
  RefusedEvent,
  ServerEvent,
  ShoalEvent,
  StoredEvent,
  TransferEvent,
  WaitingEvent,
  WebEvent,
} from "../app/events.ts";
import { parseHostPort } from "../address.ts";
import { displayName } from "../names.ts";
import { sizeText } from "../sizes.ts";
import type { Tone } from "./colours.ts";
import { STANDARD_OUTPUT } from "./data_output.ts";
import { ADDRESSES_SHOWN_MAX, NAMES_SHOWN_MAX } from "./limits.ts";
import { fractionOf, percentText } from "./progress_rows.ts";
import { countText, durationText } from "./units.ts";

/** One line on stdout. `undefined` for what is shown otherwise or not at all. */
export function eventLine(event: ShoalEvent, verbose: boolean): string | undefined {
  switch (event.event) {
    case "ready":
      return `Offering ${offeredText(event)}: ${countText(event.files, "file")}, ` +
        `UDP port ${event.port}, data port ${event.dataPort}, TCP port ${event.tcpPort}`;
    case "mastering":
      return `Master on TCP port ${event.port}, store ${event.store}` +
        (event.metricsPort === undefined ? "" : `, metrics on TCP port ${event.metricsPort}`);
    case "web":
      return webLine(event);
    // Whoever speaks our own protocol asks everybody, and is sent something by some: a transfer says so.
    case "request":
      return event.classic ? requestLine(event.name) : undefined;
    case "sending":
      return event.classic ? `Sending ${displayName(event.name)} to ${event.client}` : undefined;
    case "transfer":
      return transferLine(event);
    case "stored":
      return storedLines(event);
    case "echoed":
      return `${displayName(event.name)} came back intact from ${event.server} ` +
        `(${sizeText(event.size)}); a server of the JSON dialect keeps nothing.\n` +
        `  sha256  ${event.sha256}`;
    case "uploaded":
      return `Received ${displayName(event.name)} from ${event.client} ` +
        `(${sizeText(event.size)}, sha256 ${event.sha256.slice(0, 16)}…)`;
    case "refused":
      return refusedLine(event);
    case "code":
      return codeLine(event);
    case "offer":
      return offerLine(event);
    case "server":
      if (isLoss(event)) return undefined;
      return verbose || event.state === "resumed" ? serverLine(event) : undefined;
    case "folder":
      return folderLine(event);
    case "change":
      return changeLine(event);
    case "done":
      // Of a folder there is one line, however many files it has.
      if (event.folder !== undefined && !verbose) return undefined;
      if (event.growing) return growingLine(event);
      return event.present
        ? `File ${shownPlace(event)} is already up to date.`
        : `File ${shownPlace(event)} received successfully.`;
    case "step":
      return displayName(event.message);
    case "notice":
      return event.level === "info" || (event.level === "verbose" && verbose)
        ? displayName(event.message)
        : undefined;
    case "failed":
    case "file":
    case "finding":
    case "given":
    case "hash":
    case "indexing":
    // A question follows, or what was asked for.
    case "offered":
    case "progress":
    case "report":
    case "secret":
    case "total":
    case "waiting":
      return undefined;
  }
}

/** What becomes of a code, where it is not said by how it ends. */
function codeLine({ state, client = "" }: CodeEvent): string | undefined {
  switch (state) {
    case "waiting":
      return "Waiting for who has the code";
    case "taken":
      return `${client} has the code`;
    case "fetching":
      return `${client} is fetching`;
    case "left":
      return `${client} is gone, without everything: the code is still good for it`;
    case "done":
    case "declined":
    case "wrong":
      return undefined;
  }
}

/** Where what has come is: a stream has no path, and goes by the name that was asked for. */
export function shownPlace({ name, path }: Pick<DoneEvent, "name" | "path">): string {
  return displayName(path === STANDARD_OUTPUT ? name : path);
}

/** Whether it is a line about something that has come, or that is where it belongs. */
export function eventTone({ event }: ShoalEvent): Tone {
  return event === "done" || event === "stored" || event === "echoed" ? "done" : "plain";
}

/** One line on stderr about something that went wrong and that the work survives. */
export function warningLine(event: ShoalEvent): string | undefined {
  if (event.event === "server" && isLoss(event)) return `warning: ${serverLine(event)}`;
  if (event.event === "notice" && event.level === "warning") {
    return `warning: ${displayName(event.message)}`;
  }
  return undefined;
}

/** What is being waited for, and for which name, if it is for one. */
export function waitingLine({ name, message }: WaitingEvent): string {
  return displayName(name === "" ? message : `${name}: ${message}`);
}

/** What happened, and what to do. Escaped as a whole: names from the network may be part of it. */
export function errorLines(error: ErrorMessage): readonly string[] {
  return [`error: ${displayName(error.message)}`, `hint: ${displayName(error.hint)}`];
}

function webLine({ urls }: WebEvent): string {
  const [best = "", ...others] = urls.slice(0, ADDRESSES_SHOWN_MAX).map(displayName);
  return `In a browser: ${best}${others.length > 0 ? ` (or ${others.join(" ")})` : ""}`;
}

/** A folder, and names up to a few. */
function offeredText({ dir, names }: ReadyEvent): string {
  const shown = [...(dir === undefined ? [] : [dir]), ...names.slice(0, NAMES_SHOWN_MAX)].map(
    displayName,
  );
  const rest = names.length - NAMES_SHOWN_MAX;
  return shown.join(", ") + (rest > 0 ? ` and ${rest} more` : "");
}

function requestLine(name: string): string {
  return `Received request for file: ${displayName(name)}`;
}

/** The lines of the classic tool when it starts, and what became of it. */
function transferLine(event: TransferEvent): string | undefined {
  const { state, what, name, client, omitted } = event;
  switch (state) {
    case "started": {
      const sending = `Sending ${transferName(event)} to ${client}` +
        (omitted > 0 ? ` (and ${countText(omitted, "other transfer")}, not shown)` : "");
      return what === "file" ? `${requestLine(name)}\n${sending}` : sending;
    }
    case "moving":
      return undefined;
    case "ended":
      return endedLine(event);
  }
}

function endedLine(event: TransferEvent): string {
  const { bytes, size, seconds, client, what, files } = event;
  const part = size === undefined ? 1 : fractionOf({ bytes, size });
  const name = transferName(event);
  const sent = what === "folder"
    ? `${countText(files, "file")} of ${name}`
    : what === "files"
    ? countText(files, "more file")
    : part < 1
    ? `${percentText(part)} of ${name}`
    : name;
  const time = seconds < 0.1 ? "" : ` in ${durationText(seconds)}`;
  const rest = part < 1 ? "; no more was asked for" : "";
  const host = parseHostPort(client)?.host ?? client;
  return `Sent ${sent} to ${host}: ${sizeText(bytes)}${time}${rest}`;
}

/** What is fetched, as far as it has one name. */
export function transferName({ what, name }: TransferEvent): string {
  if (what === "files") return "more files";
  if (what === "file") return displayName(name);
  return name === "." ? "everything" : `${displayName(name)}/`;
}

/** Whoever reads it must not take it for the whole file. */
function growingLine(event: DoneEvent): string {
  const { size, present } = event;
  const what = `the first ${size} bytes of a growing file`;
  return present
    ? `File ${shownPlace(event)} is already up to date: ${what}.`
    : `File ${shownPlace(event)} received successfully: ${what}.`;
}

function folderLine(
  { path, files, presentFiles, failedFiles, removed, planned }: FolderEvent,
): string {
  const what = `Folder ${displayName(path)}`;
  if (planned !== undefined) {
    return plannedLine(what, planned, files);
  }
  const count = countText(files, "file") + (removed > 0 ? `, ${removed} removed` : "");
  if (failedFiles > 0) return `${what} received in part: ${count}, ${failedFiles} failed.`;
  return files === presentFiles && removed === 0
    ? `${what} is already up to date: ${count}.`
    : `${what} received successfully: ${count}.`;
}

/** Only what there is to do. */
function plannedLine(
  what: string,
  { fetch, replace, remove, bytes }: NonNullable<FolderEvent["planned"]>,
  presentCount: number,
): string {
  const replaced = fetch === 0 ? countText(replace, "file") : String(replace);
  const parts = [
    ...(fetch > 0 ? [`${countText(fetch, "file")} to fetch`] : []),
    ...(replace > 0 ? [`${replaced} to replace`] : []),
    ...(fetch + replace > 0 ? [`${sizeText(bytes)} in all`] : []),
    ...(remove > 0 ? [`${remove} to remove`] : []),
  ];
  const present = countText(presentCount, "file");
  return parts.length === 0
    ? `${what} is already up to date: ${present}. Nothing to do.`
    : `${what}: ${parts.join(", ")}; ${present} already up to date. Nothing was changed.`;
}

function changeLine({ action, isDone, path, size, usualPath }: ChangeEvent): string {
  const other = usualPath === undefined ? "" : `${displayName(usualPath)} as `;
  const what = `${other}${displayName(path)}${size === undefined ? "" : ` (${sizeText(size)})`}`;
  return isDone ? `Removed ${what}` : `Would ${action} ${what}`;
}

function storedLines({ name, storedAs, server, size, sha256, md5, present }: StoredEvent): string {
  const what = present
    ? `${displayName(name)} is already up to date on ${server}`
    : `${displayName(name)} is stored on ${server}` +
      (storedAs === undefined ? "" : ` as ${displayName(storedAs)}`);
  return `${what} (${sizeText(size)}).\n  sha256  ${sha256}\n  md5     ${md5}`;
}

function refusedLine({ name, client, message, omitted }: RefusedEvent): string {
  const what = name === "" ? "an upload" : displayName(name);
  const before = omitted === 0
    ? ""
    : ` (after ${countText(omitted, "refusal")} that are not shown)`;
  return `Refused ${what} from ${client}: ${displayName(message)}${before}`;
}

function offerLine({ name, server, size, sha256, master }: OfferEvent): string {
  return `Server found: ${server} has ${displayName(name)} ` +
    `(${sizeText(size)}, sha256 ${sha256.slice(0, 16)}…)` +
    (master === undefined ? "" : `, found by master ${displayName(master)}`);
}

function isLoss({ state }: ServerEvent): boolean {
  return state === "dropped" || state === "silent";
}

function serverLine({ server, state, message }: ServerEvent): string {
  return `server ${server} ${message === "" ? `is ${state}` : displayName(message)}`;
}
