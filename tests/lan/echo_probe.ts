/**
 * A program that echoes datagrams, or, given an address, sends some to one that does: `ADDRESS COUNT BYTES`. It
 * says as JSON what came back.
 */
const PORT = 7_007;
const PATIENCE_MS = 1_500;
const [hostname, count = "0", bytes = "0"] = Deno.args;
const socket = Deno.listenDatagram({
  transport: "udp",
  hostname: "0.0.0.0",
  port: hostname === undefined ? PORT : 0,
});

if (hostname === undefined) {
  console.log("ready");
  for await (const [datagram, from] of socket) await socket.send(datagram, from);
} else {
  const came: number[] = [];
  const rttsMs: number[] = [];
  const hearing = (async () => {
    for await (const [datagram] of socket) {
      const view = new DataView(datagram.buffer, datagram.byteOffset);
      came.push(view.getUint32(0));
      rttsMs.push(performance.now() - view.getFloat64(4));
    }
  })();
  for (let number = 0; number < Number(count); number++) {
    const datagram = new Uint8Array(Number(bytes));
    const view = new DataView(datagram.buffer);
    view.setUint32(0, number);
    view.setFloat64(4, performance.now());
    await socket.send(datagram, { transport: "udp", hostname, port: PORT });
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
  socket.close();
  await hearing.catch(() => {});
  console.log(JSON.stringify({ came, rttsMs }));
}
