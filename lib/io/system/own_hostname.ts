/** What this machine is called, where that may be known. */

/** Asking for a permission must not prompt. */
export function ownHostname(): string | undefined {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "hostname" });
  return state === "granted" ? Deno.hostname() : undefined;
}
