/** Configs of sockets as most tests need them: all defaults but what is given. */
import "./libraries.ts";
import { UNSPECIFIED_ADDRESS } from "../../lib/address.ts";
import { type TransportConfig, transportConfig } from "../../lib/messages/transport_config.ts";

export function testTransport(given: Partial<TransportConfig> = {}): TransportConfig {
  return {
    ...transportConfig({ host: UNSPECIFIED_ADDRESS, tune: true, layers: [] }),
    ...given,
  };
}
