/** Which interfaces the user means, by their names. */
import type { InterfaceChoice } from "../../messages/transport_config.ts";

export const ALL_INTERFACES: InterfaceChoice = { only: [], except: [] };

/** One without a name is meant where none were named. */
export function isChosen(name: string | undefined, { only, except }: InterfaceChoice): boolean {
  if (name === undefined) return only.length === 0;
  return !except.includes(name) && (only.length === 0 || only.includes(name));
}
