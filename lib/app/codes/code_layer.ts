/** The seal under which is served what goes by a code: its key is drawn for that, and told to who proves the code. */
import type { Bytes } from "../../ids.ts";
import type { SealConfig } from "../../messages/transport_config.ts";
import { SEALED_BY_CODE } from "../sealed_events.ts";

export function codeLayer(group: Bytes): SealConfig {
  return { kind: "seal", groups: [group], fingerprints: [SEALED_BY_CODE] };
}
