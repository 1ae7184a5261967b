import { assertEquals, assertGreater } from "@std/assert";
import { denoSubnets } from "../../../lib/io/net/deno_network.ts";

Deno.test("while the interfaces cannot be read, the subnets are those of before", () => {
  const before = denoSubnets();
  assertGreater(before.length, 0);
  const { networkInterfaces } = Deno;
  const fail = (): never => {
    throw new Error("Too many open files (os error 24)");
  };
  Object.assign(Deno, { networkInterfaces: fail });
  try {
    assertEquals(denoSubnets(), before);
    Object.assign(Deno, { networkInterfaces: () => [] });
    assertEquals(denoSubnets(), [], "what can be read again is read");
    Object.assign(Deno, { networkInterfaces: fail });
    assertEquals(denoSubnets(), []);
  } finally {
    Object.assign(Deno, { networkInterfaces });
  }
});
