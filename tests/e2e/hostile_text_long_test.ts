/**
 * Text that plays tricks on whoever reads it, given to every command in every form of output, as a name, a folder, a
 * path and an option; and what a peer is told when something fails here.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path/join";
import { e2e, randomFile } from "../support/e2e.ts";
import { askMaster, eventually, freeTcpPort, startMaster } from "../support/master.ts";
import { hasRedisServer, RedisServer } from "../support/redis.ts";
import { freePort, runShoal, Scratch, ShoalProcess } from "../support/shoal_process.ts";
import { TcpPeer } from "../support/tcp_peer.ts";

/** A name that may be offered, and one that may not but lies on disks. */
const BIDI = "holiday\u202egpj\u2066\u200b.exe";
const MOVING = "x\u001b[2J\u009b2J\r\u0085y";
const TRICKY = /(?!\n)[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\u200b]/u;
const FORMS = [["--verbose"], ["--json", "--verbose"], ["--log-format", "classic"]] as const;
const RUN_MS_MAX = 30_000;
const isElsewhere = Deno.build.os === "windows";

/** It said something, and nothing of that plays a trick. */
function assertPlain(what: string, { stdout, stderr }: { stdout: string; stderr: string }): void {
  const said = stdout + stderr;
  assertEquals(TRICKY.exec(said)?.[0], undefined, `${what}: ${JSON.stringify(said)}`);
}

for (const form of FORMS) {
  e2e(`names that play tricks are shown escaped by every command (${form.join(" ")})`, async () => {
    await using scratch = await Scratch.make();
    const [dir, out] = [join(scratch.served, MOVING), join(scratch.out, MOVING)];
    await scratch.serve(BIDI, randomFile(5_000, 1), dir);
    await scratch.serve(MOVING, randomFile(5_000, 2), dir);
    await scratch.serve(`sub${MOVING}/a`, randomFile(5_000, 3), dir);
    await scratch.serve(`up${BIDI}`, randomFile(5_000, 4), out);
    await scratch.serve(MOVING, randomFile(5_000, 5), out);
    const [port, masterPort] = [freePort(), freeTcpPort()];
    const isLog = form[0] === "--log-format";
    const clientForm: readonly string[] = isLog ? ["--verbose"] : form;
    const store = "sqlite:" + join(scratch.root, `${BIDI}.sqlite`);
    const masterArgs = ["master", "--port", `${masterPort}`, "--store", store, ...form];
    const serverArgs = ["server", dir, "--port", `${port}`, "--allow-upload", ...form];
    const options = { json: false, env: scratch.env };
    await using master = new ShoalProcess(masterArgs, options);
    const register = ["--master", `127.0.0.1:${masterPort}`];
    await using server = new ShoalProcess([...serverArgs, ...register], options);
    const common = ["--port", `${port}`, "--timeout", "1", "--retries", "2", ...clientForm];
    const to = ["--server", `127.0.0.1:${port}`, ...common];
    const upload = join(out, `up${BIDI}`);
    let isListed = false;
    await eventually("the server lists its file", 30_000, async () => {
      const list = await runShoal(["list", ...common], { json: false });
      assertPlain("list", list);
      isListed = list.stdout.includes("holiday");
      return isListed;
    });
    const runs = [
      ["get", BIDI, "**", `no${BIDI}`, "--out", out, ...common],
      ["get", BIDI, "--out", upload, ...common],
      ["get", MOVING, "--out", out, ...common],
      ["get", BIDI, "--tcp", "--server", `127.0.0.1:${port}`, "--out", `${out}-tcp`, ...common],
      ["list", "--tcp", ...to],
      ...["shoal", "ascii", "json"].map((dialect) => ["put", upload, "--dialect", dialect, ...to]),
      ["put", join(out, MOVING), ...to],
      ["put", join(out, `none${MOVING}`), ...to],
      ["hash", upload, ...clientForm],
      ["hash", out, ...clientForm],
      ["hash", join(out, `none${MOVING}`), ...clientForm],
      ["master", "--store", `sqlite:${join(out, MOVING)}`, "--port", `${freeTcpPort()}`, ...form],
      ["server", join(out, `none${MOVING}`), ...form],
      ["server", "--port", MOVING],
      ["demo", "--mode", "client", "--file", join(out, `none${MOVING}`), ...clientForm],
      ["demo", "--mode", MOVING],
      [MOVING],
      ["get", `--${MOVING}`],
      ["get", "x", "--server", MOVING],
      ["list", "--master", BIDI, ...common],
    ];
    for (const args of runs) {
      await using run = new ShoalProcess(args, { json: false, env: { HOME: out } });
      const timer = setTimeout(() => run.signal("SIGKILL"), RUN_MS_MAX);
      await run.exit();
      clearTimeout(timer);
      assertPlain(args.map((arg) => JSON.stringify(arg)).join(" "), run);
      assert(run.stdout + run.stderr !== "", args.join(" "));
    }
    assertPlain("server", server);
    assertPlain("master", master);
    assert(server.stdout.includes("holiday"), server.description());
    assert(master.stdout !== "", master.description());
  }, isElsewhere);
}

e2e(
  "a peer is told that something fails here, and not what, where, or with whose help",
  async () => {
    await using redis = await RedisServer.start(["--requirepass", "hunter2"]);
    const [port, metricsPort] = [freeTcpPort(), freeTcpPort()];
    const store = redis.url.replace("redis://", "redis://:hunter2@");
    await using master = await startMaster(port, store, "--metrics-port", `${metricsPort}`);
    await redis.kill();
    const secret = new RegExp(`hunter2|redis|${redis.port}|ECONN|refused`, "i");
    const located = await askMaster(port, { command: "locate", names: ["a"] });
    assertEquals(located["code"], "unavailable");
    const metrics = await fetch(`http://127.0.0.1:${metricsPort}/metrics`);
    assertEquals(metrics.status, 503);
    for (const told of [JSON.stringify(located), await metrics.text()]) {
      assert(!secret.test(told), told);
    }
    master.signal("SIGTERM");
    await master.exit();
    assert(!master.stdout.includes("hunter2") && !master.stderr.includes("hunter2"));
  },
  !hasRedisServer,
);

e2e("whoever uploads is told neither paths nor free space", async () => {
  await using scratch = await Scratch.make();
  const port = freePort();
  await scratch.serve("file", randomFile(10, 1));
  await Deno.symlink(scratch.root, join(scratch.served, "away"));
  // What cannot be made a folder of.
  await Deno.writeTextFile(join(scratch.served, ".shoal-uploads"), "");
  await using server = new ShoalProcess(
    ["server", scratch.served, "--port", `${port}`, "--allow-upload"],
    { env: scratch.env },
  );
  const ready = await server.event(({ event }) => event === "ready");
  using peer = await TcpPeer.connect(Number(ready["tcpPort"]));
  for (const name of ["x", "away/x", "file/x"]) {
    await peer.say({ command: "put", name, size: 5, mtime: 0 });
    const told = await peer.message();
    assertEquals(told["status"], "error", name);
    assert(!JSON.stringify(told).includes(scratch.root), JSON.stringify(told));
    assert(!/\/tmp|\/proc|free/.test(JSON.stringify(told)), JSON.stringify(told));
  }
}, isElsewhere);
