/** The least a BitTorrent tracker can be: to whoever asks, it names the same peers. `PORT IP:PORT…` */
import { trackerAnswer } from "./torrent.ts";

const [port, ...peers] = Deno.args;
const answer = new Uint8Array(trackerAnswer(peers));
Deno.serve({ hostname: "0.0.0.0", port: Number(port), onListen: () => {} }, () => {
  return new Response(answer);
});
