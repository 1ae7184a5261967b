/**
 * Shoal as a library: offer files, fetch them, upload them, list what is offered. Everything that
 * takes time takes an `AbortSignal` and reports through `onEvent`.
 *
 * What is returned is a success: what goes wrong rejects with a {@linkcode ShoalError}, which has a code, a message and a
 * hint. Where several files were asked for and some failed, it is a {@linkcode FilesError}, which has the results of all; what
 * ends in `Settled` returns these instead, each `done` (`stored`, `echoed`) or `failed`.
 *
 * @example Serve a folder and fetch from it
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { get, serve } from "@shoal/shoal";
 *
 * const server = await serve({ dir: "data", port: 0 });
 * const [file] = await get({
 *   names: ["example.txt"],
 *   outDir: await Deno.makeTempDir(),
 *   port: server.ready.port,
 *   broadcast: ["127.255.255.255"], // this machine alone
 * });
 * assertEquals(file?.name, "example.txt");
 * await server.close();
 * ```
 *
 * @module
 */
export { diagnose } from "./lib/app/doctor/doctor.ts";
export { demo } from "./lib/app/demo.ts";
export { echo } from "./lib/app/session/echo_client.ts";
export { type EchoServer, serveEcho } from "./lib/app/session/echo_server.ts";
export { FilesError } from "./lib/app/files_error.ts";
export { getByCode, getByCodeSettled } from "./lib/app/codes/get_by_code.ts";
export { send } from "./lib/app/codes/send.ts";
export { get, getOverTcp, getOverTcpSettled, getSettled } from "./lib/app/client/get_files.ts";
export { hashFile } from "./lib/app/hash.ts";
export { list } from "./lib/app/list/list.ts";
export { listOverTcp } from "./lib/app/list/tcp_list.ts";
export { master } from "./lib/app/master/master.ts";
export { put, putSettled } from "./lib/app/session/put.ts";
export { sealLayer } from "./lib/app/secret/seal_layer.ts";
export { serve } from "./lib/app/serve/serve.ts";
export type * from "./lib/app/events.ts";
export type * from "./lib/app/doctor_options.ts";
export type * from "./lib/app/code_options.ts";
export type * from "./lib/app/offering.ts";
export type * from "./lib/app/options.ts";
export type * from "./lib/app/receiving.ts";
export {
  type ErrorCode,
  type ErrorMessage,
  EXIT,
  type ExitCode,
  ShoalError,
} from "./lib/errors.ts";
