/**
 * A server of files over HTTP: nginx with sendfile, one worker (one client gains nothing from more)
 * and no log; python3's http.server where nginx is missing.
 */
import { join } from "@std/path/join";
import type { Bed, Host } from "../lab/bed.ts";
import { pathOf } from "../lab/command.ts";
import { Daemon } from "../measure/daemon.ts";

export interface HttpServer {
  readonly daemon: Daemon;
  readonly url: (name: string) => string;
}

export async function missingHttpServer(): Promise<string | undefined> {
  const path = await pathOf("nginx") ?? await pathOf("python3");
  return path === undefined ? "nginx" : undefined;
}

export async function startHttpServer(
  bed: Bed,
  host: Host,
  dir: string,
  workDir: string,
): Promise<HttpServer> {
  const port = bed.port();
  const nginx = await pathOf("nginx");
  const argv = nginx === undefined
    ? ["python3", "-m", "http.server", String(port), "--bind", host.address, "--directory", dir]
    : [nginx, "-p", workDir, "-e", "stderr", "-c", await writeConfig(host, port, dir, workDir)];
  const daemon = await Daemon.start({ host, argv, ready: { tcp: port } });
  return { daemon, url: (name) => `http://${host.address}:${port}/${name}` };
}

async function writeConfig(
  host: Host,
  port: number,
  dir: string,
  workDir: string,
): Promise<string> {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const temporary = kinds.map((kind) => `${kind}_temp_path ${workDir}/${kind};`).join("\n  ");
  const config = `daemon off;
pid ${workDir}/nginx-${port}.pid;
error_log stderr;
worker_processes 1;
${Deno.uid() === 0 ? "user root;" : ""}
events {}
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000;
  ${temporary}
  server {
    listen ${host.address}:${port};
    root ${dir};
  }
}
`;
  const path = join(workDir, `nginx-${port}.conf`);
  await Deno.writeTextFile(path, config);
  return path;
}
