/**
 * Who has a content, wholly or in part, and how its chunks come. Whoever finds that out says so once, in the news of a
 * layer fetch; from there it goes to the coordinator as it is, whatever the kind of source.
 */
import type { ServerId } from "../../ids.ts";
import type { Bitmap } from "../base/bitmap.ts";
import type { SourceRoute } from "./source_route.ts";

/**
 * "pull": it fetches what it is leased. "push": it brings what it brings, when it brings it. So that it can
 * prove that, it has a lease of exactly the chunks that are missing, which keeps nobody from fetching them
 * as well.
 */
export type SourceMode = "pull" | "push";

export interface Provider<R extends SourceRoute = SourceRoute> {
  readonly server: ServerId;
  /** Whose blame and share it takes: an address that was proved. */
  readonly party: string;
  /** By which it has answered, best first: at least one, all of one kind. */
  readonly routes: readonly R[];
  /** The chunks that it has so far, where it has not all; told again when there are more. */
  readonly holds?: Bitmap;
  /** Whether it fetches the content itself, and gives what it has of it meanwhile. */
  readonly isTaker?: true;
  /** "pull" by default. */
  readonly mode?: SourceMode;
}

/** Whether chunks can be asked of it. */
export function isAsked({ mode }: Provider): boolean {
  return mode !== "push";
}
