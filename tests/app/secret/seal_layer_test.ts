/** Where a secret is kept, and what is refused there: on a real disk. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path/join";
import {
  findSecret,
  keepSecret,
  newSecret,
  sealLayer,
} from "../../../lib/app/secret/seal_layer.ts";
import { ShoalError } from "../../../lib/errors.ts";
import type { SealConfig } from "../../../lib/messages/transport_config.ts";
import { toHex } from "../../../lib/ids.ts";
import { makeFifo } from "../../support/special_files.ts";

const WORDS = "spell youth prepare index addict render pride reason license cube dune horn";
const FINGERPRINT = "access dose mad notable";
const TYPED = "a secret that we have agreed on, and that nobody guesses";

async function inFolder(body: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(join(dir, "secret"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** The secret in a file of this content and mode. */
async function secretIn(path: string, content: string | Uint8Array, mode = 0o600) {
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  await Deno.writeFile(path, bytes);
  await Deno.chmod(path, mode);
  return await findSecret({ file: path });
}

async function refusal(work: Promise<unknown>): Promise<ShoalError> {
  const error = await work.then(() => undefined, (thrown) => thrown);
  assert(error instanceof ShoalError, String(error));
  assertEquals(error.code, "usage");
  return error;
}

function groupsOf({ layer }: { readonly layer: unknown }): string[] {
  return (layer as SealConfig).groups.map(toHex);
}

Deno.test("a new secret is in a file of its owner's, is read from there, and is never replaced", async () => {
  await inFolder(async (dir) => {
    const path = join(dir, "deep", "secret");
    const made = await newSecret(path);
    const text = await Deno.readTextFile(path);
    assertMatch(text, /^([a-z]+ ){11}[a-z]+\n$/);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertEquals((await Deno.stat(join(dir, "deep"))).mode! & 0o777, 0o700);
    const found = await findSecret({ file: path });
    assertEquals(groupsOf(found!), groupsOf(made));
    assertEquals([found!.fingerprints, found!.path], [made.fingerprints, path]);
    const error = await refusal(newSecret(path));
    assertStringIncludes(error.message, "not replaced");
    assertEquals(await Deno.readTextFile(path), text);
    assertNotEquals(groupsOf(await newSecret(join(dir, "other"))), groupsOf(made));
  });
});

Deno.test("a secret is the same however its words are written, and told by the same four", async () => {
  const forms = [
    WORDS,
    `${WORDS}\n`,
    `\r\n  ${WORDS}\r\n`,
    WORDS.toUpperCase(),
    WORDS.replaceAll(" ", "-"),
  ];
  for (const form of forms) {
    const found = await findSecret({ text: new TextEncoder().encode(form) });
    assertEquals([found?.fingerprints, found?.isWeak], [[FINGERPRINT], false], form);
  }
});

Deno.test("a file that others can read is refused, with the command that mends it", async () => {
  await inFolder(async (path) => {
    for (const mode of [0o644, 0o640, 0o604, 0o660, 0o602]) {
      const error = await refusal(secretIn(path, WORDS, mode));
      assertStringIncludes(error.message, "can be read by others");
      assertStringIncludes(error.hint, `chmod 600 ${path}`);
    }
    assertEquals((await secretIn(path, WORDS, 0o400))?.fingerprints, [FINGERPRINT]);
  });
});

Deno.test("what is no secret is refused, and nothing of it is said", async () => {
  await inFolder(async (path) => {
    const cases: readonly (readonly [string | Uint8Array, string])[] = [
      ["", "is empty"],
      ["\n \r\n\n", "is empty"],
      [Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 0, 1, 2), "is no text"],
      [Uint8Array.of(0xff, 0xfe, 0x41), "is no text"],
      ["x".repeat(1 << 20), "too long"],
      ["hush1\nhush2\nhush3\n", "more than 2 lines"],
      [WORDS.replace("horn", "horse"), "wrong word"],
      [WORDS.replace("youth", "yuoth"), "number 2"],
      [WORDS.replace(" dune", ""), "has 11 words"],
      [`${WORDS} horn`, "has 13 words"],
      [`${WORDS}\n${WORDS.toUpperCase().replaceAll(" ", "-")}\n`, "is there twice"],
      ["hush hush hush\nhush hush hush\n", "is there twice"],
      [WORDS.split(" ").toReversed().join(" "), "wrong word"],
    ];
    for (const [content, says] of cases) {
      const { message, hint } = await refusal(secretIn(path, content));
      assertStringIncludes(message, says);
      for (const word of ["hush", "yuoth", "horse", "xxxx"]) {
        assert(!`${message} ${hint}`.includes(word), message);
      }
    }
  });
});

Deno.test("a secret that is typed is checked, and kept as one that was made here", async () => {
  await inFolder(async (path) => {
    const keep = (text: string) => keepSecret(new TextEncoder().encode(text), path);
    assertStringIncludes(
      (await refusal(keep(WORDS.replace("horn", "horse")))).message,
      "wrong word",
    );
    await refusal(keep("\n"));
    assertEquals(
      (await refusal(findSecret({ file: path }))).message.endsWith("is not there"),
      true,
    );
    const kept = await keep(`  ${WORDS}\r\n`);
    assertEquals([kept.fingerprints, kept.path], [[FINGERPRINT], path]);
    assertEquals(await Deno.readTextFile(path), `${WORDS}\n`);
    assertEquals((await Deno.stat(path)).mode! & 0o777, 0o600);
    assertStringIncludes((await refusal(keep(TYPED))).message, "not replaced");
    assertEquals((await findSecret({ file: path }))?.fingerprints, [FINGERPRINT]);
  });
});

Deno.test({
  name: "root goes by no secret of another user, but for the one who called it",
  ignore: Deno.build.os === "windows" || Deno.uid() !== 0,
  async fn() {
    await inFolder(async (path) => {
      await Deno.writeTextFile(path, WORDS, { mode: 0o600 });
      await Deno.chown(path, 4_242, null);
      assertStringIncludes((await refusal(findSecret({ file: path }))).message, "another user");
      const before = Deno.env.get("SUDO_UID");
      Deno.env.set("SUDO_UID", "4242");
      try {
        assertEquals((await findSecret({ file: path }))?.fingerprints, [FINGERPRINT]);
      } finally {
        if (before === undefined) Deno.env.delete("SUDO_UID");
        else Deno.env.set("SUDO_UID", before);
      }
    });
  },
});

Deno.test("a folder, a pipe, and what is not there are no secret files", async () => {
  await inFolder(async (path) => {
    assertStringIncludes((await refusal(findSecret({ file: path }))).message, "is not there");
    await Deno.mkdir(path);
    assertStringIncludes((await refusal(findSecret({ file: path }))).message, "is a folder");
    await Deno.remove(path);
    await makeFifo(path);
    assertStringIncludes((await refusal(findSecret({ file: path }))).message, "no regular file");
  });
});

Deno.test("two lines are two secrets: the first is spoken under, both are understood", async () => {
  await inFolder(async (path) => {
    const found = (await secretIn(path, `${TYPED}\r\n${WORDS}\r\n`))!;
    assertEquals(found.fingerprints.length, 2);
    assertEquals(found.fingerprints[1], FINGERPRINT);
    const [typed, made] = groupsOf(found);
    assertEquals(groupsOf({ layer: await sealLayer(TYPED) }), [typed]);
    assertEquals(groupsOf({ layer: await sealLayer(WORDS) }), [made]);
  });
});

Deno.test("a secret that somebody thought up is warned about when it can be guessed", async () => {
  const weak = async (text: string) =>
    (await findSecret({ text: new TextEncoder().encode(text) }))!.isWeak;
  assertEquals(await weak("hunter2"), true);
  assertEquals(await weak("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), true);
  assertEquals(await weak(TYPED), false);
  // The same letters in another form of Unicode are the same secret.
  const [one, other] = ["ä".normalize("NFC"), "ä".normalize("NFD")].map((a) => `${TYPED} ${a}`);
  assertEquals(
    groupsOf({ layer: await sealLayer(one!) }),
    groupsOf({ layer: await sealLayer(other!) }),
  );
});

Deno.test("where no secret is named and none is at the usual place, there is none", async () => {
  const dir = await Deno.makeTempDir();
  const before = Deno.env.get("XDG_CONFIG_HOME");
  Deno.env.set("XDG_CONFIG_HOME", dir);
  try {
    assertEquals(await findSecret({}), undefined);
    const made = await newSecret();
    assertEquals(made.path, join(dir, "shoal", "secret"));
    assertEquals((await findSecret({}))?.fingerprints, made.fingerprints);
    // What is in the way is not taken for nothing.
    await Deno.remove(made.path!);
    await Deno.mkdir(made.path!);
    await refusal(findSecret({}));
  } finally {
    if (before === undefined) Deno.env.delete("XDG_CONFIG_HOME");
    else Deno.env.set("XDG_CONFIG_HOME", before);
    await Deno.remove(dir, { recursive: true });
  }
});
