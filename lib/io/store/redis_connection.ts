/**
 * A connection to Redis that reconnects by itself. While it is down, requests fail at
 * once instead of waiting for it.
 */
import {
  REDIS_ANSWER_MS_MAX,
  REDIS_GOODBYE_MS,
  REDIS_PING_MS,
  REDIS_RECONNECT_MS,
} from "./limits.ts";
import { hash } from "node:crypto";
import { ShoalError } from "../../errors.ts";
import { nowMs, sleep, within } from "../system/deno_clock.ts";
import { KEY_PREFIX } from "./redis_layout.ts";
import { type ScriptName, SCRIPTS } from "./redis_scripts.ts";

/** Only a master with such a store needs the client: loading it takes a fifth of a second. */
type ClientModule = typeof import("@redis/client");
type Client = ReturnType<typeof makeClient>;

const SHA1S = new Map<ScriptName, string>(
  (Object.keys(SCRIPTS) as ScriptName[]).map((name) => [name, hash("sha1", SCRIPTS[name])]),
);

export class RedisConnection {
  readonly #module: ClientModule;
  readonly #client: Client;
  readonly #place: string;

  private constructor(module: ClientModule, client: Client, place: string) {
    this.#module = module;
    this.#client = client;
    this.#place = place;
  }

  /**
   * Connects, trying again for a few seconds in case Redis is just starting.
   *
   * @param url `redis://[[USER]:PASSWORD@]HOST[:PORT][/DATABASE]`, or `rediss:` for TLS
   * @throws ShoalError `usage` for a URL that is none; `network` when Redis is away or refuses
   */
  static async open(url: string): Promise<RedisConnection> {
    const place = placeOf(url);
    const module = await import("@redis/client");
    const deadlineMs = nowMs() + REDIS_ANSWER_MS_MAX;
    let isOpen = false;
    const client = makeClient(module, url, (cause) => {
      if (isOpen) return true;
      return !isRefusal(module, cause) && nowMs() + REDIS_RECONNECT_MS < deadlineMs;
    });
    // What goes wrong is told to those whose commands fail; without a listener it would end us.
    client.on("error", () => {});
    const connection = new RedisConnection(module, client, place);
    try {
      await client.connect();
      isOpen = true;
      // Asks for what only a Redis that is new enough, and lets us in, answers.
      await connection.#send(["HRANDFIELD", `${KEY_PREFIX}leases`, "1"]);
      return connection;
    } catch (error) {
      client.destroy();
      throw connection.#explain(error);
    }
  }

  /**
   * Runs a script whole.
   *
   * @throws ShoalError `network`; then it may have run nevertheless, if Redis went away meanwhile
   */
  async run(name: ScriptName, args: readonly (string | number)[]): Promise<unknown> {
    const texts = ["0", ...args.map(String)];
    try {
      return await this.#send(["EVALSHA", SHA1S.get(name)!, ...texts]);
    } catch (error) {
      const isUnknown = isRefusal(this.#module, error) && error.message.startsWith("NOSCRIPT");
      if (!isUnknown) throw this.#explain(error);
    }
    // A Redis that has not seen it yet, or has been started anew, remembers it from now on.
    try {
      return await this.#send(["EVAL", SCRIPTS[name], ...texts]);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** Afterwards everything fails. */
  async end(): Promise<void> {
    if (!this.#client.isOpen) return;
    if (!this.#client.isReady) {
      this.#client.destroy();
      // The client's pause before it tries again cannot be cut short, only sat out.
      await sleep(2 * REDIS_RECONNECT_MS);
      return;
    }
    const closed = this.#client.close().then(() => true, () => false);
    if (await within(closed, REDIS_GOODBYE_MS) !== true) this.#client.destroy();
  }

  async #send(command: readonly string[]): Promise<unknown> {
    const reply = this.#client.sendCommand<unknown>(command).then((value) => ({ value }));
    const answer = await within(reply, REDIS_ANSWER_MS_MAX);
    if (answer === undefined) throw new Error(`no answer for ${REDIS_ANSWER_MS_MAX / 1000} s`);
    return answer.value;
  }

  #explain(error: unknown): ShoalError {
    const message = error instanceof Error ? error.message : String(error);
    if (isRefusal(this.#module, error)) {
      return new ShoalError("network", `Redis at ${this.#place} refuses: ${message}`, {
        hint: "Check the password and the database in --store, and that it is Redis 6.2 or later.",
        cause: error,
      });
    }
    return new ShoalError("network", `cannot reach Redis at ${this.#place}: ${message}`, {
      hint: `Check that Redis runs there: redis-cli -u redis://${this.#place} ping`,
      cause: error,
    });
  }
}

/** @param triesAgain whether a connection that failed so is tried once more */
function makeClient(
  { createClient }: ClientModule,
  url: string,
  triesAgain: (cause: Error) => boolean,
) {
  return createClient({
    url,
    // Everything is arrays and text; without these two it would look at the environment, too.
    RESP: 2,
    maintNotifications: "disabled",
    disableClientInfo: true,
    disableOfflineQueue: true,
    pingInterval: REDIS_PING_MS,
    socket: {
      connectTimeout: REDIS_ANSWER_MS_MAX,
      socketTimeout: REDIS_ANSWER_MS_MAX,
      reconnectStrategy: (_retries, cause) => triesAgain(cause) && REDIS_RECONNECT_MS,
    },
  });
}

/** `HOST:PORT` of a URL: what may be shown, without its password. */
function placeOf(text: string): string {
  const url = URL.parse(text);
  if (url === null || !/^rediss?:$/.test(url.protocol) || url.hostname === "") {
    throw new ShoalError("usage", "that is not the address of a Redis server", {
      hint: "Write it as redis://HOST:PORT, or redis://:PASSWORD@HOST:PORT/DATABASE.",
    });
  }
  return `${url.hostname}:${url.port || "6379"}`;
}

/** Whether Redis itself said no, and will again. */
function isRefusal({ ErrorReply }: ClientModule, error: unknown): error is Error {
  return error instanceof ErrorReply && !/^(LOADING|BUSY|MASTERDOWN)\b/.test(error.message);
}
