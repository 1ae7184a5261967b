/** A sender and receivers on one virtual network, in which a test may lose, change and repeat what is said. */
import type { Endpoint } from "../../../lib/address.ts";
import type { Bytes } from "../../../lib/ids.ts";
import { serverId } from "../../../lib/ids.ts";
import { nodeAeadKey } from "../../../lib/io/seal/node_aead.ts";
import { newKeyPair } from "../../../lib/io/seal/x25519.ts";
import { Random } from "../../../lib/protocol/base/random.ts";
import { Tokens } from "../../../lib/protocol/base/tokens.ts";
import {
  CodeReceiver,
  type CodeReceiverAction,
} from "../../../lib/protocol/codes/code_receiver.ts";
import { CodeSender, type CodeSenderAction } from "../../../lib/protocol/codes/code_sender.ts";
import { isSealed } from "../../../lib/protocol/codes/code_session.ts";
import { type Code, codeFor } from "../../../lib/protocol/codes/code_words.ts";
import { framesIn } from "../../../lib/wire/packed_frames.ts";

export const CODE: Code = codeFor(7, [10, 20]);
export const OTHER_CODE: Code = codeFor(7, [10, 21]);
export const SERVING = { group: new Uint8Array(32).fill(9), dataPort: 10_531 } as const;
const WAIT_MS = 3_000;
const STEPS_MAX = 20_000;

export interface Passing {
  readonly from: Endpoint;
  readonly to: Endpoint;
  readonly bytes: Bytes;
}

const suite = { newKeyPair, newAeadKey: nodeAeadKey };

type Machine = CodeSender | CodeReceiver;
type News = Exclude<CodeSenderAction | CodeReceiverAction, { kind: "send" | "broadcast" }>;

interface Node {
  readonly at: Endpoint;
  readonly machine: Machine;
  readonly news: News[];
}

export class CodeNetwork {
  nowMs = 1_000;
  /** All that was said. */
  readonly wire: Passing[] = [];
  /** What becomes of a datagram: itself, others, or none. */
  fate: (passing: Passing) => readonly Passing[] = (passing) => [passing];
  readonly #nodes: Node[] = [];
  readonly #flying: { readonly atMs: number; readonly passing: Passing }[] = [];
  readonly random: Random;

  constructor(seed = 1) {
    this.random = new Random(seed);
  }

  bytes = (count: number): Bytes =>
    Uint8Array.from({ length: count }, () => this.random.below(256)) as Bytes;

  echo = (): bigint =>
    BigInt(this.random.below(2 ** 31)) << 20n | BigInt(this.random.below(2 ** 20));

  sender(address: string, code = CODE, id = "5e"): Node & { readonly machine: CodeSender } {
    const at = { address, port: 10_530 };
    const machine = new CodeSender({
      ...{ code, server: serverId(id.repeat(16)), suite, serving: SERVING },
      ...{ tokens: new Tokens(this.bytes(32)), port: at.port, random: this.bytes },
    });
    return this.#add({ at, machine, news: [] });
  }

  receiver(address: string, code = CODE): Node & { readonly machine: CodeReceiver } {
    const at = { address, port: 40_000 };
    const machine = new CodeReceiver({
      ...{ code, suite, random: this.bytes, echo: this.echo, waitMs: WAIT_MS },
    });
    const node = this.#add({ at, machine, news: [] });
    this.perform(node, machine.handle(this.nowMs, { kind: "wakeup" }));
    return node;
  }

  #add<N extends Node>(node: N): N {
    this.#nodes.push(node);
    return node;
  }

  /** The machine is heard of no more. */
  kill(node: Node): void {
    this.#nodes.splice(this.#nodes.indexOf(node), 1);
  }

  perform(node: Node, actions: readonly (CodeSenderAction | CodeReceiverAction)[]): void {
    for (const action of actions) {
      if (action.kind === "send") this.send(node.at, action.to, action.datagram);
      else if (action.kind === "broadcast") {
        for (const other of this.#nodes) {
          if (other.machine instanceof CodeSender) this.send(node.at, other.at, action.datagram);
        }
      } else node.news.push(action);
    }
  }

  /** What somebody says at `from`, who need not be one of the machines. */
  send(from: Endpoint, to: Endpoint, bytes: Bytes): void {
    const passing = { from, to, bytes };
    this.wire.push(passing);
    for (const each of this.fate(passing)) {
      this.#flying.push({ atMs: this.nowMs + 1 + this.random.below(3), passing: each });
    }
  }

  /** Until nothing happens any more, or `until` holds, or so much time has passed. */
  run(until: () => boolean = () => false, forMs = 60_000): void {
    const endMs = this.nowMs + forMs;
    for (let step = 0; step < STEPS_MAX && !until(); step++) {
      const arrivals = this.#flying.map(({ atMs }) => atMs);
      const wakeups = this.#nodes.map(({ machine }) => machine.nextWakeupMs());
      const nextMs = Math.min(...arrivals, ...wakeups);
      if (!(nextMs <= endMs)) return;
      this.nowMs = Math.max(this.nowMs, nextMs);
      for (const node of [...this.#nodes]) {
        if (node.machine.nextWakeupMs() <= this.nowMs) {
          this.perform(node, node.machine.handle(this.nowMs, { kind: "wakeup" }));
        }
      }
      this.#deliver();
    }
  }

  #deliver(): void {
    const due = this.#flying.filter(({ atMs }) => atMs <= this.nowMs);
    for (const each of due) this.#flying.splice(this.#flying.indexOf(each), 1);
    for (const { passing: { from, to, bytes } } of due) {
      const node = this.#nodes.find(({ at }) => at.address === to.address && at.port === to.port);
      if (node !== undefined) this.hand(node, from, bytes);
    }
  }

  hand(node: Node, from: Endpoint, bytes: Bytes): void {
    const handle = (event: Parameters<CodeSender["handle"]>[1]): void => {
      const { machine } = node;
      const actions = machine instanceof CodeSender
        ? machine.handle(this.nowMs, event)
        : machine.handle(this.nowMs, event as Parameters<CodeReceiver["handle"]>[1]);
      this.perform(node, actions);
    };
    if (isSealed(bytes)) return handle({ kind: "sealed", from, datagram: bytes });
    for (const frame of framesIn(bytes)) handle({ kind: "frame", from, frame, isShared: false });
  }
}
