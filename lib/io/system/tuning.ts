/** Whether the user has switched off what needs FFI: `SHOAL_TUNE=off`. */

/** False where the variable may not be read. */
export function isTuningOff(): boolean {
  const { state } = Deno.permissions.querySync({ name: "env", variable: "SHOAL_TUNE" });
  return state === "granted" && Deno.env.get("SHOAL_TUNE") === "off";
}
