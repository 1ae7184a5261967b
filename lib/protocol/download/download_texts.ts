/** Messages about a download: why it waits, what it has noticed, and why it has failed. */
import { endpointText } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import type { ServerId } from "../../ids.ts";
import type { Choice } from "../discovery/content_choice.ts";
import type { FindNews, Offer, PendingNotice } from "../discovery/finder.ts";

/** @param hint what the user can do where nobody answered */
export function searchFailure(
  name: string,
  news: Extract<FindNews, { kind: "notFound" | "timedOut" }>,
  hint?: string,
): ShoalError {
  if (news.kind === "timedOut" && news.isHashing) {
    const message = `a server that has '${name}' is still hashing it, and gets no further`;
    return new ShoalError("no_server", message, { hint: "Try again later." });
  }
  if (news.kind === "timedOut") {
    const message = `nobody answered the search for '${name}'`;
    return new ShoalError("no_server", message, hint === undefined ? {} : { hint });
  }
  const meant = news.similar.map((each) => `'${each}'`).join(" or ");
  const advice = meant === "" ? {} : { hint: `Did you mean ${meant}?` };
  return new ShoalError("not_found", `no server has '${name}'`, advice);
}

export function ambiguous(
  name: string,
  { message, hint }: Extract<Choice, { kind: "ambiguous" }>,
): ShoalError {
  return new ShoalError("ambiguous", `servers disagree about '${name}': ${message}`, { hint });
}

export function unverified(name: string): ShoalError {
  return new ShoalError("unverified", `'${name}' could not be verified`);
}

export function stalled(name: string): ShoalError {
  return new ShoalError("stalled", `no more data arrives for '${name}'`);
}

/** @param hasLiars whether any of those who offered it was caught lying */
export function orphaned(name: string, hasLiars: boolean): ShoalError {
  const message = `no server still offers '${name}' as it was`;
  return new ShoalError(hasLiars ? "unverified" : "changed", message);
}

export function searchingAgain(name: string, hasLiars: boolean): string {
  return hasLiars
    ? `every server of '${name}' sent bad chunks: looking for others`
    : `'${name}' changed on its server: looking again`;
}

export function wholeIsAnother(name: string): string {
  return `the whole of '${name}' is not what was offered: trying others`;
}

export function stillHashing({ hashedBytes, sizeBytes, endpoint }: PendingNotice): string {
  const share = sizeBytes === 0 ? "" : ` (${Math.floor(100 * hashedBytes / sizeBytes)} %)`;
  return `${endpointText(endpoint)} is still hashing it${share}`;
}

export function leftAside({ path }: Offer): string {
  return `${endpointText(path.endpoint)} offers another file under this name: left aside`;
}

/** @param offer where it was, if that is known */
export function droppedLiar(server: ServerId, offer: Offer | undefined): string {
  const address = offer === undefined ? server : endpointText(offer.path.endpoint);
  return `${address} sent hashes that do not prove the file: dropped`;
}
