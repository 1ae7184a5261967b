/** Messages about a download: why it waits, what it has noticed, and why it has failed. */
import { type Endpoint, endpointText, preferenceOf } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { claimedIdOf, type Content, type HashHex, type ServerId } from "../../ids.ts";
import type { Query } from "../../wire/frames.ts";
import type { Choice } from "../discovery/content_choice.ts";
import type { FindNews, Offer, PendingNotice } from "../discovery/finder.ts";
import { DATA_PORT_FIRST, DATA_PORT_LAST } from "../../limits.ts";
import type { QuietCause } from "./route_fallback.ts";

type Chosen = Extract<Choice, { kind: "chosen" }>;

/** What was searched for: `pinned` is the only content that would do. */
interface Sought {
  readonly name: string;
  readonly query: Query;
  readonly pinned?: HashHex;
}

/** What is known from elsewhere about a search that found nothing. */
export interface SearchAdvice {
  /** Why nobody answered. */
  readonly why?: string;
  /** What the user can do. */
  readonly hint: string;
}

export function searchFailure(
  { name, query, pinned }: Sought,
  news: Extract<FindNews, { kind: "notFound" | "timedOut" }>,
  { why, hint }: Partial<SearchAdvice> = {},
): ShoalError {
  if (news.kind === "timedOut" && news.isHashing && news.isChanging) {
    const message =
      `'${name}' is being written to: servers offer a file only once it is left alone`;
    const hint = "Fetch it when nothing writes to it, or have a copy of it served.";
    return new ShoalError("changed", message, { hint });
  }
  if (news.kind === "timedOut" && news.isHashing) {
    const message = `a server that has '${name}' is still hashing it, and makes no progress`;
    return new ShoalError("no_server", message, {
      hint: "Try again later, or when nothing is writing to it there.",
    });
  }
  if (news.kind === "timedOut") {
    const message = `nobody answered the search for '${name}'` +
      (why === undefined ? "" : `: ${why}`);
    return new ShoalError("no_server", message, hint === undefined ? {} : { hint });
  }
  const content = query.by === "name" && pinned !== undefined ? " with that content" : "";
  const message = `no server has '${name}'${content}`;
  if (news.similar.some((each) => each.startsWith(`${name}/`))) {
    return new ShoalError("not_found", message, {
      hint: folderHint(name),
    });
  }
  const meant = news.similar.map((each) => `'${each}'`).join(" or ");
  const advice = meant !== ""
    ? { hint: `Did you mean ${meant}?` }
    : hint !== undefined
    ? { hint }
    : {};
  return new ShoalError("not_found", message, advice);
}

/** What to do about a file that nobody has, where there is a folder of its name. */
export function folderHint(name: string): string {
  return `It is a folder: did you mean '${name}/'?`;
}

export function ambiguous(
  name: string,
  { message, hint }: Extract<Choice, { kind: "ambiguous" }>,
): ShoalError {
  return new ShoalError("ambiguous", `servers disagree about '${name}': ${message}`, { hint });
}

/** Proved servers hold different contents, and most of them one. */
export function dissent(name: string, dissent: string): string {
  return `servers disagree about '${name}'; most have the first: sha256 ${dissent}`;
}

/** The same, which was not known when the content was chosen. */
export function lateDissent(name: string, { dissent = "" }: Chosen): string {
  return `servers disagree about '${name}'; this was found after one had been chosen: sha256 ${dissent}`;
}

/** Others may have something else, and were not ready to say in time. */
export function unfinished(name: string, places: string): string {
  return `'${name}' is still being hashed at ${places}, which may have a different file of this size`;
}

/** What was chosen would not be chosen now. */
export function wouldChooseOtherwise(name: string, chosen: Content, choice: Choice): string {
  const held = choice.kind === "ambiguous"
    ? choice.message
    : choice.kind === "chosen"
    ? choice.dissent ?? choice.content.sha256
    : "nothing";
  return `'${name}' is sha256 ${chosen.sha256}, chosen before others were heard: by what all have said, ` +
    `it would not have been: ${held}`;
}

export function unverified(name: string): ShoalError {
  return new ShoalError("unverified", `'${name}' could not be verified`);
}

export function stalled(name: string): ShoalError {
  return new ShoalError("stalled", `no more data is arriving for '${name}'`);
}

/** The same for all that only these servers have. */
export function silent(offers: readonly Offer[], waitedMs: number): ShoalError {
  const byPreference = offers.toSorted((a, b) =>
    preferenceOf(a.path.endpoint.address) - preferenceOf(b.path.endpoint.address)
  );
  // One that is known by both families is one to people.
  const ids = [...new Set(byPreference.map(({ server }) => claimedIdOf(server)))];
  const [first = "", ...others] = ids.map((id) =>
    endpointText(byPreference.find(({ server }) => claimedIdOf(server) === id)!.path.endpoint)
  );
  const whom = others.length === 0 ? first : `${first} and ${others.length} more`;
  const seconds = Math.round(waitedMs / 100) / 10;
  return new ShoalError("stalled", `nothing has come from ${whom} for ${seconds} s`);
}

/** @param hasLiars whether any of those who offered it was caught lying */
export function orphaned(name: string, hasLiars: boolean): ShoalError {
  const message = `no server offers this version of '${name}' any more`;
  return new ShoalError(hasLiars ? "unverified" : "changed", message);
}

export function searchingAgain(name: string, hasLiars: boolean): string {
  return hasLiars
    ? `every server of '${name}' sent bad chunks: looking for others`
    : `'${name}' changed on its server: looking again`;
}

export function wholeIsAnother(name: string): string {
  return `'${name}' as a whole is not what was offered: trying others`;
}

export function stillHashing({ hashedBytes, sizeBytes, endpoint }: PendingNotice): string {
  const share = sizeBytes === 0 ? "" : ` (${Math.floor(100 * hashedBytes / sizeBytes)} %)`;
  return `${endpointText(endpoint)} is still hashing it${share}`;
}

export function hashesAnother({ sizeBytes, endpoint }: PendingNotice): string {
  const size = `${sizeBytes} bytes`;
  return `${
    endpointText(endpoint)
  } is still hashing a different file of this name (${size}): ignored`;
}

export function leftAside({ path, content }: Offer): string {
  const hash = content.sha256.slice(0, 8);
  return `${endpointText(path.endpoint)} offers a different file of this name (${hash}): ignored`;
}

/** @param offer where it was, if that is known */
export function droppedLiar(server: ServerId, offer: Offer | undefined): string {
  const address = offer === undefined ? claimedIdOf(server) : endpointText(offer.path.endpoint);
  return `${address} sent hashes that do not prove the file: it is no longer used`;
}

/** @param place where UDP does not bring what it should from */
export function fellBack(cause: QuietCause, place: Endpoint): string {
  const quiet = `${quietText(cause, place)} over UDP: using TCP instead`;
  switch (cause) {
    case "search":
      return `${quiet} (for UDP, open ${searchPortsText(place)} there and on the path)`;
    case "data":
      return `${quiet} (for UDP, open ${dataPortText(place)} there and on the path)`;
    case "more data":
      return quiet;
  }
}

/** The same where TCP brings nothing either: of a server that has brought something, a firewall is not the likely cause. */
export function unreached(cause: QuietCause, place: Endpoint, tcpPort: number): string {
  if (cause === "more data") {
    return `${
      quietText(cause, place)
    }, and its TCP port ${tcpPort} does not answer: it may have been stopped, or cut off`;
  }
  return `${quietText(cause, place)} over UDP, nor can it be reached over TCP: ` +
    `open UDP ${dataPortText(place)} or TCP port ${tcpPort} there and on the path`;
}

function quietText(cause: QuietCause, place: Endpoint): string {
  const address = endpointText(place);
  switch (cause) {
    case "search":
      return `${address} does not answer`;
    case "data":
      return `no data arrives from ${address}`;
    case "more data":
      return `nothing more arrives from ${address}`;
  }
}

const DATA_PORTS = `${DATA_PORT_FIRST}-${DATA_PORT_LAST}`;

/** Who was asked at a data port alone has answered from elsewhere at the other one. */
function searchPortsText(place: Endpoint): string {
  const isDataPort = place.port >= DATA_PORT_FIRST && place.port <= DATA_PORT_LAST;
  return isDataPort ? dataPortText(place) : `ports ${place.port} and ${DATA_PORTS}`;
}

/** What a firewall has to let through, where it may be in the way: a server has one of the usual ports, or one that was given. */
function dataPortText({ port }: Endpoint): string {
  const isUsual = port >= DATA_PORT_FIRST && port <= DATA_PORT_LAST;
  return isUsual ? `ports ${DATA_PORTS}` : `port ${port}`;
}
