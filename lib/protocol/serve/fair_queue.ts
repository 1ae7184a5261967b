/**
 * What waits for a server, divided by party: the party that was given least since it began to wait goes
 * first (start-time fair queueing), and flows take turns within their party. A party is known by what it
 * has proved, a flow by what it says of itself.
 */

interface FairQueueBounds {
  /** Items of all parties, of one party, of one flow. */
  readonly itemsMax: number;
  readonly partyItemsMax: number;
  readonly flowItemsMax: number;
  /** What a flow that its party has not lately had costs more than its first item; the first flow is free. */
  readonly flowStartCost: number;
  /** Parties that are remembered, waiting or not, and flows of each. */
  readonly partiesMax: number;
  readonly partyFlowsMax: number;
}

interface Entry<Item> {
  readonly item: Item;
  readonly cost: number;
}

interface Party<Item> {
  /** What it will have been given when its next item comes, on the clock of what all are given. */
  startsAt: number;
  count: number;
  /** Those with items waiting, in the order of their turns. */
  readonly flows: Map<string, Entry<Item>[]>;
  /** Flows that it had lately, the one that came first first. */
  readonly known: Set<string>;
}

export class FairQueue<Item> {
  readonly #bounds: FairQueueBounds;
  /** In the order in which they came. */
  readonly #parties = new Map<string, Party<Item>>();
  readonly #waiting = new Set<Party<Item>>();
  #now = 0;
  #count = 0;
  #flowCount = 0;

  constructor(bounds: FairQueueBounds) {
    this.#bounds = bounds;
  }

  /** Items that wait. */
  get count(): number {
    return this.#count;
  }

  /** Flows with items waiting. */
  get flowCount(): number {
    return this.#flowCount;
  }

  /** Whether an item of this flow waits for which `isIt` holds. */
  has(partyKey: string, flowKey: string, isIt: (item: Item) => boolean): boolean {
    const flow = this.#parties.get(partyKey)?.flows.get(flowKey);
    return flow !== undefined && flow.some(({ item }) => isIt(item));
  }

  /** Says `false` when there is no room that is not somebody else's fair share. */
  add(partyKey: string, flowKey: string, item: Item, cost: number): boolean {
    const party = this.#party(partyKey);
    const flow = party.flows.get(flowKey);
    const { itemsMax, partyItemsMax, flowItemsMax } = this.#bounds;
    if (party.count >= partyItemsMax || (flow?.length ?? 0) >= flowItemsMax) return false;
    if (this.#count >= itemsMax && !this.#makeRoom(party)) return false;
    const entry = { item, cost: cost + this.#startCost(party, flowKey) };
    if (flow === undefined) {
      party.flows.set(flowKey, [entry]);
      this.#flowCount += 1;
    } else flow.push(entry);
    if (party.count === 0) {
      party.startsAt = Math.max(party.startsAt, this.#now);
      this.#waiting.add(party);
    }
    party.count += 1;
    this.#count += 1;
    return true;
  }

  /** What {@linkcode FairQueue.take} takes. */
  peek(): Item | undefined {
    const [flow] = this.#next()?.flows.values() ?? [];
    return flow?.[0]?.item;
  }

  /** The next item, which waits no more. */
  take(): Item | undefined {
    const party = this.#next();
    const [turn] = party?.flows ?? [];
    if (party === undefined || turn === undefined) return undefined;
    const [flowKey, flow] = turn;
    const { item, cost } = flow.shift()!;
    party.flows.delete(flowKey);
    if (flow.length > 0) party.flows.set(flowKey, flow);
    else this.#flowCount -= 1;
    this.#now = party.startsAt;
    party.startsAt += cost;
    this.#uncount(party);
    return item;
  }

  #next(): Party<Item> | undefined {
    let next: Party<Item> | undefined;
    for (const party of this.#waiting) {
      if (next === undefined || party.startsAt < next.startsAt) next = party;
    }
    return next;
  }

  #party(key: string): Party<Item> {
    const known = this.#parties.get(key);
    if (known !== undefined) return known;
    if (this.#parties.size >= this.#bounds.partiesMax) this.#forgetIdle();
    const party = { startsAt: 0, count: 0, flows: new Map(), known: new Set<string>() };
    this.#parties.set(key, party);
    return party;
  }

  /** The first that nothing waits of. There is one: fewer items than parties may wait. */
  #forgetIdle(): void {
    for (const [key, party] of this.#parties) {
      if (party.count > 0) continue;
      this.#parties.delete(key);
      return;
    }
  }

  #startCost({ known }: Party<Item>, flowKey: string): number {
    if (known.has(flowKey)) return 0;
    const cost = known.size === 0 ? 0 : this.#bounds.flowStartCost;
    if (known.size >= this.#bounds.partyFlowsMax) {
      for (const first of known) {
        known.delete(first);
        break;
      }
    }
    known.add(flowKey);
    return cost;
  }

  /** Drops the newest item of the party that has most, unless that is the one that has come. */
  #makeRoom(newcomer: Party<Item>): boolean {
    let most = newcomer;
    for (const party of this.#waiting) if (party.count > most.count) most = party;
    if (most === newcomer) return false;
    const [flowKey, flow] = [...most.flows].at(-1)!;
    flow.pop();
    if (flow.length === 0) {
      most.flows.delete(flowKey);
      this.#flowCount -= 1;
    }
    this.#uncount(most);
    return true;
  }

  #uncount(party: Party<Item>): void {
    party.count -= 1;
    this.#count -= 1;
    if (party.count === 0) this.#waiting.delete(party);
  }
}
