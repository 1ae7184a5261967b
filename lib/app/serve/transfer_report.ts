/** Tells of transfers: what each of the server's workers has sent becomes what people and programs hear of. */
import { endpointText, partyOf } from "../../address.ts";
import type { Clock, Wakeup } from "../../io/system/clock.ts";
import type { ContentRef } from "../../protocol/base/served_file.ts";
import type { PackJob } from "../../protocol/serve/packs.ts";
import type { SentShare } from "../../protocol/serve/sent_tally.ts";
import { TransferLog, type TransferLogNews as News } from "../../protocol/serve/transfer_log.ts";
import type { ServedIndex } from "../index/served_index.ts";
import type { OfferedTo } from "../offering.ts";
import type { TransferEvent } from "../events.ts";

interface TransferReportOptions {
  readonly clock: Clock;
  readonly index: Pick<ServedIndex, "located" | "catalogue">;
  /** The range of which this is the pack. */
  readonly packedRange: (pack: ContentRef) => PackJob | undefined;
  readonly emit: (event: TransferEvent) => void;
}

/** A part of a file that was read for somebody. */
export interface ReadPart {
  readonly to: OfferedTo;
  readonly name: string;
  /** Of the whole file. */
  readonly sizeBytes: number;
  /** Of what was read. */
  readonly bytes: number;
  /** Whether this is where the file begins. */
  readonly begins: boolean;
}

/** What something is called, of which bytes were sent. */
interface Named {
  readonly name: string;
  readonly isFolder: boolean;
  /** Files in it, of a bundle. */
  readonly files: number;
}

export class TransferReport {
  readonly #options: TransferReportOptions;
  readonly #log = new TransferLog();
  readonly #timer: Wakeup;

  constructor(options: TransferReportOptions) {
    this.#options = options;
    this.#timer = options.clock.timer(() => this.#tell(this.#log.wake(options.clock.nowMs())));
  }

  onSent(shares: readonly SentShare[]): void {
    for (const share of shares) this.#onShare(share);
  }

  /** Somebody is sent something in this thread. */
  onRead({ to, name, sizeBytes, bytes, begins }: ReadPart): void {
    const news = this.#log.onSent(this.#options.clock.nowMs(), {
      ...{ party: partyOf(to.address), client: endpointText(to), sizeBytes, bytes, begins },
      ...{ name: to.folder ?? name, isFolder: to.folder !== undefined },
      ...{ files: begins ? 1 : 0, firstAgoMs: 0, lastAgoMs: 0 },
    });
    this.#tell(news);
  }

  close(): void {
    this.#tell(this.#log.close());
    this.#timer.clear();
  }

  #onShare({ to, root, sizeBytes, newBytes, begins, firstAgoMs, lastAgoMs }: SentShare): void {
    const packed = this.#options.packedRange({ root, sizeBytes });
    const content = packed?.content ?? { root, sizeBytes };
    // A pack stands for as many bytes as it unpacks to.
    const share = packed === undefined ? 1 : packed.lengthBytes / sizeBytes;
    const named = this.#named(content);
    // The listing of a folder alone is nothing that comes.
    if (named === undefined || named.files === 0) return;
    const news = this.#log.onSent(this.#options.clock.nowMs(), {
      ...{ party: partyOf(to.address), client: endpointText(to) },
      ...{ name: named.name, isFolder: named.isFolder, sizeBytes: content.sizeBytes },
      ...{ bytes: newBytes * share, files: begins && packed === undefined ? named.files : 0 },
      ...{ begins: begins && packed === undefined, firstAgoMs, lastAgoMs },
    });
    this.#tell(news);
  }

  #named({ root, sizeBytes }: ContentRef): Named | undefined {
    const { index } = this.#options;
    const file = index.located(root, sizeBytes);
    if (file === undefined) return undefined;
    const { name, place } = file;
    if (place.kind === "bundle") return { name, isFolder: true, files: place.files.count };
    // The listing of a folder is in memory, and is no file.
    const isFolder = place.kind === "memory" && index.catalogue.find(name) === undefined;
    return { name, isFolder, files: isFolder ? 0 : 1 };
  }

  #tell(news: readonly News[]): void {
    for (const each of news) this.#options.emit(eventOf(each));
    this.#timer.set(this.#log.nextWakeupMs);
  }
}

const STATES = { started: "started", moved: "moving", ended: "ended" } as const;

function eventOf(news: News): TransferEvent {
  const { id, client, name, kind, sizeBytes, bytes, files, rateBytesPerS, seconds } = news.transfer;
  const omitted = news.kind === "started" ? news.omitted : 0;
  return {
    event: "transfer",
    ...{ state: STATES[news.kind], id, client, what: kind, name },
    ...(sizeBytes !== undefined && { size: sizeBytes }),
    ...{ bytes: Math.round(bytes), files, rate: rateBytesPerS, seconds, omitted },
  };
}
