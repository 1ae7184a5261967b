/**
 * A master's side of a session (docs/PROTOCOL.md, "Master"): servers register and stay as long as
 * their connection speaks, clients ask who has what. Pure, like the dialogues of `session.ts`: it yields
 * what it needs and is given the result.
 */
import type { SafeFileName } from "../../ids.ts";
import { CATALOGUE_ENTRIES_MAX } from "../../limits.ts";
import { SESSION_IDLE_MS } from "../session/limits.ts";
import {
  CHANGES_PER_ANSWER_MAX,
  FILES_PER_PARTY_MAX,
  LEASES_PER_PARTY_MAX,
  LIST_WORK_MAX,
  LOCATE_WORK,
  REGISTRY_LEASE_MS,
  REGISTRY_RENEW_MS,
} from "./limits.ts";
import { refusalOf, type WireCode } from "../../wire/session_codes.ts";
import type { JsonObject } from "../../wire/session_json.ts";
import {
  exceptIn,
  leaseIn,
  type ListQuery,
  listQueryIn,
  locatedJson,
  locateQueriesIn,
  providerIn,
  updateIn,
} from "./master_messages.ts";
import type {
  LocatedFile,
  LocateQuery,
  RegisteredServer,
  RegistryChanges,
  RegistryLease,
  RegistryStats,
  RegistryUpdate,
} from "./registry_store.ts";

export type RequestRead =
  | { readonly kind: "request"; readonly request: JsonObject }
  /** No JSON object, or one that is too large; the connection still makes sense. */
  | { readonly kind: "nonsense" }
  | { readonly kind: "ended" };

/** A step that waits until the peer's address may cause so much work. */
interface Weighed {
  readonly work: number;
}

/** What a dialogue may ask for, and what it is handed. */
interface Steps {
  /** The next request; `ended` also when none came within `idleMs`. */
  request: { readonly step: { readonly idleMs: number }; readonly result: RequestRead };
  send: { readonly step: { readonly message: JsonObject }; readonly result: void };
  /** Begins a lease of a new random number; `undefined` if there are enough of this address. */
  open: {
    readonly step: { readonly provider: RegisteredServer };
    readonly result: RegistryLease | undefined;
  };
  /** Takes up a lease, whose random number is another one from then on. */
  resume: {
    readonly step: { readonly lease: RegistryLease; readonly provider: RegisteredServer };
    readonly result: { readonly lease: RegistryLease; readonly revision: number } | undefined;
  };
  renew: { readonly step: { readonly lease: RegistryLease }; readonly result: boolean };
  update: {
    readonly step: { readonly lease: RegistryLease; readonly update: RegistryUpdate };
    readonly result: number | "full" | undefined;
  };
  close: { readonly step: { readonly lease: RegistryLease }; readonly result: void };
  locate: {
    readonly step: {
      readonly queries: readonly LocateQuery[];
      /** Addresses that are not to be told of. */
      readonly except: ReadonlySet<string>;
    } & Weighed;
    readonly result: readonly (readonly LocatedFile[])[];
  };
  page: {
    readonly step: {
      readonly prefix: string;
      readonly after: SafeFileName | undefined;
      readonly countMax: number;
    } & Weighed;
    readonly result: readonly LocatedFile[];
  };
  changes: {
    readonly step: { readonly since: number | undefined; readonly countMax: number } & Weighed;
    readonly result: RegistryChanges;
  };
  stats: { readonly step: object; readonly result: RegistryStats };
}

export type MasterStep = {
  [Kind in keyof Steps]: { readonly kind: Kind } & Steps[Kind]["step"];
}[keyof Steps];
export type MasterDialogue<Result = void> = Generator<MasterStep, Result, unknown>;

function* ask<Kind extends keyof Steps>(
  kind: Kind,
  step: Steps[Kind]["step"],
): MasterDialogue<Steps[Kind]["result"]> {
  return (yield { kind, ...step } as MasterStep) as Steps[Kind]["result"];
}

function* fail(code: WireCode, message: string): MasterDialogue {
  yield* ask("send", { message: refusalOf(code, message) });
}

/**
 * Answers requests until the peer has no more.
 *
 * @param peer its address: nobody registers files of another host
 * @param self our address, as the peer has reached it
 */
export function* serveMaster(peer: string, self: string): MasterDialogue {
  const registrar = new Registrar(peer);
  try {
    for (let isFirst = true; yield* answerNext(registrar, self, isFirst);) isFirst = false;
  } finally {
    // However the session ends: without the connection there is no lease.
    yield* registrar.close();
  }
}

/** Returns whether there may be more to answer. */
function* answerNext(
  registrar: Registrar,
  self: string,
  isFirst: boolean,
): MasterDialogue<boolean> {
  const idleMs = registrar.isHolding ? REGISTRY_LEASE_MS : SESSION_IDLE_MS;
  const read = yield* ask("request", { idleMs });
  if (read.kind === "ended") return false;
  if (read.kind === "nonsense") {
    yield* fail("bad_request", "that is not a JSON object, or a very large one");
    // Who begins so does not speak to a master.
    return !isFirst;
  }
  const { request } = read;
  switch (request["command"]) {
    case "register":
    case "update":
    case "renew":
    case "unregister":
      yield* registrar.answer(request);
      break;
    case "locate":
      yield* locate(request, self);
      break;
    case "list":
      yield* list(request, self);
      break;
    case "stats": {
      const { servers, files } = yield* ask("stats", {});
      yield* ask("send", { message: { status: "stats", servers, files } });
      break;
    }
    case "disconnect":
      return false;
    default:
      yield* fail("unknown_command", "Unknown command");
  }
  return true;
}

/** The part of a session in which a server tells what it has. */
class Registrar {
  readonly #peer: string;
  #lease: RegistryLease | undefined;
  /** Of the catalogue that was told so far. */
  #revision = 0;
  /** What the lease holds, as far as it was told of in this session. */
  #fileCount = 0;

  constructor(peer: string) {
    this.#peer = peer;
  }

  get isHolding(): boolean {
    return this.#lease !== undefined;
  }

  *close(): MasterDialogue {
    if (this.#lease !== undefined) yield* ask("close", { lease: this.#lease });
    this.#lease = undefined;
  }

  *answer(request: JsonObject): MasterDialogue {
    if (request["command"] === "register") return yield* this.#register(request);
    const lease = this.#lease;
    if (lease === undefined) return yield* fail("no_lease", "register first");
    switch (request["command"]) {
      case "update":
        return yield* this.#update(lease, request);
      case "renew":
        if (yield* ask("renew", { lease })) {
          return yield* ask("send", { message: { status: "ok" } });
        }
        return yield* this.#lost();
      default:
        yield* this.close();
        yield* ask("send", { message: { status: "ok" } });
    }
  }

  *#register(request: JsonObject): MasterDialogue {
    const address = request["address"] ?? this.#peer;
    const provider = providerIn(request, this.#peer);
    if (address !== this.#peer) {
      return yield* fail("foreign", `register from there itself: you are ${this.#peer}`);
    }
    if (provider === undefined) {
      return yield* fail("bad_request", "register needs the id of a server and a port");
    }
    const known = leaseIn(request["lease"]);
    const resumed = known && (yield* ask("resume", { lease: known, provider }));
    if (this.#lease !== known || resumed === undefined) yield* this.close();
    this.#lease = resumed?.lease ?? (yield* ask("open", { provider }));
    if (this.#lease === undefined) {
      const message =
        `an address may have ${LEASES_PER_PARTY_MAX} servers here, and ${this.#peer} has`;
      return yield* fail("too_many", message);
    }
    this.#revision = resumed?.revision ?? 0;
    const terms = { lease: this.#lease, leaseMs: REGISTRY_LEASE_MS, renewMs: REGISTRY_RENEW_MS };
    yield* ask("send", { message: { status: "lease", ...terms, revision: this.#revision } });
  }

  *#update(lease: RegistryLease, request: JsonObject): MasterDialogue {
    const update = updateIn(request);
    if (update === undefined) {
      return yield* fail(
        "bad_request",
        "update needs a revision, and files or names that are some",
      );
    }
    if (!update.isReset && update.revision !== this.#revision + 1) {
      return yield* fail("revision", `the revision here is ${this.#revision}`);
    }
    if (!update.isReset && update.put.length > 0 && this.#fileCount >= CATALOGUE_ENTRIES_MAX) {
      return yield* fail("too_many", `a server may have ${CATALOGUE_ENTRIES_MAX} files here`);
    }
    const fileCount = yield* ask("update", { lease, update });
    if (fileCount === undefined) return yield* this.#lost();
    if (fileCount === "full") {
      const message = `the servers of one address may have ${FILES_PER_PARTY_MAX} files here`;
      return yield* fail("too_many", message);
    }
    this.#fileCount = fileCount;
    this.#revision = update.revision;
    yield* ask("send", { message: { status: "ok" } });
  }

  *#lost(): MasterDialogue {
    this.#lease = undefined;
    yield* fail("no_lease", "the lease has ended");
  }
}

function* locate(request: JsonObject, self: string): MasterDialogue {
  const queries = locateQueriesIn(request);
  if (queries === undefined) {
    return yield* fail("bad_request", "locate needs a few names or sha256s");
  }
  const except = exceptIn(request, self);
  if (except === undefined) {
    return yield* fail("bad_request", "except is a few addresses");
  }
  const work = queries.length * LOCATE_WORK;
  const found = yield* ask("locate", { queries, except, work });
  yield* ask("send", {
    message: {
      status: "located",
      found: found.map((files) => files.map((file) => locatedJson(file, self))),
    },
  });
}

function* list(request: JsonObject, self: string): MasterDialogue {
  const query = listQueryIn(request);
  if (query === undefined) {
    return yield* fail("bad_request", "list has a field that makes no sense");
  }
  const { prefix, matches: isWanted, after, since, countMax, nameWork } = query;
  if (since !== undefined) return yield* listChanges(query, since, self);
  // To receive later changes, a client starts before the first page.
  const cursor = after === undefined
    ? {
      cursor: (yield* ask("changes", { since: undefined, countMax: 0, work: LOCATE_WORK })).cursor,
    }
    : {};
  const files = yield* ask("page", { prefix, after, countMax, work: countMax * nameWork });
  const names = new Set(files.map(({ name }) => name));
  const next = names.size < countMax ? {} : { next: files.at(-1)!.name };
  const wanted = files.filter(({ name }) => isWanted(name)).map((file) => locatedJson(file, self));
  yield* ask("send", { message: { status: "files", files: wanted, ...cursor, ...next } });
}

function* listChanges(
  { matches: isWanted, nameWork }: ListQuery,
  since: number,
  self: string,
): MasterDialogue {
  const countMax = Math.min(CHANGES_PER_ANSWER_MAX, Math.floor(LIST_WORK_MAX / nameWork));
  const changes = yield* ask("changes", { since, countMax, work: countMax * nameWork });
  const { cursor, isStale, hasMore } = changes;
  if (isStale) return yield* ask("send", { message: { status: "stale", cursor } });
  const names = changes.names.filter(isWanted);
  const queries = names.map((name) => ({ by: "name", name } as const));
  const work = queries.length * LOCATE_WORK;
  const found = yield* ask("locate", { queries, except: new Set<string>(), work });
  const removed = names.filter((_, i) => found[i]!.length === 0);
  const files = found.flatMap((each) => each.map((file) => locatedJson(file, self)));
  yield* ask("send", { message: { status: "changes", files, removed, cursor, more: hasMore } });
}
