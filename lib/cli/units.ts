/** Numbers as people write and read them: rates, durations, sizes. Decimal units, as networks count. */
import { sizeText } from "../sizes.ts";

/** `112 MB/s`. */
export function rateText(bytesPerS: number): string {
  return `${sizeText(bytesPerS)}/s`;
}

/** `0.31 s`, `12.3 s`, `4:05`, `1:02:03`. */
export function durationText(seconds: number): string {
  if (seconds < 9.995) return `${seconds.toFixed(2)} s`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  return clockText(seconds);
}

/** `0:31`, `4:05`, `1:02:03`: the same width from one second to the next. */
export function clockText(seconds: number): string {
  const whole = Math.round(seconds);
  const pad = (value: number): string => String(value).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours > 0
    ? `${hours}:${pad(minutes)}:${pad(whole % 60)}`
    : `${minutes}:${pad(whole % 60)}`;
}

/** `0:31`; `--:--` for what nobody can say. */
export function etaText(seconds: number | undefined): string {
  return seconds === undefined ? "--:--" : clockText(seconds);
}

/** `1 file`, `2 files`. */
export function countText(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}

/** `4MB`: a whole size as it would be typed. */
export function sizeFlag(bytes: number): string {
  return sizeText(bytes).replace(/\.0(?= )/, "").replace(" ", "");
}

const POWERS: Readonly<Record<string, number>> = {
  "": 1,
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  ki: 2 ** 10,
  mi: 2 ** 20,
  gi: 2 ** 30,
  ti: 2 ** 40,
};
const QUANTITY = /^(\d{1,15}(?:\.\d+)?) ?([kmgt]i?)?(bit|b)?(\/s|ps)?$/i;

/**
 * Bytes per second, at least one, of `80mbit`, `10MB`, `1.5 MiB/s`. Without a unit nobody can tell
 * bits from bytes, so that is `undefined`, as is zero.
 */
export function parseRate(text: string): number | undefined {
  const [matched, number = "", power = "", unit] = QUANTITY.exec(text) ?? [];
  if (matched === undefined || unit === undefined) return undefined;
  const perByte = unit.toLowerCase() === "bit" ? 8 : 1;
  const bytes = Math.floor(Number(number) * (POWERS[power.toLowerCase()] ?? 1) / perByte);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** Bytes of `4MiB`, `10 kB`, `512`. */
export function parseSize(text: string): number | undefined {
  const [matched, number = "", power = "", unit, perTime] = QUANTITY.exec(text) ?? [];
  if (matched === undefined || perTime !== undefined || unit?.toLowerCase() === "bit") {
    return undefined;
  }
  const bytes = Math.floor(Number(number) * (POWERS[power.toLowerCase()] ?? 1));
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
