import { assertEquals } from "@std/assert";
import { PACK_REST_DOUBLINGS_MAX, PACK_REST_MS } from "../../../lib/protocol/download/limits.ts";
import { PackJudge } from "../../../lib/protocol/download/pack_judge.ts";

const STEP_MS = 10;

class Scene {
  nowMs = 0;
  readonly judge = new PackJudge();

  /** For so long, so much is brought every ten milliseconds. */
  bring(ms: number, bytes: number, isPacked: boolean): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs;) {
      this.nowMs += STEP_MS;
      if (isPacked && !this.isResting) this.judge.begin(this.nowMs);
      this.judge.onBrought(this.nowMs, bytes, isPacked);
    }
  }

  get isResting(): boolean {
    return this.judge.isResting(this.nowMs);
  }
}

Deno.test("packs that bring more are not judged again and again by chance", () => {
  const scene = new Scene();
  scene.bring(300, 1_000, false);
  scene.bring(10_000, 2_000, true);
  assertEquals(scene.isResting, false);
});

Deno.test("packs that bring no more than came without them rest, longer each time", () => {
  const scene = new Scene();
  const rests: number[] = [];
  for (let i = 0; i < PACK_REST_DOUBLINGS_MAX + 2; i++) {
    scene.bring(300, 1_000, false);
    while (!scene.isResting) scene.bring(STEP_MS, 1_050, true);
    const fromMs = scene.nowMs;
    // What was asked for before still comes.
    scene.bring(100, 1_050, true);
    while (scene.isResting) scene.bring(STEP_MS, 1_000, false);
    rests.push(Math.round((scene.nowMs - fromMs) / PACK_REST_MS));
  }
  assertEquals(rests, [1, 2, 4, 8, 16, 16]);
});

Deno.test("what begins to pay ends that, and what ceases to pay rests", () => {
  const scene = new Scene();
  scene.bring(300, 1_000, false);
  scene.bring(2_000, 3_000, true);
  assertEquals(scene.isResting, false);
  scene.bring(1_500, 900, true);
  assertEquals(scene.isResting, true);
});

Deno.test("without a measurement of what comes without packs there is no beginning", () => {
  const scene = new Scene();
  scene.bring(50, 1_000, false);
  assertEquals(scene.judge.begin(scene.nowMs), false);
  scene.bring(100, 1_000, false);
  assertEquals(scene.judge.begin(scene.nowMs), true);
});

Deno.test("time without anything to do is nobody's fault", () => {
  const scene = new Scene();
  scene.bring(300, 1_000, false);
  scene.bring(600, 2_000, true);
  for (let i = 0; i < 5; i++) {
    scene.judge.pause();
    scene.nowMs += 2_000;
    scene.bring(600, 2_000, true);
  }
  assertEquals(scene.isResting, false);
});
