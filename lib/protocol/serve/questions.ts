/** The frames that a server's main thread answers, wherever they come in. */
import type { Frame, FrameOf } from "../../wire/frames.ts";

export type QuestionFrame = FrameOf<
  "find" | "list" | "layer_want" | "pack_want" | "have_want" | "alias_want"
>;

const KINDS: ReadonlySet<Frame["kind"]> = new Set<QuestionFrame["kind"]>([
  "find",
  "list",
  "layer_want",
  "pack_want",
  "have_want",
  "alias_want",
]);

export function isQuestion(frame: Frame): frame is QuestionFrame {
  return KINDS.has(frame.kind);
}
