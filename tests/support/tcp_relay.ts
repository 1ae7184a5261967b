/**
 * Carries bytes between its stdin and stdout and a TCP port, until that ends the connection: run on a
 * host of a lab, it lets a test speak from there.
 */
const [hostname = "", port = ""] = Deno.args;
const connection = await Deno.connect({ hostname, port: Number(port) });
// Whoever started it ends it; what it is given until then goes on.
Deno.stdin.readable.pipeTo(connection.writable).catch(() => {});
await connection.readable.pipeTo(Deno.stdout.writable).catch(() => {});
Deno.exit();
