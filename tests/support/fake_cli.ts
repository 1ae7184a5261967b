/** A terminal and a library for tests of the command line: nothing is sent, nothing is written. */
import "./libraries.ts";
import { codeMeant } from "../../lib/app/codes/meant_code.ts";
import type { CodeGetOptions, SendOptions } from "../../lib/app/code_options.ts";
import type { DoctorOptions } from "../../lib/app/doctor_options.ts";
import type {
  DoneEvent,
  FailedEvent,
  FileEvent,
  FindingEvent,
  GetEvent,
  ReportEvent,
  StoredEvent,
} from "../../lib/app/events.ts";
import type {
  DemoOptions,
  FoundSecret,
  GetOptions,
  ListOptions,
  MasterOptions,
  PutOptions,
  SecretPlace,
  ServeOptions,
  TcpGetOptions,
  TcpListOptions,
} from "../../lib/app/options.ts";
import type { App } from "../../lib/cli/command.ts";
import type { WebOptions, WebServer } from "../../lib/web/web_server.ts";
import { main } from "../../lib/cli/main.ts";
import { type ErrorCode, type ExitCode, ShoalError } from "../../lib/errors.ts";
import type { Pipes } from "../../lib/io/system/pipes.ts";
import type { Terminal } from "../../lib/io/system/terminal.ts";

export class FakeTerminal implements Terminal {
  out = "";
  err = "";
  readonly invocation = "shoal";
  readonly stdout: Terminal["stdout"];
  readonly stderr: Terminal["stderr"];
  columns = 80;
  rows = 24;

  constructor(
    readonly variables: Readonly<Record<string, string>> = {},
    isTerminal = false,
  ) {
    this.stdout = { isTerminal, write: (text) => (this.out += text, true) };
    this.stderr = { isTerminal, write: (text) => (this.err += text, true) };
  }

  env(name: string): string | undefined {
    return this.variables[name];
  }

  size() {
    return { columns: this.columns, rows: this.rows };
  }
}

export const CODE = "7-guidance-apollo";

export const SECRET: FoundSecret = {
  layer: { kind: "seal" },
  fingerprints: ["able acid also apex"],
  isWeak: false,
};

/** What was asked of the library, and what it answers. */
export class FakeApp implements App {
  served: ServeOptions | undefined;
  shown: WebOptions | undefined;
  got: GetOptions | undefined;
  listed: ListOptions | undefined;
  gotOverTcp: TcpGetOptions | undefined;
  listedOverTcp: TcpListOptions | undefined;
  sent: SendOptions | undefined;
  gotByCode: CodeGetOptions | undefined;
  /** How what is sent by a code ends; well by default. */
  sendFailure: ShoalError | undefined;
  putWith: PutOptions | undefined;
  mastered: MasterOptions | undefined;
  demonstrated: DemoOptions | undefined;
  diagnosed: DoctorOptions | undefined;
  /** What a doctor finds. */
  findings: FindingEvent[] = [
    { event: "finding", check: "deno", severity: "ok", message: "Deno 2.9.6" },
    {
      ...{ event: "finding", check: "firewall", severity: "warning", message: "it is closed" },
      advice: "Open it.",
    },
  ];
  /** Events of a get before its results. */
  events: GetEvent[] = [];
  /** Result of a get by name; done, for any other. */
  failures: Record<string, ErrorCode> = {};
  files: FileEvent[] = [];
  report: ReportEvent = REPORT;
  /** The one that is found; none by default. */
  secret: FoundSecret | undefined;
  /** Where it was looked for. */
  readonly secretPlaces: SecretPlace[] = [];
  keptSecret: Uint8Array | undefined;
  /** Whether one is kept already. */
  hasSecretFile = false;
  /** Thrown by every function, where set. */
  thrown: unknown;

  serve(options: ServeOptions) {
    this.#begin();
    this.served = options;
    const ready = {
      event: "ready",
      port: options.port ?? 0,
      dataPort: 10530,
      tcpPort: options.tcpPort ?? 10526,
      id: "0".repeat(32),
      ...(options.dir !== undefined && { dir: options.dir }),
      names: [],
      files: 1,
      hidden: 2,
      addresses: ["192.168.1.7", "fd00::7"],
      classic: options.classic ?? true,
    } as const;
    options.onEvent?.(ready);
    return Promise.resolve({
      ...{ ready, closed: Promise.resolve(), close: () => Promise.resolve(), revision: "0.0" },
      ...{ files: () => [], entries: () => [], fileCount: () => 0, find: () => undefined },
      open: () => {
        throw new ShoalError("not_found", "nothing is offered");
      },
      watch: () => () => {},
      uploadBytesMax: 0,
      beginUpload: () => Promise.reject(new ShoalError("refused", "nothing is taken")),
    });
  }

  openWeb(options: WebOptions): Promise<WebServer> {
    this.shown = options;
    const port = options.port ?? 10_580;
    const urls = [`http://192.168.1.7:${port}/`];
    return Promise.resolve({ port, urls, close: () => Promise.resolve() });
  }

  get(options: GetOptions) {
    this.#begin();
    this.got = options;
    this.events.forEach((event) => options.onEvent?.(event));
    const results = options.names.map((name) => {
      const code = this.failures[name];
      return code === undefined ? done(name) : failed(name, code);
    });
    results.forEach((result) => options.onEvent?.(result));
    return Promise.resolve(results);
  }

  list(options: ListOptions) {
    this.#begin();
    this.listed = options;
    this.files.forEach((file) => options.onEvent?.(file));
    return Promise.resolve(this.files);
  }

  getOverTcp(options: TcpGetOptions) {
    this.gotOverTcp = options;
    const { names, outDir, file, onEvent } = options;
    const place = file === undefined ? { outDir: outDir ?? "" } : { file };
    return this.get({ names, ...place, ...(onEvent !== undefined && { onEvent }) });
  }

  listOverTcp(options: TcpListOptions) {
    this.#begin();
    this.listedOverTcp = options;
    return Promise.resolve(this.files);
  }

  hostName(address: string) {
    return Promise.resolve(address === "192.168.1.7" ? "nas.local" : undefined);
  }

  master(options: MasterOptions) {
    this.#begin();
    this.mastered = options;
    const { port = 10527, store = "sqlite:", metricsPort } = options;
    const closed = Promise.resolve();
    const sealed = undefined;
    return Promise.resolve({ port, store, metricsPort, sealed, closed, close: () => closed });
  }

  findSecret(place: SecretPlace) {
    this.secretPlaces.push(place);
    const { secret } = this;
    const { file: path } = place;
    return Promise.resolve(secret && path !== undefined ? { ...secret, path } : secret);
  }

  newSecret(path = "/home/me/.config/shoal/secret") {
    return Promise.resolve({ ...SECRET, path });
  }

  placeForSecret(path = "/home/me/.config/shoal/secret") {
    if (this.hasSecretFile) throw new ShoalError("usage", `${path} is there already`);
    return Promise.resolve(path);
  }

  keepSecret(text: Uint8Array, path = "/home/me/.config/shoal/secret") {
    this.keptSecret = text;
    return Promise.resolve({ ...SECRET, path });
  }

  codeMeant(typed: string, isCode: boolean) {
    return Promise.try(() => codeMeant(typed, isCode));
  }

  send(options: SendOptions) {
    this.#begin();
    this.sent = options;
    const count = (options.files ?? []).length + (options.folders ?? []).length;
    options.onEvent?.({ event: "code", state: "waiting", files: count });
    const ended = this.sendFailure === undefined
      ? Promise.resolve({ client: "192.168.1.9:40000", files: count })
      : Promise.reject(this.sendFailure);
    ended.catch(() => {});
    return Promise.resolve({
      ...{ code: CODE, files: count, port: options.port ?? 0, addresses: ["192.168.1.7"] },
      ...{ ended, close: () => Promise.resolve() },
    });
  }

  async getByCode(options: CodeGetOptions) {
    this.#begin();
    this.gotByCode = options;
    const { outDir, onIncoming, onEvent } = options;
    const files = [{ name: "a", size: 3 }, { name: "b/\u001b[31mc", size: 4 }];
    const incoming = { server: "192.168.1.7:10530", files, bytes: 7 };
    if (await onIncoming?.(incoming) === false) throw new ShoalError("refused", "declined");
    return await this.get({
      ...{ names: files.map(({ name }) => name), outDir },
      ...(onEvent !== undefined && { onEvent }),
    });
  }

  put(options: PutOptions) {
    this.#begin();
    this.putWith = options;
    const results = options.files.map((name) => {
      const code = this.failures[name];
      return code === undefined ? stored(name, options.server) : failed(name, code);
    });
    results.forEach((result) => options.onEvent?.(result));
    return Promise.resolve(results);
  }

  serveEcho(): never {
    throw new ShoalError("internal", "nothing listens here");
  }

  echo(): never {
    throw new ShoalError("internal", "nothing answers here");
  }

  hashFile() {
    this.#begin();
    const [sha256, root, md5] = ["a".repeat(64), "b".repeat(64), "c".repeat(32)];
    return Promise.resolve({ sizeBytes: 3, sha256, root, md5, chunkBytes: 65_536, chunks: 1 });
  }

  diagnose(options: DoctorOptions) {
    this.#begin();
    this.diagnosed = options;
    this.findings.forEach((finding) => options.onEvent?.(finding));
    return Promise.resolve(this.findings);
  }

  demo(options: DemoOptions) {
    this.#begin();
    this.demonstrated = options;
    return Promise.resolve(this.report);
  }

  #begin(): void {
    if (this.thrown !== undefined) throw this.thrown;
  }
}

const SERVER = {
  server: "127.0.0.1:10530",
  id: "1".repeat(32),
  bytes: 4_000_000,
  chunks: 61,
  badChunks: 2,
  retransmits: 7,
  savedBytes: 0,
};

export const REPORT: ReportEvent = {
  event: "report",
  seed: 7,
  ok: true,
  size: 4_000_000,
  seconds: 0.5,
  expectedSha256: "d".repeat(64),
  actualSha256: "d".repeat(64),
  echo: {
    size: 2_000_000,
    expectedSha256: "e".repeat(64),
    actualSha256: "e".repeat(64),
    chunks: 1_954,
    rounds: 4,
  },
  servers: [SERVER],
};

export function done(name: string, changes: Partial<DoneEvent> = {}): DoneEvent {
  return {
    event: "done",
    name,
    path: `downloads/${name}`,
    size: 4_000_000,
    sha256: "d".repeat(64),
    root: "e".repeat(64),
    seconds: 0.5,
    resumedBytes: 0,
    savedBytes: 0,
    present: false,
    servers: [SERVER],
    ...changes,
  };
}

function stored(name: string, server: string): StoredEvent {
  return {
    event: "stored",
    name,
    storedAs: name,
    server,
    size: 4_000_000,
    sha256: "d".repeat(64),
    md5: "c".repeat(32),
    present: false,
    seconds: 0.5,
  };
}

function failed(name: string, code: ErrorCode): FailedEvent {
  const { hint } = new ShoalError(code, "");
  return { event: "failed", name, code, message: `what is wrong with ${name}`, hint };
}

export interface Run {
  readonly code: ExitCode;
  readonly out: string;
  readonly err: string;
  /** What went to stdout as bytes. */
  readonly data: string;
  /** What a person was asked. */
  readonly asked: string;
  /** How often a secret was asked for. */
  readonly secretsAsked: number;
  readonly app: FakeApp;
}

/** Standard input that holds a text, and output that is kept. */
class FakePipes implements Pipes {
  data = "";
  /** What a person was asked. */
  asked = "";
  secretsAsked = 0;
  readonly #input: string;
  readonly #answer: string | undefined;

  /** @param answer what a person types at questions; there is none by default */
  constructor(input = "", answer?: string) {
    this.#input = input;
    this.#answer = answer;
  }

  canAsk(): boolean {
    return this.#answer !== undefined;
  }

  ask(question: string): Promise<string> {
    this.asked += question;
    return Promise.resolve(this.#answer ?? "");
  }

  stdin(): ReadableStream<Uint8Array> {
    return new Blob([this.#input]).stream();
  }

  secret(): Promise<Uint8Array> {
    this.secretsAsked += 1;
    return Promise.resolve(new TextEncoder().encode(this.#input));
  }

  writeOut(bytes: Uint8Array): Promise<boolean> {
    this.data += new TextDecoder().decode(bytes);
    return Promise.resolve(true);
  }
}

/** Runs one command line against fakes. */
export async function run(
  args: readonly string[],
  setting: {
    readonly env?: Readonly<Record<string, string>>;
    readonly app?: FakeApp;
    readonly signal?: AbortSignal;
    readonly isTerminal?: boolean;
    /** Of the terminal; 80 by default. */
    readonly columns?: number;
    /** What standard input holds. */
    readonly input?: string;
    /** What a person types at questions; without it, there is none to be asked. */
    readonly answer?: string;
  } = {},
): Promise<Run> {
  const terminal = new FakeTerminal(setting.env, setting.isTerminal);
  terminal.columns = setting.columns ?? terminal.columns;
  const app = setting.app ?? new FakeApp();
  const signal = setting.signal ?? new AbortController().signal;
  const pipes = new FakePipes(setting.input, setting.answer);
  const code = await main(args, app, terminal, pipes, signal);
  const { data, asked, secretsAsked } = pipes;
  return { code, out: terminal.out, err: terminal.err, data, asked, secretsAsked, app };
}
