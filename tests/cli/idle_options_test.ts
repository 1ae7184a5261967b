/**
 * No option is parsed and ignored: on every kind of command line each has an effect, on what the library is asked for or
 * on what is printed, or is refused by name. By the option tables, so that options to come are looked at as well.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { COMMANDS } from "../../lib/cli/main.ts";
import type { Option } from "../../lib/cli/option_table.ts";
import { FakeApp, run, SECRET } from "../support/fake_cli.ts";
import { canTouchFiles } from "../support/permissions.ts";

/** Servers look at what is to be offered. */
const canLook = await canTouchFiles();

/** Command lines on which an option may mean something else, or nothing. */
const MODES: readonly (readonly string[])[] = [
  ["server", "data"],
  ["server", "data", "--simulate-errors"],
  ["server", "data", "--allow-upload"],
  ["server", "data", "--metrics-port", "9464"],
  ["server", "data", "--web", "--no-secret"],
  ["server", "-", "--name", "a"],
  ["get", "a"],
  ["get", "a", "--server", "h"],
  ["get", "*.a"],
  ["get", "a", "--output", "f"],
  ["get", "a", "--output", "-"],
  ["get", "a", "--tcp", "--server", "h"],
  ["get", "a", "--dialect", "ascii", "--server", "h"],
  ["list"],
  ["list", "--server", "h"],
  ["list", "--tcp", "--server", "h"],
  ["list", "--dialect", "ascii", "--server", "h"],
  ["get", "7-guidance-apollo", "--yes"],
  ["get", "7-guidance-apollo", "--yes", "--server", "h"],
  ["get", "7-guidance-apollo", "--yes", "--master", "m"],
  ["get", "--code", "-", "--yes"],
  ["send", "a"],
  ["send", "a", "--master", "m"],
  ["put", "a", "--server", "h"],
  ["put", "a", "--server", "h", "--dialect", "ascii"],
  ["put", "a", "--server", "h", "--dialect", "json"],
  ["master"],
  ["master", "--metrics-port", "9464"],
  ["secret"],
  ["secret", "new"],
  ["secret", "set"],
  ["hash", "a"],
  ["demo"],
  ["doctor"],
  ["doctor", "--server", "h"],
  ["demo", "--no-simulate-errors"],
  ["demo", "--mode", "server"],
  ["demo", "--mode", "server", "--simulate-errors"],
  ["demo", "--mode", "client", "--file", "a"],
  ["completions", "bash"],
  ["service", "data"],
  ["service", "data", "--allow-upload"],
  ["service", "data", "--simulate-errors"],
  ["service", "data", "--metrics-port", "9464"],
  ["service", "data", "--web", "--no-secret"],
];

/** What may be without effect, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {
  "server --broadcast":
    "scripts give every command the same network flags, and its summary says so",
  "secret --verbose": "it shows the causes of errors, and nothing goes wrong here",
  "hash --verbose": "it shows the causes of errors, and nothing goes wrong here",
  "secret --quiet": "it says nothing but what was asked for",
  "hash --quiet": "it says nothing but what was asked for",
  ...Object.fromEntries(
    ["server", "list", "send", "master", "hash", "secret", "demo", "doctor"].map((command) => [
      `${command} --color`,
      "it colours errors, warnings and what is done, and there is nothing of these here",
    ]),
  ),
  "get ascii --tcp": "the dialect says the same",
  "list ascii --tcp": "the dialect says the same",
};

/** What one option or another takes, beside its example. */
const VALUES = [
  "127.0.0.9",
  "99",
  "1200",
  "0.25",
  "3mbit",
  "3MiB",
  "memory",
  "ascii",
  "classic",
  "other",
];

/** Takes down every call, and has something to say for those who listen. */
class Recorder extends FakeApp {
  readonly calls: unknown[] = [];

  constructor() {
    super();
    for (
      const name of [
        "serve",
        "get",
        "list",
        "getOverTcp",
        "listOverTcp",
        "put",
        "master",
        "openWeb",
        "send",
        "getByCode",
      ]
    ) {
      this.#record(name);
    }
    for (const name of ["hashFile", "demo", "diagnose", "serveEcho", "echo"]) this.#record(name);
    for (const name of ["findSecret", "newSecret", "keepSecret"]) this.#record(name);
    this.secret = SECRET;
  }

  #record(name: string): void {
    const methods = this as unknown as Record<string, (...args: readonly unknown[]) => unknown>;
    const own = methods[name]!.bind(this);
    methods[name] = (...args) => {
      this.calls.push([name, ...args]);
      const [options] = args as readonly { readonly onEvent?: (event: unknown) => void }[];
      options?.onEvent?.({ event: "notice", level: "verbose", message: "a detail" });
      if (name === "serveEcho") return { port: 9999, closed: Promise.resolve() };
      if (name !== "echo") return own(...args);
      return { path: "received_a", sizeBytes: 3, sha256: "a".repeat(64), chunkCount: 1, rounds: 1 };
    };
  }
}

/** What a command line leads to: its exit code, what is said, and what the library is asked for. */
async function ledTo(args: readonly string[]) {
  const app = new Recorder();
  const { code, out, err } = await run(args, { app, input: "7-guidance-apollo" });
  const text = JSON.stringify(app.calls, (key, value) => key === "stream" ? null : value);
  // A seed that nobody has typed is another each time.
  const asked = args.includes("--seed") ? text : text.replace(/"seed":\d+/g, '"seed":0');
  return { code, out, err, asked };
}

/** The option as it may be typed. */
function variantsOf(flag: string, option: Option): readonly (readonly string[])[] {
  if (option.kind === "toggle") return [[option.fallback ? `--no-${flag}` : `--${flag}`]];
  if (option.kind === "tristate") return [[`--${flag}`], [`--no-${flag}`]];
  return [option.type.example, ...VALUES]
    .filter((text) => option.type.read(text) !== undefined)
    .map((text) => [`--${flag}`, text]);
}

function isThere(flag: string, args: readonly string[]): boolean {
  return args.some((arg) => arg === `--${flag}` || arg === `--no-${flag}`);
}

for (const args of MODES) {
  const line = args.join(" ");
  const name = `every option of \`${line}\` has an effect, or is refused by name`;
  const ignore = !canLook && ["server", "service"].includes(args[0]!);
  Deno.test({ name, ignore }, async () => {
    const plain = await ledTo(args);
    assertEquals(plain.code === 2, false, `${line}: ${plain.err}`);
    const { command, options } = COMMANDS.find((each) => each.command === args[0])!;
    const exceptions = [command, `${command} ${args.includes("ascii") ? "ascii" : ""}`];
    for (const [flag, option] of Object.entries<Option>(options)) {
      if (isThere(flag, args)) continue;
      if (exceptions.some((which) => `${which} --${flag}` in EXCEPTIONS)) continue;
      const effects = await Array.fromAsync(
        variantsOf(flag, option),
        async (more) => await effectOf(plain, args, flag, more),
      );
      assert(effects.length > 0, `no value is known for --${flag}`);
      assert(
        effects.some((effect) => effect !== "none"),
        `${line} --${flag}: nothing is different`,
      );
    }
  });
}

async function effectOf(
  plain: Awaited<ReturnType<typeof ledTo>>,
  args: readonly string[],
  flag: string,
  more: readonly string[],
): Promise<"some" | "none" | "refused"> {
  const { code, out, err, asked } = await ledTo([...args, ...more]);
  if (code !== 2) {
    return out === plain.out && err === plain.err && asked === plain.asked ? "none" : "some";
  }
  // What names the way of asking may lack what that way needs.
  const isNamed = [`--${flag}`, `--no-${flag}`].some((typed) => err.includes(typed)) ||
    ["tcp", "dialect"].includes(flag);
  assert(isNamed, `${[...args, ...more].join(" ")}: refused without naming it: ${err}`);
  return "refused";
}

Deno.test("every command is looked at", () => {
  const looked = new Set(MODES.map(([command]) => command));
  assertEquals(COMMANDS.map(({ command }) => command).filter((each) => !looked.has(each)), []);
});

Deno.test({
  name: "what is in the environment is there for other commands as well, and refused by none",
  ignore: !canLook,
}, async () => {
  const env = { SHOAL_BROADCAST: "127.255.255.255", SHOAL_MASTER: "m", SHOAL_OUT: "o" };
  for (const args of MODES) {
    const { code, err } = await run(args, { env, app: new Recorder(), input: "7-guidance-apollo" });
    assertEquals(code === 2, false, `${args.join(" ")}: ${err}`);
  }
});

Deno.test("what does nothing is refused with what to do about it", async () => {
  for (
    const [args, says] of [
      [["get", "a", "--tcp", "--server", "h", "--mtu", "1200"], "--mtu does nothing over TCP"],
      [["get", "a", "--tcp", "--server", "h", "--master", "m"], "--master does nothing over TCP"],
      [["get", "a", "--server", "h", "--broadcast", "10.0.0.255"], "--broadcast does nothing with"],
      [["list", "--tcp", "--server", "h", "--broadcast", "10.0.0.255"], "--broadcast does nothing"],
      [
        ["get", "a", "--dialect", "ascii", "--server", "h", "--jobs", "2"],
        "--jobs does nothing in",
      ],
      [["demo", "--max-retries", "1"], "--max-retries does nothing in --mode demo"],
      [["server", "data", "--seed", "1"], "--seed does nothing without --simulate-errors"],
    ] as const
  ) {
    const { code, err } = await run([...args]);
    assertEquals(code, 2);
    assertStringIncludes(err, says);
    assertStringIncludes(err, "hint: ");
  }
});
