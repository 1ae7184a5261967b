/** What Deno allows this program, asked in a way that never prompts. */

export function isGranted(descriptor: Deno.PermissionDescriptor): boolean {
  return Deno.permissions.querySync(descriptor).state === "granted";
}

/** Without exception: what `--deny-read=PATH` takes away, only Deno's own calls heed. */
export function isGrantedWhole(descriptor: Deno.PermissionDescriptor): boolean {
  const { state, partial } = Deno.permissions.querySync(descriptor);
  return state === "granted" && !partial;
}
