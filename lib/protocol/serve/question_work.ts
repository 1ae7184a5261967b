/**
 * What answering a question costs a server, estimated from the question alone (docs/PROTOCOL.md, "Fair
 * shares"), in units of about ten microseconds.
 */
import { LAYER_PAGES_PER_WANT_MAX, LISTING_PAGES_PER_LIST_MAX } from "../../wire/limits.ts";
import {
  HAVE_WORK,
  LAYER_PAGE_WORK,
  LISTING_PAGE_WORK,
  PACK_RANGE_WORK,
  QUESTION_WORK,
} from "./limits.ts";
import type { QuestionFrame } from "./questions.ts";

/** @param isValidated whether its token is good: otherwise RETRY is all that most questions bring about */
export function workOf(frame: QuestionFrame, isValidated: boolean): number {
  switch (frame.kind) {
    case "find":
      return QUESTION_WORK + frame.queries.length;
    case "alias_want":
      return QUESTION_WORK + (isValidated ? frame.addresses.length : 0);
    case "list": {
      const pages = Math.min(frame.pagesMax, LISTING_PAGES_PER_LIST_MAX);
      return QUESTION_WORK + (isValidated ? pages * LISTING_PAGE_WORK : 0);
    }
    case "layer_want": {
      const pages = Math.min(frame.pageCount, LAYER_PAGES_PER_WANT_MAX);
      return QUESTION_WORK + (isValidated ? pages * LAYER_PAGE_WORK : 0);
    }
    case "have_want":
      return QUESTION_WORK + (isValidated ? HAVE_WORK : 0);
    case "pack_want": {
      const ranges = isValidated ? frame.ranges.length : 0;
      return QUESTION_WORK + ranges * PACK_RANGE_WORK;
    }
  }
}
