import { assert, assertEquals, assertThrows } from "@std/assert";
import type { ServeEvent } from "../../lib/app/events.ts";
import type { Offering } from "../../lib/app/offering.ts";
import { denoClock } from "../../lib/io/system/deno_clock.ts";
import type { Clock } from "../../lib/io/system/clock.ts";
import { EventStreams } from "../../lib/web/event_stream.ts";
import {
  LIVE_KEEPALIVE_MS,
  LIVE_UPDATE_MS,
  LIVE_VIEWERS_MAX,
  LIVE_VIEWERS_PER_ADDRESS_MAX,
} from "../../lib/web/limits.ts";

/** A server of which nothing is known but what happens, on a clock that is moved by hand. */
class Scene {
  nowMs = 1_000;
  revision = "a.1";
  /** When the one timer fires. */
  dueMs = Infinity;
  watchers = new Set<(event: ServeEvent) => void>();
  #wake: () => void = () => {};
  readonly streams: EventStreams;

  constructor() {
    const clock: Clock = {
      ...denoClock,
      nowMs: () => this.nowMs,
      timer: (wake) => {
        this.#wake = wake;
        return {
          set: (atMs) => void (this.dueMs = atMs),
          clear: () => void (this.dueMs = Infinity),
        };
      },
    };
    const { watchers } = this;
    const offering = {
      fileCount: () => 3,
      watch(onEvent: (event: ServeEvent) => void) {
        watchers.add(onEvent);
        return () => void watchers.delete(onEvent);
      },
    } as Partial<Offering> as Offering;
    Object.defineProperty(offering, "revision", { get: () => this.revision });
    this.streams = new EventStreams(offering, clock);
  }

  upload(name: string): void {
    const event = { event: "uploaded", name, client: "c", size: 1, sha256: "s", md5: "m" } as const;
    for (const each of this.watchers) each(event);
  }

  /** Lets time pass. */
  pass(ms: number): void {
    const endMs = this.nowMs + ms;
    while (this.dueMs <= endMs) {
      this.nowMs = this.dueMs;
      this.dueMs = Infinity;
      this.#wake();
    }
    this.nowMs = endMs;
  }
}

/** Lets streams do what they have to. */
function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve));
}

type Reader = ReadableStreamDefaultReader<Uint8Array>;

/** What kind of event comes next, and what it says. */
async function next(reader: Reader): Promise<[string, Record<string, unknown>]> {
  const { value, done } = await reader.read();
  if (done) return ["end", {}];
  const [, kind = "comment", data = "{}"] =
    /^event: (.*)\ndata: (.*)\n\n$/.exec(new TextDecoder().decode(value)) ?? [];
  return [kind, JSON.parse(data)];
}

const namesIn = (data: Record<string, unknown>) =>
  (data["uploaded"] as readonly { readonly name: string }[]).map(({ name }) => name);

Deno.test("at most four updates a second are told, of all that happens", async () => {
  const scene = new Scene();
  const reader = scene.streams.open("p").getReader();
  assertEquals((await next(reader))[0], "state");
  const told: [string, Record<string, unknown>][] = [];
  const reading = (async () => {
    for (let each = await next(reader); each[0] !== "end"; each = await next(reader)) {
      told.push(each);
    }
  })();
  for (let i = 0; i < 50; i++) {
    scene.upload(`${i}`);
    scene.pass(40);
    await turn();
  }
  scene.streams.close();
  await reading;
  const count = 2_000 / LIVE_UPDATE_MS;
  assert(told.length >= count && told.length <= count + 1, `${told.length} updates`);
  assert(told.every(([kind]) => kind === "update"));
  assertEquals(namesIn(told.at(-1)![1])[0], "49");
});

Deno.test("who takes them too slowly is told the whole again, and then what changes", async () => {
  const scene = new Scene();
  const reader = scene.streams.open("p").getReader();
  await turn();
  for (const name of ["a", "b", "c"]) {
    scene.upload(name);
    scene.pass(LIVE_UPDATE_MS);
  }
  assertEquals((await next(reader))[0], "state");
  const [kind, data] = await next(reader);
  assertEquals([kind, namesIn(data)], ["state", ["c", "b", "a"]]);
  scene.revision = "a.2";
  scene.pass(LIVE_UPDATE_MS);
  assertEquals(await next(reader), ["update", { revision: "a.2", files: 3 }]);
  scene.streams.close();
});

Deno.test("a connection on which nothing is told is kept", async () => {
  const scene = new Scene();
  const reader = scene.streams.open("p").getReader();
  await next(reader);
  scene.pass(LIVE_UPDATE_MS);
  await next(reader);
  scene.pass(LIVE_KEEPALIVE_MS);
  assertEquals((await next(reader))[0], "comment");
  scene.streams.close();
});

Deno.test("nothing is done while nobody looks on", async () => {
  const scene = new Scene();
  scene.upload("a");
  assertEquals(scene.dueMs, Infinity);
  const stream = scene.streams.open("p");
  assert(scene.dueMs < Infinity);
  await stream.cancel();
  scene.pass(10_000);
  assertEquals(scene.dueMs, Infinity);
  scene.streams.close();
  assertEquals(scene.watchers.size, 0);
});

Deno.test("so many look on at once, and of one address", () => {
  const scene = new Scene();
  for (let i = 0; i < LIVE_VIEWERS_PER_ADDRESS_MAX; i++) scene.streams.open("p");
  assertThrows(() => scene.streams.open("p"), Error, "too many look on");
  for (let i = LIVE_VIEWERS_PER_ADDRESS_MAX; i < LIVE_VIEWERS_MAX; i++) scene.streams.open(`${i}`);
  assertThrows(() => scene.streams.open("q"), Error, "too many look on");
  scene.streams.close();
});
