/**
 * scp with a key of its own, from an sshd of its own, with the cipher that processors help with. The
 * transport authenticates every packet; the file as a whole is not hashed.
 */
import { join } from "@std/path/join";
import { must } from "../lab/command.ts";
import { Daemon } from "../measure/daemon.ts";
import { installed, missingOf, type Tool } from "./tool.ts";

/** Where sshd insists on finding an empty folder. */
const PRIVILEGE_FOLDER = "/run/sshd";
const CIPHER = "aes128-gcm@openssh.com";

export const scp: Tool = {
  name: "scp",
  usesTcp: true,
  leavesCopies: true,
  worksOnLoopback: false,
  missing: () => missingOf("sshd", "scp", "ssh-keygen"),
  async open({ bed, servers, dir, names, workDir }) {
    const [host] = servers;
    const port = bed.port();
    const [hostKey, userKey] = [join(workDir, "host_key"), join(workDir, "user_key")];
    for (const key of [hostKey, userKey]) {
      await must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
    }
    const config = join(workDir, "sshd_config");
    await Deno.writeTextFile(
      config,
      [
        ...[`Port ${port}`, `ListenAddress ${host!.address}`, `HostKey ${hostKey}`],
        ...[`AuthorizedKeysFile ${userKey}.pub`, "StrictModes no", "PermitRootLogin yes"],
        ...["UsePAM no", "UseDNS no", "PidFile none", "Subsystem sftp internal-sftp", ""],
      ].join("\n"),
    );
    const madeFolder = await Deno.mkdir(PRIVILEGE_FOLDER).then(() => true, () => false);
    const removeFolder = async () => {
      if (madeFolder) await Deno.remove(PRIVILEGE_FOLDER).catch(() => {});
    };
    const daemon = await Daemon.start({
      host: host!,
      argv: [await installed("sshd"), "-D", "-e", "-f", config],
      ready: { tcp: port },
    }).catch(async (error) => {
      await removeFolder();
      throw error;
    });
    return {
      daemons: [{ side: "server", daemon }],
      fetch: (run) =>
        run.exec("client", run.client, [
          ...["scp", "-q", "-F", "none", "-P", String(port), "-i", userKey, "-c", CIPHER],
          ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
          ...["-o", "Compression=no", "-o", "BatchMode=yes"],
          ...[`root@${host!.address}:${join(dir, names[0]!)}`, run.outDir],
        ]),
      async [Symbol.asyncDispose]() {
        await daemon[Symbol.asyncDispose]();
        await removeFolder();
      },
    };
  },
};
