import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { TOKEN_BYTES } from "../../../lib/wire/limits.ts";
import { TOKEN_CACHE_MAX, TOKEN_EPOCH_MS } from "../../../lib/protocol/base/limits.ts";
import { NO_TOKEN, Tokens } from "../../../lib/protocol/base/tokens.ts";

const SECRET = Uint8Array.from({ length: 32 }, (_, i) => i);
const CLIENT = "192.168.7.20";

Deno.test("a token is accepted in its epoch and the next, and then has expired", () => {
  const tokens = new Tokens(SECRET);
  const issuedMs = 5 * TOKEN_EPOCH_MS;
  const token = tokens.issue(issuedMs, CLIENT);
  assertEquals(token.length, TOKEN_BYTES);
  assertEquals(tokens.judge(issuedMs, CLIENT, token), "valid");
  assertEquals(tokens.judge(issuedMs + 2 * TOKEN_EPOCH_MS - 1, CLIENT, token), "valid");
  assertEquals(tokens.judge(issuedMs + 2 * TOKEN_EPOCH_MS, CLIENT, token), "expired");
  assertEquals(tokens.judge(issuedMs + 200 * TOKEN_EPOCH_MS, CLIENT, token), "expired");
});

Deno.test("a token of the first epoch survives into the second", () => {
  const tokens = new Tokens(SECRET);
  assertEquals(tokens.judge(TOKEN_EPOCH_MS, CLIENT, tokens.issue(0, CLIENT)), "valid");
});

Deno.test("the epoch's byte wraps around without accepting what is 256 epochs old", () => {
  const tokens = new Tokens(SECRET);
  const old = tokens.issue(3 * TOKEN_EPOCH_MS, CLIENT);
  const nowMs = 259 * TOKEN_EPOCH_MS;
  assertEquals(tokens.issue(nowMs, CLIENT)[0], old[0]);
  assertEquals(tokens.judge(nowMs, CLIENT, old), "invalid");
});

Deno.test("a token is worth nothing at another address, under another secret, or altered", () => {
  const tokens = new Tokens(SECRET);
  const token = tokens.issue(0, CLIENT);
  assertEquals(tokens.judge(0, "192.168.7.21", token), "invalid");
  assertEquals(new Tokens(SECRET.slice(1)).judge(0, CLIENT, token), "invalid");
  for (let i = 0; i < TOKEN_BYTES; i++) {
    const altered = token.slice();
    altered[i]! ^= 0x10;
    assertEquals(tokens.judge(0, CLIENT, altered), "invalid", `byte ${i}`);
  }
});

Deno.test("zeros are no token, in any epoch", () => {
  const tokens = new Tokens(SECRET);
  for (let epoch = 0; epoch < 300; epoch++) {
    assertEquals(tokens.judge(epoch * TOKEN_EPOCH_MS, CLIENT, NO_TOKEN), "none");
  }
});

Deno.test("two threads with one secret agree, and a crowd does not change a token", () => {
  const tokens = new Tokens(SECRET);
  const token = tokens.issue(0, CLIENT);
  for (let i = 0; i <= TOKEN_CACHE_MAX; i++) {
    assertNotEquals(tokens.issue(0, `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`), token);
  }
  assertEquals(tokens.issue(0, CLIENT), token);
  assert(tokens.issue(0, CLIENT) !== token, "the crowd has pushed it out of the cache");
  assertEquals(new Tokens(SECRET).judge(0, CLIENT, token), "valid");
});
