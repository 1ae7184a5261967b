/** What can be found out about the machine that this runs on; the platform's own is in `deno_host_facts.ts`. */

/** Of a port, whether a program could have it now. */
export type PortState = "free" | "in use" | "not allowed";

export interface HostFacts {
  readonly os: string;
  readonly denoVersion: string;
  /** What Deno was not given, of the permissions that Shoal can use. */
  readonly denied: readonly string[];
  /** Whether the user has switched off what needs FFI. */
  readonly isTuningOff: boolean;
  /** A small file of the system; `undefined` where it is not there or may not be read. */
  readText(path: string): string | undefined;
  /**
   * What a program prints; `undefined` where it is not there, may not be run, takes longer, or says that it failed. It never
   * asks anything.
   */
  run(command: string, args: readonly string[], timeoutMs: number): Promise<string | undefined>;
  /** Of a port of all addresses, as it is for a moment. */
  port(transport: "udp" | "tcp", port: number): PortState;
}
