import { assertEquals, assertRejects } from "@std/assert";
import { fetchMeant } from "../../../lib/app/client/meant_folders.ts";
import type { FailedEvent, GetEvent } from "../../../lib/app/events.ts";
import type { GetResult } from "../../../lib/app/options.ts";
import { folderHint } from "../../../lib/protocol/download/download_texts.ts";
import { done } from "../../support/fake_cli.ts";

const missing = (name: string, hint = "Run `list`."): FailedEvent => ({
  ...{ event: "failed", name, code: "not_found", message: `no server has '${name}'`, hint },
});

/** What a get of these names leads to, where that is what there is; and what is told. */
async function got(
  names: readonly string[],
  there: Readonly<Record<string, GetResult>>,
  isTold: boolean,
) {
  const asked: (readonly string[])[] = [];
  const told: GetEvent[] = [];
  const results = await fetchMeant(names, {
    fetch: (names, onEvent) => {
      asked.push(names);
      const all = names.map((name) => there[name] ?? [missing(name)]);
      all.flat().forEach(onEvent);
      return Promise.resolve(all);
    },
    onEvent: (event) => told.push(event),
    isTold,
  });
  return { asked, told, results };
}

const PHOTOS = [done("photos/a.jpg"), done("photos/b.jpg")];

Deno.test("a name that servers say is a folder brings the folder, and nothing has failed", async () => {
  const there = {
    photos: [missing("photos", folderHint("photos"))],
    "photos/": PHOTOS,
    a: [done("a")],
  };
  const { asked, told, results } = await got(["a", "photos", "b"], there, true);
  assertEquals(asked, [["a", "photos", "b"], ["photos/"]]);
  assertEquals(results, [[done("a")], PHOTOS, [missing("b")]]);
  assertEquals(told.filter(({ event }) => event === "failed"), [missing("b")]);
});

Deno.test("where nobody says so, it is asked for as a folder, and is what it was if it is none", async () => {
  const found = await got(["photos"], { "photos/": PHOTOS }, false);
  assertEquals([found.results, found.told.length], [[PHOTOS], 2]);
  const none = await got(["photos"], {}, false);
  assertEquals(none.asked, [["photos"], ["photos/"]]);
  assertEquals([none.results, none.told], [[[missing("photos")]], [missing("photos")]]);
});

Deno.test("what failed of something else is not asked for again", async () => {
  const failure: FailedEvent = { ...missing("a"), code: "disk_full" };
  assertEquals((await got(["a"], { a: [failure] }, false)).asked.length, 1);
  assertEquals((await got(["photos/"], {}, false)).asked.length, 1);
  assertEquals((await got(["a"], {}, true)).asked.length, 1);
});

Deno.test("a folder comes as well where the name was typed with ./ before it", async () => {
  const found = await fetchMeant(["./photos"], {
    fetch: (names, onEvent) => {
      const all = names.map((name) => name === "photos/" ? PHOTOS : [missing("photos")]);
      all.flat().forEach(onEvent);
      return Promise.resolve(all);
    },
    onEvent: undefined,
    isTold: false,
  });
  assertEquals(found, [PHOTOS]);
});

Deno.test("what was not found is told where asking for the folder fails as a whole", async () => {
  const told: GetEvent[] = [];
  const failing = fetchMeant(["photos"], {
    fetch: (names, onEvent) => {
      if (names[0] === "photos/") return Promise.reject(new Error("stopped"));
      onEvent(missing("photos"));
      return Promise.resolve([[missing("photos")]]);
    },
    onEvent: (event) => told.push(event),
    isTold: false,
  });
  await assertRejects(() => failing, Error, "stopped");
  assertEquals(told, [missing("photos")]);
});
