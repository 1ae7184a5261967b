import { assertEquals } from "@std/assert";
import { Bitmap } from "../../../lib/protocol/base/bitmap.ts";
import { Random } from "../../../lib/protocol/base/random.ts";

Deno.test("the first bit that is set in both is found, wherever the words end", () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = new Random(seed);
    const length = random.below(150);
    const [a, b] = [new Bitmap(length), new Bitmap(length)];
    const share = random.chance(0.5) ? 0.03 : 0.5;
    for (let i = 0; i < length; i++) {
      if (random.chance(share)) a.set(i);
      if (random.chance(share)) b.set(i);
    }
    for (let from = 0; from <= length + 1; from++) {
      const first = (isSet: (index: number) => boolean): number | undefined => {
        for (let i = from; i < length; i++) if (isSet(i)) return i;
        return undefined;
      };
      assertEquals(a.firstSet(from), first((i) => a.has(i)), `seed ${seed} from ${from}`);
      assertEquals(a.firstSet(from, b), first((i) => a.has(i) && b.has(i)));
    }
  }
});

Deno.test("what another bitmap is too short to say, it does not have", () => {
  const [long, short] = [new Bitmap(100), new Bitmap(10)];
  long.set(9);
  long.set(90);
  assertEquals(long.firstSet(0, short), undefined);
  short.set(9);
  assertEquals(long.firstSet(0, short), 9);
  assertEquals(long.firstSet(10, short), undefined);
});
