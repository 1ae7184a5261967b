/** Who is heard to hold another content after one was chosen, and what that means in the end. */
import { type Content, sameContent } from "../../ids.ts";
import type { Choice } from "../discovery/content_choice.ts";
import type { Offer, PendingNotice } from "../discovery/finder.ts";
import { CONTENTS_LISTED_MAX } from "../base/limits.ts";
import * as texts from "./download_texts.ts";

type Notice = (level: "info" | "warning", message: string) => void;

export class LateDissent {
  readonly #name: string;
  readonly #notice: Notice;
  #count = 0;

  constructor(name: string, notice: Notice) {
    this.#name = name;
    this.#notice = notice;
  }

  /** Another content than the chosen one, which cannot be chosen any more. */
  onOffer(offer: Offer, chosen: Content): void {
    if (!sameContent(offer.content, chosen)) this.#note(texts.leftAside(offer));
  }

  /** A file that is not hashed yet, and another if it has another size. */
  onHashing(pending: PendingNotice, chosen: Content): void {
    if (pending.sizeBytes !== chosen.sizeBytes) this.#note(texts.hashesAnother(pending));
  }

  /** @param choice as it would be now */
  tell(choice: Choice, chosen: Content): void {
    if (this.#count === 0) return;
    const isSame = choice.kind === "chosen" && sameContent(choice.content, chosen);
    if (!isSame) {
      this.#notice("warning", texts.wouldChooseOtherwise(this.#name, chosen, choice));
    } else if (choice.dissent !== undefined) {
      this.#notice("warning", texts.lateDissent(this.#name, choice));
    }
  }

  #note(message: string): void {
    this.#count += 1;
    if (this.#count <= CONTENTS_LISTED_MAX) this.#notice("info", message);
  }
}
