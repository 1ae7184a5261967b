/** What the page is made of, by the names under which it is served. */
import style from "./assets/page.css" with { type: "text" };

interface Asset {
  readonly type: string;
  readonly text: string;
}

export const ASSETS: ReadonlyMap<string, Asset> = new Map([
  ["page.css", { type: "text/css; charset=utf-8", text: style }],
]);
