/** The platform with what can be found out about the machine, which no other use case needs. */
import { denoRuntime, type Runtime } from "./runtime.ts";
import { denoHostFacts } from "./system/deno_host_facts.ts";
import type { HostFacts } from "./system/host_facts.ts";

export interface DoctorRuntime extends Runtime {
  readonly host: HostFacts;
}

export function denoDoctorRuntime(): DoctorRuntime {
  return { ...denoRuntime(), host: denoHostFacts };
}
