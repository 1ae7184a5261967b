import { assertEquals } from "@std/assert";
import { findTargets } from "../../../lib/protocol/discovery/find_targets.ts";
import { GUESSED_ROUNDS } from "../../../lib/protocol/discovery/limits.ts";

const [HOST, OTHER, BROADCAST] = ["10.0.0.1", "10.0.0.2", "10.0.0.255"];
const at = (address: string, port: number) => ({ address, port });
const TARGETS = {
  likely: [at(HOST, 10_526), at(OTHER, 10_526)],
  possible: [at(HOST, 10_530), at(HOST, 10_531), at(OTHER, 10_530)],
};

/** `ADDRESS:PORT FORM` of all that are asked in a round. */
function asked(
  round: number,
  heard: readonly { address: string; port: number }[],
  targets = TARGETS,
  isSeeking = true,
) {
  const isHeardAt = (address: string) => heard.some((each) => each.address === address);
  const isProvedAt = ({ address, port }: { address: string; port: number }) =>
    heard.some((each) => each.address === address && each.port === port);
  return [...findTargets(round, targets, { isHeardAt, isProvedAt, isSeeking })]
    .map(({ to, form }) => `${to.address}:${to.port} ${form}`);
}

Deno.test("at first every port of named hosts is asked, in full only where a server is to be expected", () => {
  assertEquals(asked(0, []), [
    "10.0.0.1:10526 full",
    "10.0.0.2:10526 full",
    "10.0.0.1:10530 brief",
    "10.0.0.1:10531 brief",
    "10.0.0.2:10530 brief",
  ]);
});

Deno.test("where somebody has answered, soon only he and whoever is started later are asked, briefly", () => {
  const later = asked(GUESSED_ROUNDS + 1, [at(HOST, 10_531)]);
  assertEquals(later, [
    "10.0.0.1:10526 brief",
    "10.0.0.2:10526 full",
    "10.0.0.1:10531 brief",
    "10.0.0.2:10530 brief",
  ]);
});

Deno.test("while what was found is fetched, others are looked for briefly", () => {
  const targets = { likely: [at(BROADCAST, 10_526)], possible: [] };
  const rounds = [0, 1, 2, 3, 4, 5].map((round) => asked(round, [], targets, false));
  const forms = rounds.map((each) => each.map((one) => one.split(" ")[1]).join(" and "));
  assertEquals(forms, ["full", "full and brief", "brief", "brief", "brief", "brief"]);
});

Deno.test("a broadcast is brief at times, for those whom longer ones do not reach", () => {
  const targets = { likely: [at(BROADCAST, 10_526)], possible: [] };
  const rounds = [0, 1, 2, 3, 4].map((round) => asked(round, [at(HOST, 10_530)], targets));
  const forms = rounds.map((each) => each.map((one) => one.split(" ")[1]).join(" and "));
  assertEquals(forms, ["full", "full and brief", "brief", "full", "brief"]);
});
