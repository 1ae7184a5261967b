/** Sizes as people read them. */

const SIZE_UNITS = ["B", "kB", "MB", "GB", "TB"] as const;

/** `4.2 MB`, in decimal units, as networks count; three digits at most, so that columns line up. */
export function sizeText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would be shown as 1000.
  while (value >= 999.5 && unit < SIZE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : 1;
  return `${value.toFixed(digits)} ${SIZE_UNITS[unit]}`;
}
