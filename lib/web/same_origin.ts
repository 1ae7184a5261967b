/** Whether a request was made by our own page, and not by another that a browser has open. */
import type { HttpRequest } from "../io/net/http_message.ts";
import { HttpProblem } from "./responses.ts";

/** Throws {@linkcode HttpProblem} 403. Programs that are no browsers say neither, and are not fooled by a page. */
export function requireSameOrigin({ head }: HttpRequest): void {
  const site = head.fields.get("sec-fetch-site");
  const isFromHere = site === undefined || site === "same-origin" || site === "none";
  const origin = head.fields.get("origin");
  const isOurs = origin === undefined ||
    origin.toLowerCase() === `http://${head.fields.get("host")?.toLowerCase()}`;
  if (!isFromHere || !isOurs) throw new HttpProblem(403, "only our own page may ask for this");
}
