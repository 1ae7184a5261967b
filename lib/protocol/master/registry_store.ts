/**
 * A master's registry: which servers have a lease, and what they offer (docs/PROTOCOL.md,
 * "Master"). Where it is kept, and whether several masters share it, is up to the store; all
 * stores behave alike.
 */
import type { Endpoint } from "../../address.ts";
import type { HashHex, SafeFileName, ServerId } from "../../ids.ts";

/** 32 hex digits that only the master and the server with the lease know. */
export type RegistryLease = string & { readonly brand: "RegistryLease" };

export interface RegisteredServer {
  readonly server: ServerId;
  /** Where its data socket answers questions. */
  readonly endpoint: Endpoint;
}

/** A file as a server registers it. */
export interface RegisteredFile {
  readonly name: SafeFileName;
  readonly sizeBytes: number;
  readonly sha256: HashHex;
  readonly root: HashHex;
  readonly mtimeMs: number;
}

/** One content under one name, and who has it. */
export interface LocatedFile extends RegisteredFile {
  /** Each endpoint once, at most `LOCATED_SERVERS_MAX` of them, begun with at any when there are more. */
  readonly servers: readonly RegisteredServer[];
}

export type LocateQuery =
  | { readonly by: "name"; readonly name: SafeFileName }
  | { readonly by: "sha256"; readonly sha256: HashHex };

/** What a server has and had, since it last told. */
export interface RegistryUpdate {
  /** Of the catalogue as it is afterwards; the one before it has the number before. */
  readonly revision: number;
  /** Forget everything first: this is the first page of a whole catalogue. */
  readonly isReset: boolean;
  readonly put: readonly RegisteredFile[];
  readonly remove: readonly SafeFileName[];
}

export interface RegistryChanges {
  /** To be said next time; grows with every change. */
  readonly cursor: number;
  /** So much has changed since, or so long ago was it, that only a whole listing will do. */
  readonly isStale: boolean;
  /** What was put or removed since, each name once, in no particular order. */
  readonly names: readonly SafeFileName[];
  /** Whether more has changed than was asked for: ask again with the cursor. */
  readonly hasMore: boolean;
}

export interface RegistryStats {
  /** With a lease that holds. */
  readonly servers: number;
  /** Files of all servers, those of equal content each counted. */
  readonly files: number;
}

/**
 * Times are wall-clock milliseconds, because they outlive the process. A lease that has run out counts
 * for nothing from that moment, whether it was swept up or not. Every method rejects with a ShoalError
 * when the store cannot be reached.
 */
export interface RegistryStore {
  /**
   * Begins a lease without files; `false` if `LEASES_PER_PARTY_MAX` others of this address hold.
   */
  open(
    lease: RegistryLease,
    provider: RegisteredServer,
    expiresMs: number,
    nowMs: number,
  ): Promise<boolean>;
  /**
   * Takes up a lease that has not been swept up, at this endpoint and under the number `next` from now
   * on: its previous owner cannot end it any more. Returns the revision that is known; `undefined`
   * if there is no such lease, or another server's, or no room for it at this address. One that has run out counts
   * again from then on.
   */
  resume(
    lease: RegistryLease,
    next: RegistryLease,
    provider: RegisteredServer,
    expiresMs: number,
    nowMs: number,
  ): Promise<number | undefined>;
  /** `false` if there is no such lease any more; one that has run out counts again from then on. */
  renew(lease: RegistryLease, expiresMs: number): Promise<boolean>;
  /**
   * First what is put, then what is removed; all or nothing. Renews the lease, too. Returns how many
   * files it has then; `undefined` if there is no such lease any more, and `full` if its address would have more than
   * `FILES_PER_PARTY_MAX`: then nothing changes.
   */
  update(
    lease: RegistryLease,
    update: RegistryUpdate,
    expiresMs: number,
  ): Promise<number | "full" | undefined>;
  /** Forgets the lease and its files; fine if there is none. */
  close(lease: RegistryLease): Promise<void>;
  /**
   * For each query what is there: contents that differ apart, in the order of their SHA-256. Of many, any, with a share for
   * each address (`shared_answer.ts`).
   *
   * @param except addresses that are not to be told of
   */
  locate(
    queries: readonly LocateQuery[],
    nowMs: number,
    except?: ReadonlySet<string>,
  ): Promise<readonly LocatedFile[][]>;
  /**
   * Up to `countMax` names that start with `prefix` and come after `after` (by UTF-16 code units), in
   * order, with the contents of each, shared as above. Fewer names than `countMax` mean that nothing follows.
   */
  page(
    prefix: string,
    after: SafeFileName | undefined,
    countMax: number,
    nowMs: number,
  ): Promise<readonly LocatedFile[]>;
  /** What has changed since a cursor; since nothing if it is `undefined`, to get a first one. */
  changes(since: number | undefined, countMax: number): Promise<RegistryChanges>;
  stats(nowMs: number): Promise<RegistryStats>;
  /** Forgets leases that had run out by then; returns how many. Any master may, at any time. */
  sweep(nowMs: number): Promise<number>;
  /** Lets go of the store; what it holds stays where it is kept. */
  end(): Promise<void>;
}
