/**
 * Sending by a code. What is sent is served by a server like any other, sealed under a key that is drawn for it; here is who
 * tells that key to whoever proves the code, and to nobody else, and who ends it all when that one has everything.
 */
import { type Endpoint, endpointText, UNSPECIFIED_ADDRESS } from "../../address.ts";
import type { Bytes } from "../../ids.ts";
import { ShoalError } from "../../errors.ts";
import { checkInterfaces, isFromExcluded } from "../../io/net/network.ts";
import { denoRuntime, type Runtime } from "../../io/runtime.ts";
import { sealSuite } from "../../io/seal/seal_suite.ts";
import { randomServerId } from "../../io/system/random_source.ts";
import { type Wakeup, yieldTurns } from "../../io/system/clock.ts";
import { DATA_PORTS, HASH_BYTES } from "../../limits.ts";
import { type TransportConfig, transportConfig } from "../../messages/transport_config.ts";
import { Tokens } from "../../protocol/base/tokens.ts";
import {
  CodeSender,
  type CodeSenderAction,
  type CodeSenderEvent,
} from "../../protocol/codes/code_sender.ts";
import { type Code, codeFor } from "../../protocol/codes/code_words.ts";
import { CODE_KEY_BYTES } from "../../wire/limits.ts";
import { resolveTargets } from "../discovery/targets.ts";
import type { SendEvent, ServeEvent } from "../events.ts";
import { MasterLink } from "../master/master_link.ts";
import { LIST_DEFAULTS, type ResolvedSendOptions, resolveSend } from "../option_defaults.ts";
import type { Sending, SendOptions } from "../code_options.ts";
import type { Server } from "../options.ts";
import { KnownSubnets } from "../serve/known_subnets.ts";
import { ownAddresses } from "../serve/own_addresses.ts";
import { serveIn } from "../serve/serve.ts";
import { codeCatalogue } from "./code_catalogue.ts";
import { codeLayer } from "./code_layer.ts";
import { CodeNumbers } from "./code_number.ts";
import { CodeSocket } from "./code_socket.ts";
import { STOP_TURNS } from "./limits.ts";

/**
 * Sends files and folders to whoever proves to know a code, once: a number and two words, made for this, which somebody tells the
 * other side. All is sealed; who has another code is told so, and the code is void then, as it is when all has come.
 *
 * @param options what to send, and how
 * @returns the code, and what becomes of it, as soon as it can be used
 * @throws {ShoalError} `folder` if a folder cannot be read, `usage` or `bad_name` if a file cannot be sent, two have one
 * name, or there is none, `port_in_use` or `network` if a port cannot be opened, `interrupted` if `signal` is aborted before
 *
 * @example Send a file to who has the code
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { getByCode, send } from "@shoal/shoal";
 *
 * const dir = await Deno.makeTempDir();
 * await Deno.writeTextFile(`${dir}/notes.txt`, "hello");
 * const here = { broadcast: ["127.255.255.255"] }; // this machine alone
 * const sending = await send({ files: [{ path: `${dir}/notes.txt` }], port: 0, ...here });
 *
 * const { code, port } = sending;
 * const [file] = await getByCode({ code, port, outDir: await Deno.makeTempDir(), ...here });
 * assertEquals(await Deno.readTextFile(file!.path), "hello");
 * assertEquals((await sending.ended).files, 1);
 * ```
 */
export async function send(options: SendOptions): Promise<Sending> {
  return await sendIn(denoRuntime(), options);
}

/** The same on a platform that is handed in. */
export async function sendIn(runtime: Runtime, given: SendOptions): Promise<Sending> {
  const options = resolveSend(given);
  const { signal } = options;
  const opening = new CodeSending(runtime, options);
  try {
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    await opening.open();
    if (signal?.aborted) throw new ShoalError("interrupted", "interrupted");
    return opening.begin();
  } catch (error) {
    await opening.close();
    throw ShoalError.from(error);
  }
}

class CodeSending {
  readonly #runtime: Runtime;
  readonly #options: ResolvedSendOptions;
  readonly #group: Bytes;
  readonly #subnets: KnownSubnets;
  readonly #numbers: CodeNumbers;
  readonly #timer: Wakeup;
  readonly #ending = new AbortController();
  readonly #ended = Promise.withResolvers<{ readonly client: string; readonly files: number }>();
  /** Whether somebody who waits for the end knows how it ends. */
  #end: (() => void) | undefined;
  #server: Server | undefined;
  #own: CodeSocket | undefined;
  #shared: CodeSocket | undefined;
  #machine: CodeSender | undefined;
  #code: Code | undefined;
  #links: readonly MasterLink[] = [];
  #closing: Promise<void> | undefined;

  constructor(runtime: Runtime, options: ResolvedSendOptions) {
    this.#runtime = runtime;
    this.#options = options;
    this.#group = runtime.random.bytes(CODE_KEY_BYTES);
    this.#subnets = new KnownSubnets(runtime.clock, runtime.net);
    this.#numbers = new CodeNumbers(runtime);
    this.#timer = runtime.clock.timer(() => this.#handle({ kind: "wakeup" }));
    // A caller that does not await the end must not crash on how it ends.
    this.#ended.promise.catch(() => {});
  }

  /** Opens what serves, and finds a number. */
  async open(): Promise<void> {
    const { net } = this.#runtime;
    checkInterfaces(this.#choice, net.subnets());
    const transport = this.#transport();
    this.#own = this.#openSocket({ ...transport, ports: [...DATA_PORTS, 0] }, false);
    const group = this.#options.broadcast === undefined ? { group: this.#choice } : {};
    this.#shared = this.#openSocket(
      { ...transport, ...group, ports: [this.#options.port], share: true },
      true,
    );
    const targets = await resolveTargets(
      { ...LIST_DEFAULTS, ...this.#options, port: this.#shared.port, servers: [], masters: [] },
      this.#runtime,
    );
    const number = this.#numbers.free(this.#own, () => targets.find().likely, this.#ending.signal);
    const [server, taken] = await Promise.all([this.#serve(), number]);
    if (server.ready.files === 0) {
      throw new ShoalError("usage", "there is no file in what is to be sent", {
        hint:
          "Name files, or folders with files in them; --hidden sends what starts with a dot as well.",
      });
    }
    this.#code = codeFor(taken, [...this.#runtime.random.bytes(2)] as [number, number]);
  }

  /** Whoever proves the code is answered from now on. */
  begin(): Sending {
    const { signal, masters } = this.#options;
    const { random } = this.#runtime;
    const [code, own, server] = [this.#code!, this.#own!, this.#server!];
    const id = randomServerId(random);
    this.#machine = new CodeSender({
      ...{ code, server: id, suite: sealSuite, port: own.port },
      serving: { group: this.#group, dataPort: server.ready.dataPort },
      tokens: new Tokens(random.bytes(HASH_BYTES)),
      random: (bytes) => random.bytes(bytes),
    });
    this.#links = masters.map((master) => this.#register(master, id, code));
    this.#tell("waiting");
    signal?.addEventListener("abort", this.close, { once: true });
    // Whoever serves tells why it broke.
    server.closed.catch((error) => this.#fail(ShoalError.from(error)));
    const { files } = server.ready;
    return {
      code: code.text,
      files,
      port: this.#shared!.port,
      addresses: ownAddresses(UNSPECIFIED_ADDRESS, this.#runtime.net.subnets(), this.#choice),
      ended: this.#ended.promise,
      close: this.close,
    };
  }

  /** Ends everything; the same promise however often it is called. */
  readonly close = (): Promise<void> => {
    this.#end ??= () => this.#ended.reject(new ShoalError("interrupted", "stopped"));
    return this.#closing ??= this.#close();
  };

  async #close(): Promise<void> {
    this.#handle({ kind: "stop" });
    // What says that it stops leaves before the socket closes.
    await yieldTurns(this.#runtime.clock, STOP_TURNS);
    this.#ending.abort();
    this.#options.signal?.removeEventListener("abort", this.close);
    this.#timer.clear();
    await Promise.all([
      ...this.#links.map((link) => link.close()),
      this.#server?.close().catch(() => {}),
      this.#shared?.close(),
      this.#own?.close(),
    ]);
    this.#end?.();
  }

  #fail(error: ShoalError): void {
    if (this.#ending.signal.aborted) return;
    this.#end ??= () => this.#ended.reject(error);
    void this.close();
  }

  // — What it is made of ————————————————————————————————————————————————————————————————————————

  get #choice() {
    return { only: this.#options.interfaces, except: this.#options.exceptInterfaces };
  }

  /** The exchange is in clear, but for what it seals itself. */
  #transport(): TransportConfig {
    const { tune } = this.#options;
    return { ...transportConfig({ host: UNSPECIFIED_ADDRESS, tune, layers: [] }), answers: true };
  }

  async #serve(): Promise<Server> {
    const { files, folders, contents, hidden, tune, interfaces, exceptInterfaces, signal } =
      this.#options;
    const { cacheDir, rateBytesPerS } = this.#options;
    this.#server = await serveIn(this.#runtime, {
      ...{ files, folders, contents, hidden, tune, interfaces, exceptInterfaces, rateBytesPerS },
      ...(cacheDir !== undefined && { cacheDir }),
      ...(signal !== undefined && { signal }),
      layers: [codeLayer(this.#group)],
      // Whoever has the key is told the port: nobody has to find it.
      ...{ port: 0, broadcast: [], classic: false },
      onEvent: (event) => this.#onServeEvent(event),
    });
    return this.#server;
  }

  #openSocket(config: TransportConfig, isShared: boolean): CodeSocket {
    return new CodeSocket(this.#runtime.net.openDatagrams(config), {
      isHeard: (address) => !isFromExcluded(address, this.#subnets.now, this.#choice),
      onArrived: (arrived) => {
        if (arrived.kind === "sealed") return this.#handle(arrived);
        if (this.#machine === undefined) return this.#numbers.onFrame(arrived.frame);
        this.#handle({ ...arrived, isShared });
      },
      onRefused: (message) => this.#notice("warning", message),
      onFailure: (error) => this.#fail(error),
    });
  }

  #register(master: string, server: ReturnType<typeof randomServerId>, code: Code): MasterLink {
    return new MasterLink({
      ...{ master, server, port: this.#own!.port, catalogue: codeCatalogue(code.number) },
      ...{ runtime: this.#runtime, layers: this.#options.layers, seed: this.#runtime.random.u32() },
      onState: (isRegistered, message) =>
        isRegistered
          ? this.#notice("info", `Registered with master ${message}`)
          : this.#notice("warning", `master: ${message}; trying again`),
    });
  }

  // — What happens ——————————————————————————————————————————————————————————————————————————————

  #handle(event: CodeSenderEvent): void {
    const machine = this.#machine;
    if (machine === undefined) return;
    for (const action of machine.handle(this.#runtime.clock.nowMs(), event)) this.#perform(action);
    this.#timer.set(machine.nextWakeupMs());
  }

  #perform(action: CodeSenderAction): void {
    switch (action.kind) {
      case "send": {
        const socket = action.isShared ? this.#shared : this.#own;
        return socket?.send(action.datagram, action.to);
      }
      case "taken":
        return this.#tell("taken", action.by);
      case "state":
        if (action.state === "fetching") this.#tell("fetching", action.by);
        return;
      case "left":
        return this.#tell("left", action.by);
      case "ended":
        return this.#onEnded(action);
      case "closed":
        return void this.close();
      default:
        action satisfies never;
    }
  }

  #onEnded({ how, by }: Extract<CodeSenderAction, { kind: "ended" }>): void {
    if (how === "stopped") return;
    this.#tell(how, by);
    const client = by === undefined ? "" : endpointText(by);
    const { files } = this.#server!.ready;
    this.#end ??= {
      done: () => this.#ended.resolve({ client, files }),
      declined: () =>
        this.#ended.reject(
          new ShoalError("refused", "whoever has the code did not want what was sent", {
            hint: "The code is void. Send it again for another one.",
          }),
        ),
      wrong: () =>
        this.#ended.reject(
          new ShoalError("refused", `${client} tried another code, so this one is void`, {
            hint: "Send it again, and tell the new code: each is good for one try.",
          }),
        ),
    }[how];
    // Nobody is served any more who has not all.
    if (how !== "done") void this.#server?.close().catch(() => {});
  }

  /** Of who serves, what is not said here already. */
  #onServeEvent(event: ServeEvent): void {
    switch (event.event) {
      case "transfer":
      case "indexing":
      case "notice":
        return this.#options.onEvent?.(event);
      default:
    }
  }

  #tell(state: Extract<SendEvent, { event: "code" }>["state"], by?: Endpoint): void {
    const { files } = this.#server!.ready;
    const client = by === undefined ? {} : { client: endpointText(by) };
    this.#options.onEvent?.({ event: "code", state, ...client, files });
  }

  #notice(level: "info" | "warning", message: string): void {
    this.#options.onEvent?.({ event: "notice", level, message });
  }
}
