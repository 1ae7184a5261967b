/**
 * A crowd that connects and says nothing, as a program: `tcp_crowd.ts ADDRESS PORT COUNT`. Says
 * `ready` when all are connected,
 * and holds the connections until it is killed.
 */
const [hostname = "", port = "", count = ""] = Deno.args;
const connections: Deno.TcpConn[] = [];
while (connections.length < Number(count)) {
  connections.push(await Deno.connect({ hostname, port: Number(port) }));
}
console.log("ready");
await new Promise((resolve) => setTimeout(resolve, 600_000));
for (const connection of connections) connection.close();
