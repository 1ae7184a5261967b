/** The options about secrets: what commands hand to the library, and what they say, which is never the secret. */
import "../support/libraries.ts";
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { FakeApp, run, SECRET } from "../support/fake_cli.ts";

/** Each command that uses the network, and the layers that the library was handed by it. */
const COMMANDS: Readonly<Record<string, (app: FakeApp) => readonly unknown[] | undefined>> = {
  "server .": (app) => app.served?.layers,
  "get a.txt": (app) => app.got?.layers,
  "list": (app) => app.listed?.layers,
  "put a.txt --server 10.0.0.1": (app) => app.putWith?.layers,
  "master": (app) => app.mastered?.layers,
  "get a.txt --tcp --server 10.0.0.1": (app) => app.gotOverTcp?.layers,
  "list --tcp --server 10.0.0.1": (app) => app.listedOverTcp?.layers,
};
const WORDS = SECRET.fingerprints[0]!;

function appWith(secret = SECRET): FakeApp {
  const app = new FakeApp();
  app.secret = secret;
  return app;
}

for (const [line, layers] of Object.entries(COMMANDS)) {
  Deno.test(`${line}: sealed by the secret that is there, and says so by its four words`, async () => {
    const { code, out, err, app } = await run(line.split(" "), { app: appWith() });
    assertEquals([code, layers(app)], [0, [SECRET.layer]], err);
    assertStringIncludes(out, `Sealed by the secret "${WORDS}"`);
    assertEquals(app.secretPlaces, [{}]);
  });

  Deno.test(`${line}: in clear where there is no secret, or for once`, async () => {
    const without = await run(line.split(" "));
    assertEquals([without.code, layers(without.app)], [0, undefined]);
    assert(!without.out.includes("Sealed"));
    const env = { SHOAL_SECRET_FILE: "/run/secret" };
    const once = await run([...line.split(" "), "--no-secret"], { app: appWith(), env });
    assertEquals([once.code, layers(once.app), once.app.secretPlaces], [0, undefined, []]);
  });

  Deno.test(`${line}: from the file, or the input, that is named`, async () => {
    const file = [...line.split(" "), "--secret-file", "mine"];
    const env = { SHOAL_SECRET_FILE: "/run/secret" };
    const named = await run(file, { app: appWith(), env });
    assertEquals([named.code, named.app.secretPlaces], [0, [{ file: "mine" }]]);
    const fromEnv = await run(line.split(" "), { app: appWith(), env });
    assertEquals(fromEnv.app.secretPlaces, [{ file: "/run/secret" }]);
    const input = "hush hush";
    const typed = await run([...line.split(" "), "--secret", "-"], { app: appWith(), env, input });
    assertEquals(typed.app.secretPlaces, [{ text: new TextEncoder().encode(input) }]);
    assert(!`${typed.out}${typed.err}`.includes("hush"));
  });
}

Deno.test("a secret as an argument is refused, and not repeated", async () => {
  const inTheWrongPlace = [
    ["list", "--secret", "hunter2"],
    ["list", "--secret=hunter2"],
    ["list", "--secret-file", "a", "hunter2"],
    ["secret", "new", "hunter2"],
  ];
  for (const args of inTheWrongPlace) {
    for (const json of [[], ["--json"]]) {
      const { code, out, err } = await run([...args, ...json]);
      assertEquals(code, 2);
      assert(!`${out}${err}`.includes("hunter2"), err);
      assertStringIncludes(err, "standard input");
    }
  }
  assert(!(await run(["secret", "hunter2"])).err.includes("hunter2"));
});

Deno.test("options that say nothing beside each other are refused", async () => {
  for (
    const args of [
      ["--no-secret", "--secret", "-"],
      ["--no-secret", "--secret-file", "a"],
      ["--secret-file", "a", "--secret", "-"],
    ]
  ) {
    const { code, err } = await run(["list", ...args]);
    assertEquals(code, 2, args.join(" "));
    assertStringIncludes(err, "does nothing");
  }
  const { code, err } = await run(["server", "-", "--name", "a", "--secret", "-"]);
  assertEquals(code, 2);
  assertStringIncludes(err, "--secret - reads standard input");
});

Deno.test("a switch that begins with no- takes no value, and nothing that follows it", async () => {
  const { app } = await run(["get", "--no-secret", "true", "a"], { app: appWith() });
  assertEquals([app.got?.names, app.got?.layers], [["true", "a"], undefined]);
  const { code, err } = await run(["list", "--no-secret=yes"]);
  assertEquals(code, 2);
  assertStringIncludes(err, "--no-secret takes no value");
});

Deno.test("a weak secret is warned about", async () => {
  const { err } = await run(["list"], { app: appWith({ ...SECRET, isWeak: true }) });
  assertStringIncludes(err, "warning: the secret is short");
});

Deno.test("two secrets are named both while one takes the place of the other", async () => {
  const app = appWith({ ...SECRET, fingerprints: ["a b c d", "e f g h"] });
  const { out } = await run(["list"], { app });
  assertStringIncludes(out, 'Sealed by the secret "a b c d", and understanding "e f g h"');
});

Deno.test("secret says which one there is, or makes one, and shows it to nobody", async () => {
  const none = await run(["secret"]);
  assertEquals(none.code, 0);
  assertStringIncludes(none.out, "There is no secret here");
  const noneJson = await run(["secret", "--json"]);
  assertEquals(JSON.parse(noneJson.out), { event: "secret", isNew: false });
  const there = await run(["secret"], { app: appWith({ ...SECRET, path: "/etc/secret" }) });
  assertStringIncludes(there.out, `Sealed by the secret "${WORDS}", from /etc/secret`);
  const made = await run(["secret", "new", "--secret-file", "mine"]);
  assertStringIncludes(made.out, `A new secret is in mine. People tell it by the words "${WORDS}"`);
  assertMatch(made.out, /other machine.*copy the file.*secret set` and type its words/);
  const json = await run(["secret", "new", "--json"]);
  assertEquals(JSON.parse(json.out), {
    event: "secret",
    path: "/home/me/.config/shoal/secret",
    sealed: WORDS,
    isNew: true,
  });
  const wrong = await run(["secret", "show"]);
  assertEquals(wrong.code, 2);
});

Deno.test("secret set takes the words from the input, never as an argument, and repeats none", async () => {
  const input = "hush hush";
  const { code, out, err, app } = await run(["secret", "set", "--secret-file", "mine"], { input });
  assertEquals([code, app.keptSecret], [0, new TextEncoder().encode(input)], err);
  assertStringIncludes(
    out,
    `The secret is in mine. On each machine of the group, people tell it by`,
  );
  assertStringIncludes(out, WORDS);
  const taken = new FakeApp();
  taken.hasSecretFile = true;
  // It is told before anybody is asked.
  const refused = await run(["secret", "set"], { app: taken, input });
  assertEquals([refused.code, refused.secretsAsked, taken.keptSecret], [2, 0, undefined]);
  const argued = await run(["secret", "set", "hush"]);
  assertEquals([argued.code, argued.app.keptSecret], [2, undefined]);
  for (const said of [out, err]) assert(!said.includes("hush"), said);
});
