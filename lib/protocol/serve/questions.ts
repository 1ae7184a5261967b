/** The frames that a server's main thread answers, wherever they come in. */
import type { Frame, FrameOf } from "../../wire/frames.ts";

export type QuestionFrame = FrameOf<"find" | "list" | "layer_want" | "alias_want">;

export function isQuestion(frame: Frame): frame is QuestionFrame {
  const { kind } = frame;
  return kind === "find" || kind === "list" || kind === "layer_want" || kind === "alias_want";
}
