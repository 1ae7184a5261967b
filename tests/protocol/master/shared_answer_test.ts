import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/protocol/base/random.ts";
import {
  LOCATED_CONTENTS_MAX,
  LOCATED_PER_PARTY_MAX,
  LOCATED_SERVERS_MAX,
} from "../../../lib/protocol/master/limits.ts";
import { type ProvidedFile, sharedAnswer } from "../../../lib/protocol/master/shared_answer.ts";
import { fileOf, providerOf } from "../../support/registry.ts";

function at(address: string, port: number, content: number): ProvidedFile {
  const provider = { ...providerOf(1), endpoint: { address, port } };
  return { file: fileOf("f", content), provider };
}

Deno.test("whatever addresses register, each has its places and all bounds hold", () => {
  const random = new Random(3);
  for (let round = 0; round < 200; round++) {
    const provided = Array.from(
      { length: random.below(600) },
      () => at(`10.0.0.${random.below(80)}`, 1 + random.below(20), random.below(200)),
    );
    const files = sharedAnswer(provided, random);
    assert(files.length <= LOCATED_CONTENTS_MAX);
    const places = new Map<string, number>();
    for (const { servers } of files) {
      assert(servers.length > 0 && servers.length <= LOCATED_SERVERS_MAX);
      for (const { endpoint } of servers) {
        places.set(endpoint.address, (places.get(endpoint.address) ?? 0) + 1);
      }
    }
    for (const each of places.values()) assert(each <= LOCATED_PER_PARTY_MAX);
  }
});

Deno.test("every address has a place before any has a second one", () => {
  const many = Array.from({ length: 500 }, (_, i) => at("10.0.0.1", 1 + i, i));
  const others = Array.from(
    { length: LOCATED_CONTENTS_MAX - 1 },
    (_, i) => at(`10.1.0.${i}`, 1, 1_000 + i),
  );
  const files = sharedAnswer([...many, ...others], new Random(1));
  const addresses = files.flatMap(({ servers }) => servers.map(({ endpoint }) => endpoint.address));
  assertEquals(new Set(addresses).size, LOCATED_CONTENTS_MAX);
  assertEquals(addresses.length, LOCATED_CONTENTS_MAX);
});

Deno.test("who is told of differs from time to time, where there are more than places", () => {
  const many = Array.from({ length: 200 }, (_, i) => at(`10.0.1.${i}`, 1, 7));
  const random = new Random(1);
  const told = new Set<string>();
  for (let i = 0; i < 60; i++) {
    const [file] = sharedAnswer(many, random);
    for (const { endpoint } of file!.servers) told.add(endpoint.address);
  }
  assertEquals(told.size, 200);
});
