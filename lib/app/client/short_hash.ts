/**
 * Contents that are named by the first digits of their SHA-256: which of those that are listed is meant. Pure.
 *
 * Anybody can make a file whose SHA-256 begins with given digits, so they are no pin: of several contents that match, the one
 * that more than half of all parties with such a content list is taken, and that is said.
 */
import { parseHostPort, partyOf } from "../../address.ts";
import { ShoalError } from "../../errors.ts";
import { CONTENTS_LISTED_MAX } from "../../protocol/base/limits.ts";
import { contentsText, placesText } from "../../protocol/base/held_texts.ts";
import { type HashHex, hashHex } from "../../ids.ts";
import { isMarked } from "../../marked_name.ts";
import { displayName } from "../../names.ts";
import type { FileEvent, NoticeEvent } from "../events.ts";
import { SHORT_HASH_DIGITS_MIN } from "../limits.ts";

/** What a content was asked for by. */
export interface ShortHash {
  /** As it was typed. */
  readonly text: string;
  /** In small letters. */
  readonly digits: string;
  /** The file must have this name, too. */
  readonly name?: string;
}

interface ResolvedHash {
  readonly sha256: HashHex;
  /** Where others match as well. */
  readonly notice?: NoticeEvent;
}

interface Candidate {
  readonly sha256: HashHex;
  readonly file: FileEvent;
  readonly addresses: Set<string>;
}

/** The digits, if a whole SHA-256 begins with them and does not end. */
export function shortDigits(text: string): string | undefined {
  const isShort = text.length >= SHORT_HASH_DIGITS_MIN && /^[0-9a-fA-F]{1,63}$/.test(text);
  return isShort ? text.toLowerCase() : undefined;
}

/** `undefined` where that is no `sha256:` with some digits only. */
export function shortHashOf(typed: string): ShortHash | undefined {
  const digits = isMarked(typed) ? null : /^sha256:(.*)$/s.exec(typed);
  const short = digits === null ? undefined : shortDigits(digits[1]!);
  return short === undefined ? undefined : { text: typed, digits: short };
}

/**
 * The one content that is meant.
 *
 * @returns a ShoalError `not_found` if none is listed, `usage` if none of several has a majority
 */
export function resolveShortHash(
  short: ShortHash,
  listed: readonly FileEvent[],
): ResolvedHash | ShoalError {
  const candidates = candidatesOf(short, listed).sort((a, b) => votesOf(b) - votesOf(a));
  const [first, ...others] = candidates;
  if (first === undefined) return notFound(short, listed);
  if (others.length === 0) return { sha256: first.sha256 };
  const parties = new Set(candidates.flatMap(({ addresses }) => [...partiesOf(addresses)]));
  const half = parties.size / 2;
  if (votesOf(first) <= half || votesOf(others[0]!) > half) return ambiguous(short, candidates);
  const message = `several contents match ${short.digits} (${
    contentsText(candidates.map(textOf))
  }); fetching ${first.sha256}, which most addresses have`;
  return { sha256: first.sha256, notice: { event: "notice", level: "warning", message } };
}

function candidatesOf({ digits, name }: ShortHash, listed: readonly FileEvent[]): Candidate[] {
  const candidates = new Map<string, Candidate>();
  for (const file of listed) {
    const { sha256 } = file;
    if (sha256 === undefined || !sha256.startsWith(digits)) continue;
    if (name !== undefined && file.name !== name) continue;
    const known = candidates.get(sha256) ??
      { sha256: hashHex(sha256), file, addresses: new Set<string>() };
    for (const server of file.servers) known.addresses.add(parseHostPort(server)?.host ?? server);
    candidates.set(sha256, known);
  }
  return [...candidates.values()];
}

/** Whoever has an address may have any number of servers there. */
function partiesOf(addresses: ReadonlySet<string>): Set<string> {
  return new Set([...addresses].map(partyOf));
}

function votesOf({ addresses }: Candidate): number {
  return partiesOf(addresses).size;
}

function textOf({ sha256, file, addresses }: Candidate): string {
  return `${sha256} ${displayName(file.name)} at ${placesText([...addresses])}`;
}

function notFound({ digits, name }: ShortHash, listed: readonly FileEvent[]): ShoalError {
  const what = name === undefined ? "no listed file" : `no listed ${displayName(name)}`;
  const hashing = listed.filter((file) =>
    file.sha256 === undefined && (name === undefined || file.name === name)
  );
  const hint = hashing.length === 0
    ? "`list` shows what there is."
    : "Some files are still being hashed: try again later.";
  return new ShoalError("not_found", `${what} has a SHA-256 that begins with ${digits}`, { hint });
}

function ambiguous({ digits }: ShortHash, candidates: readonly Candidate[]): ShoalError {
  const choices = candidates.slice(0, CONTENTS_LISTED_MAX)
    .map(({ sha256 }) => `sha256:${sha256}`).join("   or   ");
  return new ShoalError(
    "usage",
    `several contents match ${digits}: ${contentsText(candidates.map(textOf))}`,
    { hint: `Name one with all digits: ${choices}` },
  );
}
