/** Node's calls for files, loaded when one is needed: threads that do without start sooner. */
type NodeFs = typeof import("node:fs");

let loaded: NodeFs | undefined;

export function nodeFs(): NodeFs {
  return loaded ??= process.getBuiltinModule("node:fs");
}
