/**
 * The library for the command line, loaded by what a command uses: a `get` compiles neither server nor
 * master. What it offers is what `mod.ts` exports; of several files, what became of each.
 */
import type { App } from "./command.ts";

export const lazyApp: App = {
  serve: async (options) => await (await import("../app/serve/serve.ts")).serve(options),
  get: async (options) => await (await import("../app/client/get_files.ts")).getSettled(options),
  getOverTcp: async (options) =>
    await (await import("../app/client/get_files.ts")).getOverTcpSettled(options),
  list: async (options) => await (await import("../app/list/list.ts")).list(options),
  listOverTcp: async (options) =>
    await (await import("../app/list/tcp_list.ts")).listOverTcp(options),
  codeMeant: async (typed, isCode) =>
    (await import("../app/codes/meant_code.ts")).codeMeant(typed, isCode),
  send: async (options) => await (await import("../app/codes/send.ts")).send(options),
  getByCode: async (options) =>
    await (await import("../app/codes/get_by_code.ts")).getByCodeSettled(options),
  put: async (options) => await (await import("../app/session/put.ts")).putSettled(options),
  hashFile: async (path, options) => await (await import("../app/hash.ts")).hashFile(path, options),
  diagnose: async (options) => await (await import("../app/doctor/doctor.ts")).diagnose(options),
  demo: async (options) => await (await import("../app/demo.ts")).demo(options),
  hostName: async (address) =>
    await (await import("../io/net/deno_network.ts")).denoNameOf(address),
  master: async (options) => await (await import("../app/master/master.ts")).master(options),
  openWeb: async (options) => (await import("../web/web_server.ts")).openWeb(options),
  serveEcho: async (options) => (await import("../app/session/echo_server.ts")).serveEcho(options),
  findSecret: async (place) =>
    await (await import("../app/secret/seal_layer.ts")).findSecret(place),
  newSecret: async (path) => await (await import("../app/secret/seal_layer.ts")).newSecret(path),
  placeForSecret: async (path) =>
    (await import("../app/secret/seal_layer.ts")).placeForSecret(path),
  keepSecret: async (text, path) =>
    await (await import("../app/secret/seal_layer.ts")).keepSecret(text, path),
  echo: async (options) => await (await import("../app/session/echo_client.ts")).echo(options),
};
