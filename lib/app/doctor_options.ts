/** What `diagnose` takes. */
import type { DoctorEvent } from "./events.ts";
import type { NetworkOptions } from "./options.ts";

/** What to look at, beside this machine. */
export interface DoctorOptions extends
  Pick<
    NetworkOptions,
    "port" | "broadcast" | "interfaces" | "exceptInterfaces" | "layers" | "signal"
  > {
  /** Look at these hosts (`HOST` or `HOST:PORT`); by default it is listened for servers of the network. */
  readonly servers?: readonly string[];
  /** Look at this machine alone, and send nothing; false by default. */
  readonly machineOnly?: boolean;
  /** Where files would go; `./downloads` by default. */
  readonly outDir?: string;
  /** Called for every event, in order. */
  readonly onEvent?: (event: DoctorEvent) => void;
}
