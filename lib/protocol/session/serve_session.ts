/** A server's side of any session: the first byte tells which of the dialects the peer speaks. */
import { asciiLine, serveAscii } from "./serve_ascii.ts";
import { fail, serveJson } from "./serve_json.ts";
import { ask, type Dialogue, type SessionPolicy } from "./dialogue.ts";

/** A length prefix starts with a byte below this: bodies are far shorter than 512 MiB. */
const PREFIX_BYTE_END = 0x20;
const [FIRST_CAPITAL, LAST_CAPITAL] = [0x41, 0x5a];
const CROWDED = "too many connections: try again later";

export function* serveSession(policy: SessionPolicy): Dialogue {
  const first = yield* ask("peek", {});
  if (first === undefined) return;
  if (first < PREFIX_BYTE_END) {
    if (policy.isCrowded) return yield* fail(CROWDED);
    return yield* serveJson(policy);
  }
  const isCommand = first >= FIRST_CAPITAL && first <= LAST_CAPITAL;
  if (isCommand && !policy.isCrowded) return yield* serveAscii(policy);
  const why = policy.isCrowded ? CROWDED : "that is no command";
  yield* ask("send", { bytes: asciiLine(`ERROR ${why}`) });
}
