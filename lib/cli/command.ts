/** What a command is: a table to parse and explain it by, and what it does. */
import type { MeantCode } from "../app/codes/meant_code.ts";
import type { CodeGetOptions, Sending, SendOptions } from "../app/code_options.ts";
import type { DoctorOptions } from "../app/doctor_options.ts";
import type {
  DemoOptions,
  EchoClientOptions,
  EchoResult,
  EchoServerOptions,
  FileHashes,
  FoundSecret,
  GetOptions,
  GetResult,
  ListOptions,
  ListResult,
  Master,
  MasterOptions,
  NetworkOptions,
  PutOptions,
  PutResult,
  SecretPlace,
  ServeOptions,
  Server,
  TcpGetOptions,
  TcpListOptions,
} from "../app/options.ts";
import type { EchoServer } from "../app/session/echo_server.ts";
import type { FindingEvent, ReportEvent } from "../app/events.ts";
import { EXIT, type ExitCode, ShoalError } from "../errors.ts";
import type { Pipes } from "../io/system/pipes.ts";
import type { Terminal } from "../io/system/terminal.ts";
import type { WebOptions, WebServer } from "../web/web_server.ts";
import type { HelpTopic } from "./help.ts";
import type { OptionTable, OptionValues } from "./option_table.ts";
import { parseCommandLine } from "./parse.ts";
import type { Reporter } from "./reporter.ts";

/** The library as the commands use it; tests put their own in its place. */
export interface App {
  serve(options: ServeOptions): Promise<Server>;
  get(options: GetOptions): Promise<GetResult>;
  getOverTcp(options: TcpGetOptions): Promise<GetResult>;
  list(options: ListOptions): Promise<ListResult>;
  listOverTcp(options: TcpListOptions): Promise<ListResult>;
  /** The code that somebody means by a name: `undefined` for what is none. Throws ShoalError `usage` for a slip in one. */
  codeMeant(typed: string, isCode: boolean): Promise<MeantCode | undefined>;
  send(options: SendOptions): Promise<Sending>;
  getByCode(options: CodeGetOptions): Promise<GetResult>;
  put(options: PutOptions): Promise<PutResult>;
  hashFile(path: string, options: { readonly signal: AbortSignal }): Promise<FileHashes>;
  diagnose(options: DoctorOptions): Promise<readonly FindingEvent[]>;
  demo(options: DemoOptions): Promise<ReportEvent>;
  master(options: MasterOptions): Promise<Master>;
  openWeb(options: WebOptions): Promise<WebServer>;
  /** What the system calls the host at this address; `undefined` where it does not know. */
  hostName(address: string): Promise<string | undefined>;
  serveEcho(options: EchoServerOptions): EchoServer | Promise<EchoServer>;
  echo(options: EchoClientOptions): Promise<EchoResult>;
  findSecret(place: SecretPlace): Promise<FoundSecret | undefined>;
  newSecret(path?: string): Promise<FoundSecret>;
  /** Where a secret can be kept; throws ShoalError `usage` where one is already. */
  placeForSecret(path?: string): Promise<string>;
  keepSecret(text: Uint8Array, path?: string): Promise<FoundSecret>;
}

export interface Context {
  readonly app: App;
  readonly terminal: Terminal;
  readonly pipes: Pipes;
  readonly reporter: Reporter;
  /** Set when the user wants to end. */
  readonly signal: AbortSignal;
  /** What follows the command, as it was typed. */
  readonly args: readonly string[];
  /** The command line as it would be typed to run this again. */
  readonly again: string;
  /** All that there are. */
  readonly commands: readonly HelpTopic[];
}

export interface Command extends HelpTopic {
  /** Throws ShoalError, `usage` for a command line that is not understood. */
  run(args: readonly string[], context: Context): Promise<ExitCode>;
}

export interface IdleFlags {
  readonly flags: readonly string[];
  /** Ends the sentence "--flag does nothing …". */
  readonly where: string;
}

interface Definition<Table extends OptionTable> extends HelpTopic {
  readonly options: Table;
  /** Runs until somebody stops it: to be told to stop is no failure. */
  readonly isService?: boolean;
  /** What would do nothing on such a command line: to type it is wrong usage. */
  idle?(options: OptionValues<Table>): readonly IdleFlags[];
  perform(
    options: OptionValues<Table>,
    positionals: readonly string[],
    context: Context,
  ): Promise<ExitCode>;
}

export function defineCommand<Table extends OptionTable>(definition: Definition<Table>): Command {
  const { perform, idle: _idle, isService = false, ...topic } = definition;
  return {
    ...topic,
    async run(args, context) {
      const { terminal, commands } = context;
      const line = parseCommandLine(definition, args, (name) => terminal.env(name), commands);
      refuseIdle(definition.idle?.(line.options) ?? [], line.typed);
      const done = perform(line.options, line.positionals, context);
      return await (isService ? untilStopped(done, context.reporter) : done);
    },
  };
}

async function untilStopped(done: Promise<ExitCode>, reporter: Reporter): Promise<ExitCode> {
  try {
    return await done;
  } catch (thrown) {
    if (ShoalError.from(thrown).code !== "interrupted") throw thrown;
    reporter.say("Stopped.");
    return EXIT.done;
  }
}

/** Throws ShoalError `usage`. */
function refuseIdle(idle: readonly IdleFlags[], typed: ReadonlySet<string>): void {
  for (const { flags, where } of idle) {
    const flag = flags.find((each) => typed.has(each));
    if (flag === undefined) continue;
    throw new ShoalError("usage", `--${flag} does nothing ${where}`, {
      hint: `Leave --${flag} out.`,
    });
  }
}

type Given<Fields> = { [Key in keyof Fields]?: Exclude<Fields[Key], undefined> };

/** `fields` without those that are undefined: the library tells "absent" from "undefined". */
export function given<Fields extends object>(fields: Fields): Given<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Given<Fields>;
}

/** What every command that uses the network passes on. */
export function networkOptions(
  options: {
    readonly port: number;
    readonly broadcast: readonly string[];
    readonly interface: readonly string[];
    readonly "no-interface": readonly string[];
  },
  signal: AbortSignal,
): NetworkOptions {
  const { port, broadcast, interface: interfaces, "no-interface": exceptInterfaces } = options;
  const lists = Object.entries({ broadcast, interfaces, exceptInterfaces });
  return { port, signal, ...Object.fromEntries(lists.filter(([, list]) => list.length > 0)) };
}
