/** What a `get` may have beside what ships: further kinds of sources, and who finds them. */
import type { Content } from "../../ids.ts";
import type { Coordinator } from "../../protocol/download/coordinator.ts";
import type { LayerNews } from "../../protocol/download/layer_fetch.ts";
import type { SourceKinds } from "./source_kinds.ts";

export type TellNews = (news: LayerNews) => void;

export interface GetExtension {
  readonly kinds?: SourceKinds;
  /**
   * Called when it is looked up who has a content. What comes back is told all that is found, and passes it on to
   * `tell`, where it may know more of it; to the same `tell` goes, at any time, who was found in another way.
   */
  readonly lookUp?: (content: Content, tell: TellNews) => TellNews;
  /** The run has begun; nothing was leased yet. */
  readonly onBegun?: (coordinator: Coordinator) => void;
}
