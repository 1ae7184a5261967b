/**
 * The page's script and style, as the text that is served. They are imported, so that a bundle has them in it; as they are
 * written, so that nothing has to be built.
 */
import activityView from "./assets/activity_view.js" with { type: "text" };
import dom from "./assets/dom.js" with { type: "text" };
import droppedFiles from "./assets/dropped_files.js" with { type: "text" };
import fileIndex from "./assets/file_index.js" with { type: "text" };
import fileList from "./assets/file_list.js" with { type: "text" };
import fileSource from "./assets/file_source.js" with { type: "text" };
import filesView from "./assets/files_view.js" with { type: "text" };
import format from "./assets/format.js" with { type: "text" };
import hashWorker from "./assets/hash_worker.js" with { type: "text" };
import hasher from "./assets/hasher.js" with { type: "text" };
import live from "./assets/live.js" with { type: "text" };
import main from "./assets/main.js" with { type: "text" };
import page from "./assets/page.css" with { type: "text" };
import preview from "./assets/preview.js" with { type: "text" };
import rateMeter from "./assets/rate_meter.js" with { type: "text" };
import rowWindow from "./assets/row_window.js" with { type: "text" };
import searchWorker from "./assets/search_worker.js" with { type: "text" };
import selection from "./assets/selection.js" with { type: "text" };
import sha256 from "./assets/sha256.js" with { type: "text" };
import upload from "./assets/upload.js" with { type: "text" };
import uploadApi from "./assets/upload_api.js" with { type: "text" };
import uploadQueue from "./assets/upload_queue.js" with { type: "text" };
import uploadView from "./assets/upload_view.js" with { type: "text" };

const SCRIPT = "text/javascript; charset=utf-8";
const STYLE = "text/css; charset=utf-8";

/** By file name. */
export const ASSETS: ReadonlyMap<string, { readonly type: string; readonly text: string }> =
  new Map([
    ["activity_view.js", { type: SCRIPT, text: activityView }],
    ["dom.js", { type: SCRIPT, text: dom }],
    ["dropped_files.js", { type: SCRIPT, text: droppedFiles }],
    ["file_index.js", { type: SCRIPT, text: fileIndex }],
    ["file_list.js", { type: SCRIPT, text: fileList }],
    ["file_source.js", { type: SCRIPT, text: fileSource }],
    ["files_view.js", { type: SCRIPT, text: filesView }],
    ["format.js", { type: SCRIPT, text: format }],
    ["hash_worker.js", { type: SCRIPT, text: hashWorker }],
    ["hasher.js", { type: SCRIPT, text: hasher }],
    ["live.js", { type: SCRIPT, text: live }],
    ["main.js", { type: SCRIPT, text: main }],
    ["page.css", { type: STYLE, text: page }],
    ["preview.js", { type: SCRIPT, text: preview }],
    ["rate_meter.js", { type: SCRIPT, text: rateMeter }],
    ["row_window.js", { type: SCRIPT, text: rowWindow }],
    ["search_worker.js", { type: SCRIPT, text: searchWorker }],
    ["selection.js", { type: SCRIPT, text: selection }],
    ["sha256.js", { type: SCRIPT, text: sha256 }],
    ["upload.js", { type: SCRIPT, text: upload }],
    ["upload_api.js", { type: SCRIPT, text: uploadApi }],
    ["upload_queue.js", { type: SCRIPT, text: uploadQueue }],
    ["upload_view.js", { type: SCRIPT, text: uploadView }],
  ]);

/** The scripts that the page itself loads, whoever names them: all but those of its workers. */
export const PAGE_MODULES: readonly string[] = [...modulesOf("main.js")];

function modulesOf(entry: string): ReadonlySet<string> {
  const found = new Set([entry]);
  for (const name of found) {
    const imports = ASSETS.get(name)?.text.matchAll(/^(?:import|}).* from "\.\/(.+)";$/gm) ?? [];
    for (const [, imported] of imports) found.add(imported!);
  }
  return found;
}
