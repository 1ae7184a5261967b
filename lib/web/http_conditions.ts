/** What of a file is to be sent, by the conditions and the range of a request (RFC 9110, 13 and 14). Pure. */
import type { OfferedFile, OfferedRange } from "../app/offering.ts";

type Selected =
  | { readonly status: 200 | 206; readonly range: OfferedRange }
  | { readonly status: 304 }
  | { readonly status: 416 };

/** What a file is told apart by; `etag` is absent while its content is not known. */
interface Validators {
  readonly etag: string | undefined;
  readonly lastModified: string;
}

export function validatorsOf({ sha256, modifiedMs }: OfferedFile): Validators {
  return {
    etag: sha256 === undefined ? undefined : `"${sha256}"`,
    lastModified: httpDate(modifiedMs),
  };
}

export function selected(
  fields: ReadonlyMap<string, string>,
  sizeBytes: number,
  validators: Validators,
): Selected {
  if (isKnownAlready(fields, validators)) return { status: 304 };
  const whole = { status: 200, range: { offset: 0, lengthBytes: sizeBytes } } as const;
  const wanted = fields.get("range");
  // A date has whole seconds, in one of which a file may change twice: only what names the content holds a part to the rest.
  const isSameStill = [undefined, validators.etag].includes(fields.get("if-range"));
  if (wanted === undefined || !isSameStill) return whole;
  const range = rangeIn(wanted, sizeBytes);
  if (range === undefined) return whole;
  return range === "outside" ? { status: 416 } : { status: 206, range };
}

function isKnownAlready(fields: ReadonlyMap<string, string>, validators: Validators): boolean {
  const { etag, lastModified } = validators;
  const known = fields.get("if-none-match");
  if (known === undefined) return fields.get("if-modified-since") === lastModified;
  if (known.trim() === "*") return true;
  return etag !== undefined &&
    known.split(",").some((each) => each.trim().replace(/^W\//, "") === etag);
}

/** The one range that is asked for; `undefined` for several, or none that is understood: then the whole is sent. */
function rangeIn(text: string, sizeBytes: number): OfferedRange | "outside" | undefined {
  const [, first = "", last = ""] = /^bytes=[ \t]*(\d{0,16})-(\d{0,16})[ \t]*$/.exec(text) ?? [];
  if (first === "" && last === "") return undefined;
  if (first === "") {
    const lengthBytes = Math.min(Number(last), sizeBytes);
    return lengthBytes === 0 ? "outside" : { offset: sizeBytes - lengthBytes, lengthBytes };
  }
  const offset = Number(first);
  const end = last === "" ? sizeBytes - 1 : Math.min(Number(last), sizeBytes - 1);
  if (last !== "" && Number(last) < offset) return undefined;
  return offset >= sizeBytes ? "outside" : { offset, lengthBytes: end - offset + 1 };
}

const DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS = [
  ...["Jan", "Feb", "Mar", "Apr", "May", "Jun"],
  ...["Jul", "Aug", "Sep", "Oct", "Nov", "Dec"],
];

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
function httpDate(ms: number): string {
  const at = Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO("UTC");
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${DAYS[at.dayOfWeek - 1]}, ${two(at.day)} ${MONTHS[at.month - 1]}`;
  const year = String(at.year).padStart(4, "0");
  return `${day} ${year} ${[at.hour, at.minute, at.second].map(two).join(":")} GMT`;
}
