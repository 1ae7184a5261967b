/** Performs the steps of a master's dialogue: messages of one connection, and the store. */
import type { RequestPace } from "../net/request_pace.ts";
import type { SessionConnection } from "../net/session_connection.ts";
import { AnswerTurn } from "./answer_turn.ts";
import { SESSION_COMMAND_BYTES_MAX } from "../../wire/limits.ts";
import { SESSION_SKIP_BYTES_MAX } from "../../protocol/session/limits.ts";
import { REGISTRY_LEASE_MS, REGISTRY_RENEW_MS } from "../../protocol/master/limits.ts";
import { REGISTRY_TURNS } from "../system/limits.ts";
import type {
  MasterDialogue,
  MasterStep,
  RequestRead,
} from "../../protocol/master/master_session.ts";
import type { AnswerTurns } from "../../protocol/session/answer_turns.ts";
import type { ConcurrencyLimit } from "../../protocol/base/concurrency_limit.ts";
import type { RegistryLease, RegistryStore } from "../../protocol/master/registry_store.ts";
import { toHex } from "../../ids.ts";
import { encodeMessage, parseMessage } from "../../wire/session_json.ts";
import type { Runtime } from "../runtime.ts";
import { wallMs, yieldTurns } from "../system/clock.ts";
import type { RandomSource } from "../system/random_source.ts";

const LEASE_BYTES = 16;

interface MasterHostOptions {
  readonly runtime: Pick<Runtime, "clock" | "random">;
  readonly store: RegistryStore;
  /** How long each question took, for the metrics. */
  readonly onAnswered: (command: string, ms: number) => void;
  /** Pages of catalogues, of all connections: what clients ask goes in between. */
  readonly pages: ConcurrencyLimit;
  /** What is kept for clients until they have taken it. */
  readonly turns: AnswerTurns;
  /** Whether the master stops: leases are left as they are then, to be taken up by the next one. */
  readonly isStopping: () => boolean;
}

/** Drives `dialogue` to its end. Throws ConnectionLost or ShoalError when it cannot go on. */
export async function runMasterDialogue(
  dialogue: MasterDialogue,
  connection: SessionConnection,
  options: MasterHostOptions,
  pace: RequestPace,
): Promise<void> {
  const { runtime, store, pages, turns, onAnswered, isStopping } = options;
  const { clock, random } = runtime;
  const turn = new AnswerTurn(turns, connection, clock);
  let askedMs = clock.nowMs();
  let command = "";
  let isInPages = false;
  const leavePages = (): void => {
    if (isInPages) pages.release();
    isInPages = false;
  };
  const enterPages = async (): Promise<void> => {
    const turn = new Promise<true>((resolve) => pages.acquire(() => resolve(true)));
    try {
      while (!await clock.within(turn, REGISTRY_RENEW_MS)) {
        await connection.send(encodeMessage({ status: "wait" }));
      }
    } catch (error) {
      turn.then(() => pages.release());
      throw error;
    }
    isInPages = true;
    await yieldTurns(clock, REGISTRY_TURNS);
  };
  const perform = async (step: MasterStep): Promise<unknown> => {
    if ("work" in step) await pace.work(step.work);
    switch (step.kind) {
      case "request": {
        leavePages();
        // What was answered has been taken.
        turn.leave();
        await pace.request();
        const read = await request(connection, step.idleMs);
        const said = read.kind === "request" ? read.request["command"] : "";
        command = typeof said === "string" ? said : "";
        if (command === "update") await enterPages();
        askedMs = clock.nowMs();
        return read;
      }
      case "send":
        // A client that does not read its answer delays nobody.
        leavePages();
        onAnswered(command, clock.nowMs() - askedMs);
        return await turn.during(() => connection.send(encodeMessage(step.message)));
      case "open": {
        const lease = newLease(random);
        const expiresMs = wallMs(clock) + REGISTRY_LEASE_MS;
        return await store.open(lease, step.provider, expiresMs, wallMs(clock)) ? lease : undefined;
      }
      case "resume": {
        const { lease, provider } = step;
        const next = newLease(random);
        const expiresMs = wallMs(clock) + REGISTRY_LEASE_MS;
        const revision = await store.resume(lease, next, provider, expiresMs, wallMs(clock));
        return revision === undefined ? undefined : { lease: next, revision };
      }
      case "renew":
        return await store.renew(step.lease, wallMs(clock) + REGISTRY_LEASE_MS);
      case "update":
        return await store.update(step.lease, step.update, wallMs(clock) + REGISTRY_LEASE_MS);
      case "close":
        return isStopping() ? undefined : await store.close(step.lease);
      case "locate":
        await turn.take();
        return await store.locate(step.queries, wallMs(clock), step.except);
      case "page":
        await turn.take();
        return await store.page(step.prefix, step.after, step.countMax, wallMs(clock));
      case "changes":
        await turn.take();
        return await store.changes(step.since, step.countMax);
      case "stats":
        return await store.stats(wallMs(clock));
      default:
        return step satisfies never;
    }
  };
  let next = dialogue.next();
  try {
    while (!next.done) next = dialogue.next(await perform(next.value));
  } catch (error) {
    // What the dialogue holds is released, as far as the store still answers.
    for (let last = dialogue.return(); !last.done; last = dialogue.next()) {
      if (last.value.kind === "close") await perform(last.value).catch(() => {});
    }
    throw error;
  } finally {
    leavePages();
    turn.leave();
  }
}

function newLease(random: RandomSource): RegistryLease {
  return toHex(random.bytes(LEASE_BYTES)) as RegistryLease;
}

async function request(connection: SessionConnection, idleMs: number): Promise<RequestRead> {
  const read = await connection.message(SESSION_COMMAND_BYTES_MAX, idleMs);
  if (read.kind === "ended") return { kind: "ended" };
  if (read.kind === "tooLarge") {
    const isPassable = read.lengthBytes <= SESSION_SKIP_BYTES_MAX;
    const isPassed = isPassable && await connection.skip(read.lengthBytes);
    return { kind: isPassed ? "nonsense" : "ended" };
  }
  const message = parseMessage(read.bytes);
  return message === undefined ? { kind: "nonsense" } : { kind: "request", request: message };
}
