/**
 * The paths to one server, and which of them are put to work. Each is a source of its own: a flow with a window, a rate and
 * a silence of its own, for the same chunks and on the account of the same server. How far away a path is says
 * nothing of what it carries, so what counts is what it delivers: one more path is tried where there is enough left to be
 * worth it, or at once where those at work have fallen silent. It stays if all of them
 * together bring more with it; otherwise they share a bottleneck, and the slowest of them rests.
 */
import { type Endpoint, endpointKey, isLoopback } from "../../address.ts";
import type { SourceId } from "../../ids.ts";
import {
  PATH_GAIN_MIN,
  PATH_JUDGE_MS,
  PATH_REST_MS,
  PATH_TRIAL_AFTER_MS,
  PATH_TRIAL_WORTH_S,
  PATHS_USED_MAX,
  SERVER_SILENT_MS,
} from "./limits.ts";

/** A path at work, as the plan sees it. */
export interface PathAtWork {
  readonly id: SourceId;
  readonly sinceMs: number;
  /** When the first bytes came of it since then; `undefined` if none have. */
  readonly firstMs: number | undefined;
  readonly rateBytesPerS: number;
  /** Whether something came of it lately. */
  readonly isHeard: boolean;
}

interface Paths {
  /** By endpoint. */
  readonly ids: Map<string, SourceId>;
  /** What the others brought when the last one was put to work, until that is judged. */
  trial: { readonly id: SourceId; readonly beforeBytesPerS: number } | undefined;
  /** How often in a row one more has not been worth it. */
  failures: number;
}

/** One path of a server: what it is called, and by which routes it goes. */
interface Path<R> {
  readonly id: SourceId;
  readonly routes: readonly R[];
}

export class PathPlan {
  /** By the source that all paths of a server are, taken together. */
  readonly #servers = new Map<SourceId, Paths>();

  /**
   * The paths of `source`, which answers by `routes`, best first. The one that was best when it was first heard of is
   * called as the source is, and each keeps its name. A server on this machine has one, whatever it is called.
   */
  split<R extends { readonly endpoint: Endpoint }>(
    source: SourceId,
    routes: readonly R[],
  ): readonly Path<R>[] {
    if (routes.some(({ endpoint }) => isLoopback(endpoint.address))) {
      return [{ id: source, routes }];
    }
    const paths = this.#servers.get(source) ??
      { ids: new Map<string, SourceId>(), trial: undefined, failures: 0 };
    this.#servers.set(source, paths);
    return routes.flatMap((route): Path<R>[] => {
      const key = endpointKey(route.endpoint);
      let id = paths.ids.get(key);
      if (id === undefined) {
        if (paths.ids.size >= PATHS_USED_MAX) return [];
        id = paths.ids.size === 0 ? source : `${source} ${key}` as SourceId;
        paths.ids.set(key, id);
      }
      return [{ id, routes: [route] }];
    });
  }

  /** All paths of a source, whether or not it has several. */
  of(source: SourceId): readonly SourceId[] {
    const ids = this.#servers.get(source)?.ids;
    return ids === undefined || ids.size === 0 ? [source] : [...ids.values()];
  }

  /**
   * Whether one more path of `source` is put to work beside those that are.
   *
   * @param bytesLeft what is still to be fetched, by all of them
   */
  mayStart(
    nowMs: number,
    source: SourceId,
    atWork: readonly PathAtWork[],
    bytesLeft: number,
  ): boolean {
    if (atWork.every(({ isHeard, sinceMs }) => !isHeard && nowMs > sinceMs)) return true;
    if (this.#servers.get(source)?.trial !== undefined) return false;
    const newestMs = Math.max(...atWork.map(({ sinceMs }) => sinceMs));
    return nowMs - newestMs >= PATH_TRIAL_AFTER_MS &&
      bytesLeft >= rateOf(atWork) * PATH_TRIAL_WORTH_S;
  }

  /** `id` was put to work beside these. */
  started(source: SourceId, id: SourceId, others: readonly PathAtWork[]): void {
    const paths = this.#servers.get(source);
    if (paths === undefined || others.length === 0) return;
    paths.trial = { id, beforeBytesPerS: rateOf(others.filter(({ isHeard }) => isHeard)) };
  }

  /** Which of the paths at work rests, for how long, if the last one has turned out not to be worth it. */
  toRest(
    nowMs: number,
    source: SourceId,
    atWork: readonly PathAtWork[],
  ): { readonly id: SourceId; readonly restMs: number } | undefined {
    const paths = this.#servers.get(source);
    const trial = paths?.trial;
    if (paths === undefined || trial === undefined) return undefined;
    const tried = atWork.find(({ id }) => id === trial.id);
    // It, or all others, have gone already.
    if (tried === undefined || atWork.length < 2) return void (paths.trial = undefined);
    // To start working takes its time, too, more on a busy machine: what counts is what it brings once it does.
    const { firstMs = tried.sinceMs + SERVER_SILENT_MS } = tried;
    if (nowMs - firstMs < PATH_JUDGE_MS) return undefined;
    paths.trial = undefined;
    if (rateOf(atWork) >= trial.beforeBytesPerS * PATH_GAIN_MIN) {
      paths.failures = 0;
      return undefined;
    }
    const slowest = atWork.reduce((a, b) => b.rateBytesPerS < a.rateBytesPerS ? b : a);
    const restMs = PATH_REST_MS * 2 ** Math.min(paths.failures, 3);
    paths.failures += 1;
    return { id: slowest.id, restMs };
  }
}

function rateOf(paths: readonly PathAtWork[]): number {
  return paths.reduce((sum, { rateBytesPerS }) => sum + rateBytesPerS, 0);
}

/** Whether more than one of these may be put to work. */
export function hasSeveralPaths(routes: readonly { readonly endpoint: Endpoint }[]): boolean {
  return routes.length > 1 && !isLocal(routes);
}

function isLocal(routes: readonly { readonly endpoint: Endpoint }[]): boolean {
  return routes.some(({ endpoint }) => isLoopback(endpoint.address));
}
