/** Worlds in which something was wrong once: kept as they are, whatever becomes of the generator. */
import type { Scenario } from "./scenario.ts";

export interface SeedFixture {
  readonly file: string;
  /** What it found, in one sentence. */
  readonly found: string;
  readonly scenario: Scenario;
}

const FOLDER = new URL("../../fixtures/seeds/", import.meta.url);

export function seedFixtures(): SeedFixture[] {
  const names = [...Deno.readDirSync(FOLDER)].map(({ name }) => name);
  return names.filter((name) => name.endsWith(".json")).sort().map((file) => ({
    file,
    ...JSON.parse(Deno.readTextFileSync(new URL(file, FOLDER))),
  }));
}
