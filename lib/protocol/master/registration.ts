/**
 * A server's side of its registration with one master (docs/PROTOCOL.md, "Master"): connect, resume
 * the lease, send the catalogue page by page and then its changes, renew, and start over whenever
 * the connection or the lease is lost. Pure; one request is in flight at a time.
 */
import type { SafeFileName, ServerId } from "../../ids.ts";
import {
  REGISTRY_ANSWER_MS,
  REGISTRY_PAGE_FILES,
  REGISTRY_RENEW_MS,
  REGISTRY_RENEW_MS_MIN,
  REGISTRY_RETRY_MS,
  REGISTRY_RETRY_MS_MAX,
  REGISTRY_WAIT_MS_MAX,
} from "./limits.ts";
import { wireCodeIn } from "../../wire/session_codes.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import type { Catalogue, CatalogueEntry } from "../serve/catalogue.ts";
import { fileJson, leaseIn } from "./master_messages.ts";
import { Random } from "../base/random.ts";
import type { RegistryLease } from "./registry_store.ts";

export interface RegistrationOptions {
  /** What people call it. */
  readonly master: string;
  readonly server: ServerId;
  /** UDP port that answers questions. */
  readonly port: number;
  readonly catalogue: Pick<Catalogue, "find" | "page">;
  readonly seed: number;
}

export type RegistrationEvent =
  | { readonly kind: "connected" }
  /** The connection is gone, or never came to be. */
  | { readonly kind: "lost"; readonly message: string }
  | { readonly kind: "message"; readonly message: JsonObject }
  /** A file came, went or became another. */
  | { readonly kind: "changed"; readonly name: SafeFileName }
  | { readonly kind: "wakeup" };

export type RegistrationAction =
  | { readonly kind: "connect" }
  | { readonly kind: "send"; readonly message: JsonObject }
  /** `lost` need not be told of it. */
  | { readonly kind: "hangUp" }
  /** For people: everything is told, or the master is away. Only when that changes. */
  | { readonly kind: "state"; readonly isRegistered: boolean; readonly message: string };

interface Page {
  readonly isReset: boolean;
  readonly put: CatalogueEntry[];
  readonly remove: SafeFileName[];
  /** What it tells of. */
  readonly names: SafeFileName[];
  /** Where a whole catalogue continues; `undefined` when this is its end. */
  readonly after: SafeFileName | undefined;
}

export class Registration {
  readonly #options: RegistrationOptions;
  readonly #random: Random;
  #link: "down" | "connecting" | "up" = "down";
  #connectMs = 0;
  #failures = 0;
  #lease: RegistryLease | undefined;
  #revision = 0;
  /** The request under way is answered until then … */
  #answerMs = Infinity;
  /** … or, as long as the master asks for patience, until then. */
  #patienceEndMs = Infinity;
  #renewMs = Infinity;
  #asked: "register" | "renew" | Page | undefined;
  /** Whether a whole catalogue is being told, and after which name it continues. */
  #isTellingAll = true;
  #after: SafeFileName | undefined;
  /** What changed and was not told since. */
  readonly #changed = new Set<SafeFileName>();
  #isRegistered: boolean | undefined;
  #actions: RegistrationAction[] = [];

  constructor(options: RegistrationOptions) {
    this.#options = options;
    this.#random = new Random(options.seed);
  }

  /** The first call starts it. */
  handle(nowMs: number, event: RegistrationEvent): readonly RegistrationAction[] {
    this.#actions = [];
    switch (event.kind) {
      case "connected":
        this.#link = "up";
        this.#register(nowMs);
        break;
      case "lost":
        if (this.#link !== "down") this.#fail(nowMs, event.message);
        break;
      case "message":
        this.#onMessage(nowMs, event.message);
        break;
      case "changed":
        this.#changed.add(event.name);
        break;
      case "wakeup":
        break;
      default:
        event satisfies never;
    }
    if (this.#link === "down" && nowMs >= this.#connectMs) {
      this.#link = "connecting";
      this.#actions.push({ kind: "connect" });
    }
    if (nowMs >= this.#answerMs) this.#hangUp(nowMs, "does not answer");
    if (this.#link === "up" && this.#asked === undefined) this.#goOn(nowMs);
    return this.#actions;
  }

  nextWakeupMs(): number {
    if (this.#link === "down") return this.#connectMs;
    return Math.min(this.#answerMs, this.#asked === undefined ? this.#renewMs : Infinity);
  }

  // — Requests ——————————————————————————————————————————————————————————————————————————————————

  #register(nowMs: number): void {
    const { server, port } = this.#options;
    const lease = this.#lease === undefined ? {} : { lease: this.#lease };
    this.#ask(nowMs, "register", { command: "register", server, port, ...lease });
  }

  #goOn(nowMs: number): void {
    if (nowMs >= this.#renewMs) return this.#ask(nowMs, "renew", { command: "renew" });
    const page = this.#isTellingAll ? this.#nextOfAll() : this.#nextOfChanged();
    if (page === undefined) {
      return this.#tellState(true, this.#options.master);
    }
    this.#ask(nowMs, page, {
      command: "update",
      revision: this.#revision + 1,
      ...(page.isReset && { reset: true }),
      put: page.put.map(({ name, signature: { mtimeMs }, content }) =>
        fileJson({ name, mtimeMs, ...content! })
      ),
      ...(page.remove.length > 0 && { remove: page.remove }),
    });
  }

  #nextOfAll(): Page {
    const entries = this.#options.catalogue.page(this.#after, REGISTRY_PAGE_FILES);
    const put = entries.filter(({ content }) => content !== undefined);
    const isReset = this.#after === undefined;
    const after = entries.length < REGISTRY_PAGE_FILES ? undefined : entries.at(-1)!.name;
    return { isReset, put, remove: [], names: [], after };
  }

  #nextOfChanged(): Page | undefined {
    if (this.#changed.size === 0) return undefined;
    const names = [...this.#changed].slice(0, REGISTRY_PAGE_FILES);
    const put: CatalogueEntry[] = [];
    const remove: SafeFileName[] = [];
    for (const name of names) {
      const entry = this.#options.catalogue.find(name);
      if (entry?.content === undefined) remove.push(name);
      else put.push(entry);
      this.#changed.delete(name);
    }
    return { isReset: false, put, remove, names, after: undefined };
  }

  #ask(nowMs: number, asked: "register" | "renew" | Page, message: JsonObject): void {
    this.#asked = asked;
    this.#answerMs = nowMs + REGISTRY_ANSWER_MS;
    this.#patienceEndMs = nowMs + REGISTRY_WAIT_MS_MAX;
    this.#actions.push({ kind: "send", message });
  }

  // — Answers ———————————————————————————————————————————————————————————————————————————————————

  #onMessage(nowMs: number, message: JsonObject): void {
    const asked = this.#asked;
    if (asked === undefined) return this.#hangUp(nowMs, "speaks unasked");
    if (message["status"] === "wait") {
      this.#answerMs = Math.min(this.#patienceEndMs, nowMs + REGISTRY_ANSWER_MS);
      return;
    }
    this.#asked = undefined;
    this.#answerMs = Infinity;
    // Servers that were told something at the same moment do not renew at the same moment.
    this.#renewMs = nowMs + this.#random.between(REGISTRY_RENEW_MS_MIN, REGISTRY_RENEW_MS);
    if (asked === "register") return this.#onRegistered(nowMs, message);
    if (message["status"] !== "ok") {
      this.#takeBack(asked);
      const code = wireCodeIn(message["code"]);
      if (code === "no_lease" || code === "revision") {
        this.#lease = undefined;
        return this.#register(nowMs);
      }
      return this.#hangUp(nowMs, reasonIn(message));
    }
    if (asked === "renew") return;
    this.#revision += 1;
    if (!this.#isTellingAll) return;
    this.#after = asked.after;
    this.#isTellingAll = asked.after !== undefined;
  }

  #onRegistered(nowMs: number, message: JsonObject): void {
    const lease = leaseIn(message["lease"]);
    if (message["status"] !== "lease" || lease === undefined) {
      return this.#hangUp(nowMs, reasonIn(message));
    }
    const isKnown = this.#revision > 0 && message["revision"] === this.#revision;
    this.#failures = 0;
    this.#lease = lease;
    if (isKnown) return;
    this.#revision = 0;
    this.#isTellingAll = true;
    this.#after = undefined;
    this.#changed.clear();
  }

  /** What was told may not have been heard. */
  #takeBack(asked: "renew" | Page): void {
    if (asked !== "renew") { for (const name of asked.names) this.#changed.add(name); }
  }

  // — Failures ——————————————————————————————————————————————————————————————————————————————————

  #hangUp(nowMs: number, why: string): void {
    this.#actions.push({ kind: "hangUp" });
    this.#fail(nowMs, `${this.#options.master} ${why}`);
  }

  #fail(nowMs: number, message: string): void {
    if (this.#asked !== undefined && this.#asked !== "register") this.#takeBack(this.#asked);
    this.#asked = undefined;
    this.#answerMs = Infinity;
    this.#renewMs = Infinity;
    this.#link = "down";
    this.#failures += 1;
    // Servers that lost the same master do not come back at the same moment.
    const pauseMs = Math.min(REGISTRY_RETRY_MS_MAX, REGISTRY_RETRY_MS * 2 ** (this.#failures - 1));
    this.#connectMs = nowMs + this.#random.between(pauseMs / 2, pauseMs);
    this.#tellState(false, message);
  }

  #tellState(isRegistered: boolean, message: string): void {
    if (this.#isRegistered === isRegistered) return;
    this.#isRegistered = isRegistered;
    this.#actions.push({ kind: "state", isRegistered, message });
  }
}

function reasonIn({ message }: JsonObject): string {
  return typeof message === "string" ? `refuses: ${message}` : "does not answer like a master";
}
