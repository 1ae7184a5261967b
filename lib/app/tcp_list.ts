/** `list --tcp`: what one server has, over TCP. */
import { ShoalError } from "../errors.ts";
import { withConnection } from "../io/tcp_client.ts";
import { CATALOGUE_ENTRIES_MAX, DISCOVERY_PORT, TIMEOUT_MS_DEFAULT } from "../limits.ts";
import { AsciiClient } from "./ascii_client.ts";
import type { FileEvent } from "./events.ts";
import type { ListResult, TcpListOptions } from "./options.ts";
import { describedFile, SessionClient } from "./session_client.ts";

/** Throws ShoalError `no_server`, `stalled`, `interrupted`, or `network` for what does not speak so. */
export async function listOverTcp(options: TcpListOptions): Promise<ListResult> {
  const { server, port = DISCOVERY_PORT, timeoutMs = TIMEOUT_MS_DEFAULT, signal } = options;
  const { dialect = "shoal" } = options;
  if (dialect === "json") {
    throw new ShoalError("usage", "the JSON dialect has no listing", {
      hint: "It knows uploads only: put --dialect json.",
    });
  }
  const files = await withConnection({ server, port, timeoutMs, signal }, async (connection) => {
    if (dialect === "shoal") return await listing(new SessionClient(connection));
    const listed = await new AsciiClient(connection).list();
    return listed.map(({ id, name, sizeBytes }): FileEvent => ({
      event: "file",
      name,
      size: sizeBytes,
      md5: id,
      servers: [connection.peer],
    }));
  });
  for (const file of files) options.onEvent?.(file);
  return files;
}

async function listing(client: SessionClient): Promise<FileEvent[]> {
  const files: FileEvent[] = [];
  let after: unknown;
  for (;;) {
    const page = await client.ask({ command: "list", ...(after !== undefined && { after }) });
    if (page["status"] !== "files" || !Array.isArray(page["files"])) throw client.nonsense();
    for (const value of page["files"]) {
      const file = describedFile(value);
      if (file === undefined) throw client.nonsense();
      files.push({
        event: "file",
        name: file.name,
        size: file.sizeBytes,
        ...(file.sha256 !== undefined && { sha256: file.sha256 }),
        ...(file.md5 !== undefined && { md5: file.md5 }),
        servers: [client.connection.peer],
      });
    }
    after = page["next"];
    if (after === undefined) return files;
    if (files.length > CATALOGUE_ENTRIES_MAX) throw client.nonsense();
  }
}
