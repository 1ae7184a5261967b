/**
 * Virtual servers and a virtual master: real registrations and real dialogues, on one virtual clock,
 * over connections that break, fall silent, and come back. The store is a model of it in memory.
 */
import type { HashHex, SafeFileName, ServerId } from "../../lib/ids.ts";
import { hashHex, serverId } from "../../lib/ids.ts";
import { REGISTRY_LEASE_MS } from "../../lib/protocol/master/limits.ts";
import { Catalogue } from "../../lib/protocol/serve/catalogue.ts";
import {
  type MasterDialogue,
  type MasterStep,
  serveMaster,
} from "../../lib/protocol/master/master_session.ts";
import { Random } from "../../lib/protocol/base/random.ts";
import {
  Registration,
  type RegistrationAction,
  type RegistrationEvent,
} from "../../lib/protocol/master/registration.ts";
import type {
  RegisteredServer,
  RegistryLease,
  RegistryUpdate,
} from "../../lib/protocol/master/registry_store.ts";
import type { JsonObject } from "../../lib/wire/session_json.ts";

const SELF = "10.9.9.9";
const DELAY_MS = { min: 1, max: 30 } as const;

/** What happens when, in the order of times and then of scheduling. */
export class Agenda {
  nowMs = 0;
  #entries: { readonly atMs: number; readonly run: () => void }[] = [];
  #from = 0;

  at(atMs: number, run: () => void): void {
    let low = this.#from;
    let high = this.#entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#entries[middle]!.atMs <= atMs) low = middle + 1;
      else high = middle;
    }
    this.#entries.splice(low, 0, { atMs, run });
  }

  runUntil(endMs: number): void {
    for (;;) {
      const next = this.#entries[this.#from];
      if (next === undefined || next.atMs > endMs) break;
      this.#from += 1;
      if (this.#from > 10_000) {
        this.#entries = this.#entries.slice(this.#from);
        this.#from = 0;
      }
      this.nowMs = Math.max(this.nowMs, next.atMs);
      next.run();
    }
    this.nowMs = endMs;
  }
}

interface Held {
  readonly provider: RegisteredServer;
  expiresMs: number;
  revision: number;
  readonly files: Map<SafeFileName, HashHex>;
}

/** One connection: messages arrive in order after a delay, unless it is cut or silent. */
class Link {
  isCut = false;
  /** Whether what is sent is lost without anybody being told, as when a cable is pulled. */
  isSilent = false;
  #lastMs = 0;
  readonly #agenda: Agenda;
  readonly #random: Random;

  constructor(agenda: Agenda, random: Random) {
    this.#agenda = agenda;
    this.#random = random;
  }

  carry(deliver: () => void): void {
    const arrivalMs = this.#agenda.nowMs + this.#random.between(DELAY_MS.min, DELAY_MS.max);
    this.#lastMs = Math.max(this.#lastMs, arrivalMs);
    this.#agenda.at(this.#lastMs, () => {
      if (!this.isCut && !this.isSilent) deliver();
    });
  }
}

export class VirtualMaster {
  readonly leases = new Map<RegistryLease, Held>();
  isUp = true;
  /** Requests of servers that were answered with an error. */
  errors = 0;
  readonly #agenda: Agenda;
  readonly #talks = new Set<Talk>();
  #nextLease = 1;

  constructor(agenda: Agenda) {
    this.#agenda = agenda;
  }

  /** A peer connects; returns its end, or nothing while the master is down. */
  accept(link: Link, peer: string, say: (message: JsonObject) => void): Talk | undefined {
    if (!this.isUp) return undefined;
    const talk = new Talk(this.#agenda, this, link, peer, say);
    this.#talks.add(talk);
    talk.begin();
    return talk;
  }

  /** Dies at once: nobody is told anything, and every connection breaks. */
  crash(keepsStore: boolean): void {
    this.isUp = false;
    for (const talk of this.#talks) talk.abandon();
    this.#talks.clear();
    if (!keepsStore) this.leases.clear();
  }

  forget(talk: Talk): void {
    this.#talks.delete(talk);
  }

  /** What clients would be told of, server by server. */
  listing(): Map<ServerId, Map<SafeFileName, HashHex>> {
    const listing = new Map<ServerId, Map<SafeFileName, HashHex>>();
    for (const { provider, expiresMs, files } of this.leases.values()) {
      if (expiresMs > this.#agenda.nowMs && files.size > 0) listing.set(provider.server, files);
    }
    return listing;
  }

  perform(step: MasterStep): unknown {
    const expiresMs = this.#agenda.nowMs + REGISTRY_LEASE_MS;
    switch (step.kind) {
      case "open": {
        const lease = this.#newLease();
        this.leases.set(lease, {
          provider: step.provider,
          expiresMs,
          revision: 0,
          files: new Map(),
        });
        return lease;
      }
      case "resume": {
        const held = this.leases.get(step.lease);
        if (held?.provider.server !== step.provider.server) return undefined;
        held.expiresMs = expiresMs;
        const lease = this.#newLease();
        this.leases.delete(step.lease);
        this.leases.set(lease, held);
        return { lease, revision: held.revision };
      }
      case "renew": {
        const held = this.leases.get(step.lease);
        if (held !== undefined) held.expiresMs = expiresMs;
        return held !== undefined;
      }
      case "update":
        return this.#update(step.lease, step.update);
      case "close":
        return void this.leases.delete(step.lease);
      case "send":
        if (step.message["status"] === "error") this.errors += 1;
        return undefined;
      default:
        throw new Error(`no server asks for ${step.kind}`);
    }
  }

  #newLease(): RegistryLease {
    return (this.#nextLease++).toString(16).padStart(32, "0") as RegistryLease;
  }

  #update(
    lease: RegistryLease,
    { revision, isReset, put, remove }: RegistryUpdate,
  ): number | undefined {
    const held = this.leases.get(lease);
    if (held === undefined) return undefined;
    if (isReset) held.files.clear();
    for (const { name, sha256 } of put) held.files.set(name, sha256);
    for (const name of remove) held.files.delete(name);
    held.revision = revision;
    return held.files.size;
  }
}

/** The master's end of one connection. */
class Talk {
  readonly #agenda: Agenda;
  readonly #master: VirtualMaster;
  readonly #link: Link;
  readonly #send: (message: JsonObject) => void;
  readonly #dialogue: MasterDialogue;
  /** Requests that came while none was read. */
  readonly #inbox: JsonObject[] = [];
  #waitsSinceMs: number | undefined;
  #isOver = false;

  constructor(
    agenda: Agenda,
    master: VirtualMaster,
    link: Link,
    peer: string,
    say: (message: JsonObject) => void,
  ) {
    this.#agenda = agenda;
    this.#master = master;
    this.#link = link;
    this.#send = say;
    this.#dialogue = serveMaster(peer, SELF);
  }

  begin(): void {
    this.#drive(this.#dialogue.next());
  }

  hear(request: JsonObject): void {
    if (this.#isOver) return;
    this.#inbox.push(request);
    if (this.#waitsSinceMs !== undefined) this.#resume();
  }

  /** The peer has closed the connection. */
  hangUp(): void {
    if (this.#isOver) return;
    this.#drive(this.#dialogue.next({ kind: "ended" }));
  }

  abandon(): void {
    this.#isOver = true;
    this.#link.isCut = true;
  }

  #resume(): void {
    const request = this.#inbox.shift();
    if (request === undefined) return;
    this.#waitsSinceMs = undefined;
    this.#drive(this.#dialogue.next({ kind: "request", request }));
  }

  #drive(first: IteratorResult<MasterStep, void>): void {
    let next = first;
    while (!next.done) {
      const step = next.value;
      if (step.kind === "request") return this.#wait(step.idleMs);
      if (step.kind === "send") this.#send(step.message);
      next = this.#dialogue.next(this.#master.perform(step));
    }
    this.#isOver = true;
    this.#link.isCut = true;
    this.#master.forget(this);
  }

  #wait(idleMs: number): void {
    const sinceMs = this.#agenda.nowMs;
    this.#waitsSinceMs = sinceMs;
    if (this.#inbox.length > 0) return this.#resume();
    this.#agenda.at(sinceMs + idleMs, () => {
      if (!this.#isOver && this.#waitsSinceMs === sinceMs) this.hangUp();
    });
  }
}

export class VirtualServer {
  readonly id: ServerId;
  readonly catalogue = new Catalogue();
  /** Times at which it was told that everything is known. */
  readonly registeredMs: number[] = [];
  readonly #agenda: Agenda;
  readonly #random: Random;
  readonly #master: VirtualMaster;
  readonly #address: string;
  readonly #registration: Registration;
  #link: Link | undefined;
  #talk: Talk | undefined;
  #wakeMs = Infinity;
  #isDead = false;
  #isUnplugged = false;

  constructor(agenda: Agenda, master: VirtualMaster, number: number, fileCount: number) {
    this.#agenda = agenda;
    this.#master = master;
    this.#random = new Random(number + 1);
    this.#address = `10.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    this.id = serverId(number.toString(16).padStart(32, "0"));
    for (let i = 0; i < fileCount; i++) this.#ready(`file-${i}` as SafeFileName, 0);
    this.#registration = new Registration({
      master: "master",
      server: this.id,
      port: 10_530,
      catalogue: this.catalogue,
      seed: number,
    });
    agenda.at(agenda.nowMs, () => this.#handle({ kind: "wakeup" }));
  }

  /** What clients should be told of it. */
  expected(): Map<SafeFileName, HashHex> {
    const files = new Map<SafeFileName, HashHex>();
    for (const { name, content } of this.catalogue.entries()) {
      if (content !== undefined) files.set(name, content.sha256);
    }
    return files;
  }

  change(name: SafeFileName, version: number): void {
    this.#ready(name, version);
    this.#handle({ kind: "changed", name });
  }

  remove(name: SafeFileName): void {
    this.catalogue.remove(name);
    this.#handle({ kind: "changed", name });
  }

  /** The kernel closes its connections; it never says anything again. */
  kill(): void {
    this.#isDead = true;
    const [link, talk] = [this.#link, this.#talk];
    link?.carry(() => talk?.hangUp());
  }

  /** Nothing passes until it is plugged in again, and nobody is told. */
  unplug(): void {
    this.#isUnplugged = true;
    if (this.#link !== undefined) this.#link.isSilent = true;
  }

  plug(): void {
    this.#isUnplugged = false;
  }

  #ready(name: SafeFileName, version: number): void {
    const letters = [...name].map((letter) => letter.charCodeAt(0).toString(16)).join("");
    const text = `${this.id}${version.toString(16)}f${letters}`;
    const sha256 = hashHex(text.slice(-64).padStart(64, "0"));
    this.catalogue.put(name, { sizeBytes: 7, mtimeMs: version, ctimeMs: 1, inode: 1 }, "pending");
    this.catalogue.ready(name, { sha256, root: sha256 });
  }

  #handle(event: RegistrationEvent): void {
    if (this.#isDead) return;
    for (const action of this.#registration.handle(this.#agenda.nowMs, event)) {
      this.#perform(action);
    }
    const wakeMs = Math.max(this.#agenda.nowMs, this.#registration.nextWakeupMs());
    if (wakeMs === this.#wakeMs || wakeMs === Infinity) return;
    this.#wakeMs = wakeMs;
    this.#agenda.at(wakeMs, () => {
      if (this.#wakeMs !== wakeMs) return;
      this.#wakeMs = Infinity;
      this.#handle({ kind: "wakeup" });
    });
  }

  #perform(action: RegistrationAction): void {
    switch (action.kind) {
      case "connect":
        return this.#connect();
      case "send": {
        const [link, talk] = [this.#link, this.#talk];
        return link?.carry(() => talk?.hear(action.message));
      }
      case "hangUp": {
        const [link, talk] = [this.#link, this.#talk];
        this.#link = undefined;
        return link?.carry(() => talk?.hangUp());
      }
      case "state":
        if (action.isRegistered) this.registeredMs.push(this.#agenda.nowMs);
        return;
      default:
        action satisfies never;
    }
  }

  #connect(): void {
    const link = new Link(this.#agenda, this.#random);
    this.#agenda.at(this.#agenda.nowMs + this.#random.between(1, 30), () => {
      if (this.#isDead) return;
      const hear = (message: JsonObject): void =>
        link.carry(() => {
          if (this.#link === link) this.#handle({ kind: "message", message });
        });
      const talk = this.#isUnplugged ? undefined : this.#master.accept(link, this.#address, hear);
      if (talk === undefined) return this.#handle({ kind: "lost", message: "refused" });
      this.#link = link;
      this.#talk = talk;
      this.#handle({ kind: "connected" });
      this.#watch(link);
    });
  }

  /** Notices that the connection is gone, as a read that fails would. */
  #watch(link: Link): void {
    this.#agenda.at(this.#agenda.nowMs + 100, () => {
      if (this.#link !== link || this.#isDead) return;
      if (!link.isCut || link.isSilent) return this.#watch(link);
      this.#link = undefined;
      this.#handle({ kind: "lost", message: "cut" });
    });
  }
}
