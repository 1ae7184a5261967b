import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  many,
  NETWORK_OPTIONS,
  optional,
  toggle,
  withDefault,
} from "../../lib/cli/option_table.ts";
import { parseCommandLine, type Positionals } from "../../lib/cli/parse.ts";
import { HOST, JOBS, RATE, SHA256, TEXT } from "../../lib/cli/value_types.ts";
import { ShoalError } from "../../lib/errors.ts";

const NAMES: Positionals = { label: "NAME…", summary: "", countMin: 0, countMax: 3 };
const OPTIONS = {
  ...NETWORK_OPTIONS,
  json: toggle(""),
  classic: toggle("", true),
  jobs: withDefault(JOBS, "4", { label: "N", summary: "" }),
  out: withDefault(TEXT, "here", { label: "DIR", summary: "", env: "SHOAL_OUT" }),
  rate: optional(RATE, { label: "RATE", summary: "" }),
  sha256: optional(SHA256, { label: "HEX", summary: "" }),
  server: many(HOST, { label: "HOST", summary: "" }),
};

function parse(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const syntax = { command: "test", positionals: NAMES, options: OPTIONS };
  return parseCommandLine(syntax, args, (name) => env[name]);
}

function refusal(args: readonly string[], env: Readonly<Record<string, string>> = {}): ShoalError {
  try {
    parse(args, env);
  } catch (thrown) {
    if (thrown instanceof ShoalError) return thrown;
    throw thrown;
  }
  throw new Error(`accepted: ${JSON.stringify(args)}`);
}

Deno.test("an empty command line gives the defaults", () => {
  const { options, positionals } = parse([]);
  assertEquals(positionals, []);
  assertEquals(options, {
    port: 10526,
    broadcast: [],
    interface: [],
    "no-interface": [],
    json: false,
    classic: true,
    jobs: 4,
    out: "here",
    rate: undefined,
    sha256: undefined,
    server: [],
  });
});

Deno.test("every spelling of an option is read", () => {
  for (const args of [["-p", "99"], ["-p99"], ["-p=99"], ["--port", "99"], ["--port=99"]]) {
    assertEquals(parse(args).options.port, 99, args.join(" "));
  }
  assertEquals(parse(["--no-classic"]).options.classic, false);
  assertEquals(parse(["--classic"]).options.classic, true);
  assertEquals(parse(["--server", "a", "--server=b:5"]).options.server, ["a", "b:5"]);
});

Deno.test("options may follow what they are about", () => {
  const { options, positionals } = parse(["a", "--json", "b", "--jobs", "2"]);
  assertEquals(positionals, ["a", "b"]);
  assertEquals([options.json, options.jobs], [true, 2]);
});

Deno.test("names that look like numbers, truths or options stay names", () => {
  assertEquals(parse(["007", "0x10", "1e3"]).positionals, ["007", "0x10", "1e3"]);
  assertEquals(parse(["--json", "true"]).positionals, ["true"]);
  assertEquals(parse(["--no-classic", "false"]).positionals, ["false"]);
  const { options, positionals } = parse(["--", "--json", "-p"]);
  assertEquals(positionals, ["--json", "-p"]);
  assertEquals(options.json, false);
});

Deno.test("a flag beats the environment, which beats the default", () => {
  const env = { SHOAL_PORT: "5", SHOAL_OUT: "there", SHOAL_BROADCAST: "10.0.0.255, 10.1.0.255" };
  assertEquals(parse([], env).options.port, 5);
  assertEquals(parse([], env).options.out, "there");
  assertEquals(parse([], env).options.broadcast, ["10.0.0.255", "10.1.0.255"]);
  assertEquals(parse(["-p", "6"], env).options.port, 6);
  assertEquals(parse(["--broadcast", "1.2.3.4"], env).options.broadcast, ["1.2.3.4"]);
  assertEquals(parse([], { SHOAL_PORT: "" }).options.port, 10526);
});

Deno.test("what is wrong with a command line is said in one line, and what to do in another", () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--port", "0"], "--port: 0 is not a whole number from 1 to 65535"],
    [["-p", "0"], "--port: 0 is not"],
    [["--port", "70000"], "70000 is not"],
    [["--port", "1.5"], "1.5 is not"],
    [["--port", "0x50"], "0x50 is not"],
    [["--port"], "--port needs a value"],
    [["--port="], "--port needs a value"],
    [["--port", "--json"], "--port needs a value"],
    [["--port", "1", "--port", "2"], "--port was given 2 times"],
    [["--rate", "0"], "0 is not a rate"],
    [["--rate", "80"], "80 is not a rate"],
    [["--sha256", "abc"], "8 or more"],
    [["--server", ""], "--server needs a value"],
    [["--server", "[::1"], "[::1 is not"],
    [["--server", "[::1]:0"], "[::1]:0 is not"],
    [["--server", "fe80::1%"], "fe80::1% is not"],
    [["--server", "host:0"], "host:0 is not"],
    [["--server", "1.2.3"], "1.2.3 is not"],
    [["--server", "1.2.3.256"], "1.2.3.256 is not"],
    [["--broadcast", "everywhere"], "everywhere is not an IPv4 address"],
    [["--bogus"], "has no option --bogus"],
    [["--bogus=1"], "has no option --bogus=1"],
    [["--no-port"], "has no option --no-port"],
    [["--no-json"], "has no option --no-json"],
    [["--port.x", "1"], "has no option --port.x"],
    [["--constructor"], "has no option --constructor"],
    [["-x"], "has no option -x"],
    [["--json=false"], "--json takes no value"],
    [["--no-classic=true"], "--no-classic takes no value"],
    [["a", "b", "c", "d"], "not also d"],
    [[""], "is empty"],
  ];
  for (const [args, part] of cases) {
    const error = refusal(args);
    assertEquals(error.exitCode, 2, args.join(" "));
    assertStringIncludes(error.message, part);
    for (const line of [error.message, error.hint]) assertEquals(line.includes("\n"), false);
  }
});

Deno.test("a wrong environment is blamed by its variable, and only where it counts", () => {
  assertStringIncludes(refusal([], { SHOAL_PORT: "x" }).message, "SHOAL_PORT: x is not");
  assertStringIncludes(refusal([], { SHOAL_BROADCAST: "1.2.3.4,," }).message, "SHOAL_BROADCAST");
  assertEquals(parse(["-p", "6"], { SHOAL_PORT: "x" }).options.port, 6);
});

Deno.test("what upset the parser cannot upset the terminal", () => {
  assertEquals(refusal(["--\u001b[2J"]).message.includes("\u001b"), false);
  assertEquals(refusal(["--port", "\u001b[2J"]).message.includes("\u001b"), false);
});
