/** Existing programs of other people, played by scripts in Python. */
import { canRunProcesses } from "./shoal_process.ts";

const PEER_TIMEOUT_MS = 60_000;
const decoder = new TextDecoder();

export async function hasPython(): Promise<boolean> {
  if (!canRunProcesses) return false;
  try {
    return (await new Deno.Command("python3", { args: ["--version"] }).output()).success;
  } catch {
    return false;
  }
}

/** Runs a script to its end; returns all that it said. */
export async function runPeer(script: string, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await new Deno.Command("python3", {
    args: [script, ...args],
    stdin: "null",
    signal: AbortSignal.timeout(PEER_TIMEOUT_MS),
  }).output();
  return decoder.decode(stdout) + decoder.decode(stderr);
}

/** A script that runs until the test ends, and begins by saying one line. */
export class Peer implements AsyncDisposable {
  readonly line: string;
  readonly #child: Deno.ChildProcess;

  private constructor(line: string, child: Deno.ChildProcess) {
    this.line = line;
    this.#child = child;
  }

  static async start(script: string, ...args: string[]): Promise<Peer> {
    const child = new Deno.Command("python3", {
      args: [script, ...args],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    const reader = child.stdout.getReader();
    let said = "";
    while (!said.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`${script} ended`);
      said += decoder.decode(value);
    }
    await reader.cancel();
    return new Peer(said.trim(), child);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#child.kill("SIGKILL");
    } catch {
      // It ended by itself.
    }
    await this.#child.status;
  }
}
