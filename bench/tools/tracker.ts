/**
 * The least a BitTorrent tracker can be: whoever asks is told of the peers that it was started with, and of those that have
 * asked before and did not say farewell. `PORT IP:PORT…`
 */
import { trackerAnswer } from "./torrent.ts";

const [port, ...seeders] = Deno.args;
const others = new Set<string>();
Deno.serve({ hostname: "0.0.0.0", port: Number(port), onListen: () => {} }, (request, info) => {
  const query = new URL(request.url).searchParams;
  const asking = `${info.remoteAddr.hostname}:${query.get("port")}`;
  const known = [...seeders, ...others].filter((peer) => peer !== asking);
  if (query.get("event") === "stopped") others.delete(asking);
  else if (!seeders.includes(asking)) others.add(asking);
  return new Response(new Uint8Array(trackerAnswer(known)));
});
