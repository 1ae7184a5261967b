/** `secret [new|set]`: make the secret of a group, keep one that was made elsewhere, or see which one is used here. */
import { EXIT, ShoalError } from "../errors.ts";
import { displayName } from "../names.ts";
import { shellWord } from "../io/system/invocation.ts";
import { defineCommand } from "./command.ts";
import { SECRET_TYPED_BYTES_MAX } from "./limits.ts";
import { OUTPUT_OPTIONS } from "./option_table.ts";
import { sealedText, SECRET_FILE_OPTION, warnOfWeakness } from "./secret_options.ts";

export const secretCommand = defineCommand({
  command: "secret",
  summary: "make a secret that seals all traffic of a group, or say which one is used",
  positionals: {
    label: "[new|set]",
    summary: "new makes one, set asks for the words of one and keeps them",
    countMin: 0,
    countMax: 1,
    completes: ["new", "set"],
  },
  options: { ...SECRET_FILE_OPTION, ...OUTPUT_OPTIONS },
  notes: [
    "A secret is twelve words, 128 random bits, in a file that its owner alone can read. Copy the file\n" +
    "to the machines of the group, over a way that you trust, or type the words there (`secret set`):\n" +
    "from then on `server`, `get`, `list`, `put` and `master` there seal all that they say, and hear\n" +
    "nothing else.",
    "Each secret has four other words by which people tell secrets apart; they say nothing about it.",
    "To change it, let each machine have both, the new one in the first line; when all have it, take\n" +
    "the old line away.",
    "A text that somebody thought up is a secret as well, of one line; a long one.",
    "What a seal holds, and what not, is in docs/SECURITY.md.",
  ],
  examples: [
    { line: "secret new", says: "in ~/.config/shoal/secret; a file that is there is not replaced" },
    { line: "secret set", says: "on another machine: asks for its words, and checks them" },
    { line: "secret", says: "which secret is used on this machine, in four words" },
    { line: "secret new --secret-file class-7b", says: "in another file" },
  ],
  async perform({ "secret-file": file }, [word], { app, pipes, reporter, signal, terminal }) {
    if (word !== undefined && word !== "new" && word !== "set") {
      throw new ShoalError("usage", "secret takes one word of its own, new or set", {
        hint: "Say `secret new`, `secret set`, or `secret` alone.",
      });
    }
    // Nobody types twelve words for nothing.
    if (word === "set") await app.placeForSecret(file);
    const found = word === "new"
      ? await app.newSecret(file)
      : word === "set"
      ? await app.keepSecret(await pipes.secret("Secret: ", SECRET_TYPED_BYTES_MAX, signal), file)
      : await app.findSecret(file === undefined ? {} : { file });
    const [sealed] = found?.fingerprints ?? [];
    if (found === undefined || sealed === undefined) {
      reporter.report({ event: "secret", isNew: false });
      reporter.answer(
        `There is no secret here: everything is spoken in clear. \`${terminal.invocation} secret new\` makes one.`,
      );
      return EXIT.done;
    }
    const { path = "" } = found;
    reporter.report({ event: "secret", path, sealed, isNew: word === "new" });
    if (found.isWeak && word === "set") warnOfWeakness(reporter);
    if (word === "set") {
      reporter.answer(
        `The secret is in ${
          displayName(path)
        }. On each machine of the group, people tell it by the words "${sealed}".`,
      );
      return EXIT.done;
    }
    if (word !== "new") {
      reporter.answer(sealedText(found));
      return EXIT.done;
    }
    reporter.answer(
      `A new secret is in ${displayName(path)}. People tell it by the words "${sealed}".`,
    );
    reporter.answer(`To read it out: cat ${shellWord(path)}`);
    reporter.answer(
      `On each other machine of the group: copy the file to the same place, or run \`${terminal.invocation} secret set\` and type its words.`,
    );
    return EXIT.done;
  },
});
