/** A server's side of any session: the first byte tells which of the dialects the peer speaks. */
import { asciiLine } from "../../wire/session_ascii.ts";
import { PREFIX_BYTE_END } from "../../wire/session_opening.ts";
import { serveAscii } from "./serve_ascii.ts";
import { fail, serveJson } from "./serve_json.ts";
import { ask, type Dialogue, type SessionPolicy } from "./dialogue.ts";

const [FIRST_CAPITAL, LAST_CAPITAL] = [0x41, 0x5a];

export function* serveSession(policy: SessionPolicy): Dialogue {
  const { refusal } = policy;
  const first = yield* ask("peek", {});
  if (first === undefined) return;
  if (first < PREFIX_BYTE_END) {
    if (refusal !== undefined) return yield* fail("crowded", refusal);
    return yield* serveJson(policy);
  }
  const isCommand = first >= FIRST_CAPITAL && first <= LAST_CAPITAL;
  if (isCommand && refusal === undefined) return yield* serveAscii(policy);
  yield* ask("send", { bytes: asciiLine(`ERROR ${refusal ?? "that is no command"}`) });
}
