/** The unit for systemd is one that systemd takes, whatever folders and names are like. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path/join";
import { serviceUnit } from "../../lib/cli/service_unit.ts";
import { run } from "../support/fake_cli.ts";
import { withFolder } from "../support/folder.ts";
import { canRun, canTouchFiles } from "../support/permissions.ts";

const START = {
  words: ["/usr/bin/deno", "run", "-A", "/opt/my shoal/shoal.js"],
  args: ["server", 'a "b" $HOME 100%', "--rate", "5mbit"],
  folder: "/home/ann/50% off",
  environment: { DENO_DIR: "%C/shoal/deno", SHOAL_DIR: 'a "b"' },
  writable: ["/home/ann/In box"],
  again: "shoal service\nx",
};

Deno.test("words are quoted as systemd reads them back", () => {
  const lines = serviceUnit(START).split("\n");
  for (
    const line of [
      'ExecStart=/usr/bin/deno run -A "/opt/my shoal/shoal.js" server "a \\"b\\" $$HOME 100%%" --rate 5mbit',
      "WorkingDirectory=/home/ann/50%% off",
      "Environment=DENO_DIR=%C/shoal/deno",
      'Environment="SHOAL_DIR=a \\"b\\""',
      'ReadWritePaths="/home/ann/In box"',
      "# shoal service x > ~/.config/systemd/user/shoal.service",
    ]
  ) {
    assertEquals(lines.includes(line), true, `${line}\nin\n${lines.join("\n")}`);
  }
});

const canVerify = await canRun("systemd-analyze") &&
  await new Deno.Command("systemd-analyze", { args: ["--version"] }).output().then(
    ({ success }) => success,
    () => false,
  );

Deno.test({
  name: `systemd finds nothing wrong with the unit${canVerify ? "" : " (no systemd-analyze)"}`,
  ignore: !canVerify,
  fn: () =>
    withFolder({}, async (folder) => {
      const path = join(folder, "shoal.service");
      const words = [Deno.execPath(), ...START.words.slice(1)];
      await Deno.writeTextFile(path, serviceUnit({ ...START, words }));
      const { success, stderr } = await new Deno.Command("systemd-analyze", {
        args: ["verify", "--user", path],
        env: { XDG_RUNTIME_DIR: folder },
      }).output();
      assertEquals([new TextDecoder().decode(stderr), success], ["", true]);
    }),
});

Deno.test({
  name: "a service takes what a server takes, and refuses what that would",
  ignore: !await canTouchFiles(),
}, async () => {
  const { code, out } = await run(["service", "videos", "--allow-upload"], {
    env: { SHOAL_MASTER: "10.0.0.9", XDG_CONFIG_HOME: "/home/me/settings" },
  });
  assertEquals(code, 0);
  assertStringIncludes(out, " server videos --allow-upload\n");
  assertStringIncludes(out, "\nEnvironment=SHOAL_MASTER=10.0.0.9\n");
  assertStringIncludes(out, "\nEnvironment=XDG_CONFIG_HOME=/home/me/settings\n");
  assertStringIncludes(out, "/videos\n");
  assertEquals((await run(["service", "videos"])).out.includes("ReadWritePaths"), false);
  assertStringIncludes(
    (await run(["service", "--max-upload", "1gb"])).err,
    "--max-upload does nothing without --allow-upload",
  );
  assertStringIncludes(
    (await run(["service", "-", "--name", "x"])).err,
    "error: a service has no standard input",
  );
  const { code: refused, err } = await run(["service", "videos", "--secret", "-"]);
  assertEquals(refused, 2);
  assertStringIncludes(err, "hint: Keep the secret in a file: `shoal secret new`");
});
