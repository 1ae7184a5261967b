/** A look at the first listing, while others are waited for, counts if it stays the only one. */
import { assert, assertEquals } from "@std/assert";
import { LookAhead, type LookedFolder } from "../../../lib/app/client/folder_look.ts";
import type { ReadManifest } from "../../../lib/app/client/read_manifests.ts";

const manifest = (): ReadManifest => ({ entries: [], offers: [] }) as unknown as ReadManifest;

/** What was looked at, and what ended it. */
class Looks {
  readonly at: ReadManifest[] = [];
  signal: AbortSignal | undefined;

  readonly look = (
    manifests: readonly ReadManifest[],
    signal: AbortSignal,
  ): Promise<LookedFolder> => {
    this.at.push(...manifests);
    this.signal = signal;
    return Promise.resolve({ manifests } as LookedFolder);
  };
}

Deno.test("what was found by the first listing counts where it is alone, whoever offers it by then", async () => {
  const looks = new Looks();
  const first = manifest();
  const ahead = new LookAhead(Promise.resolve(first), looks.look);
  await Promise.resolve();
  const found = await ahead.of([{ ...first, offers: [] }]);
  assertEquals(found?.manifests, [first]);
  assertEquals([looks.at.length, looks.signal?.aborted], [1, false]);
});

Deno.test("the look ends where there is another listing beside it, or in its place", async () => {
  for (const others of [(first: ReadManifest) => [first, manifest()], () => [manifest()]]) {
    const looks = new Looks();
    const first = manifest();
    const ahead = new LookAhead(Promise.resolve(first), looks.look);
    await Promise.resolve();
    assertEquals(await ahead.of(others(first)), undefined);
    assert(looks.signal?.aborted, "it goes on");
  }
});

Deno.test("where no listing was good before all were gathered, nothing was looked at", async () => {
  const looks = new Looks();
  const ahead = new LookAhead(Promise.resolve(undefined), looks.look);
  assertEquals(await ahead.of([manifest()]), undefined);
  assertEquals(looks.at, []);
});

Deno.test("a look that fails is told to whoever wants what it found", async () => {
  const first = manifest();
  const ahead = new LookAhead(
    Promise.resolve(first),
    () => Promise.reject(new Error("no such disk")),
  );
  await Promise.resolve();
  const failure = await ahead.of([first]).catch((error: Error) => error.message);
  assertEquals(failure, "no such disk");
});
