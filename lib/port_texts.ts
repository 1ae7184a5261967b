/** Ports as people are told to open them. */
import { DATA_PORT_FIRST, DATA_PORT_LAST, DISCOVERY_PORT } from "./limits.ts";

/** The UDP ports of servers that share this one for discovery. */
export function udpPortsText(port = DISCOVERY_PORT): string {
  return `UDP ${port} and ${DATA_PORT_FIRST}-${DATA_PORT_LAST}`;
}
