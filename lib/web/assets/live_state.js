/** What the server tells as it happens: the whole first, then what has changed. */

/**
 * @typedef {object} Transfer
 * @property {number} id
 * @property {"moving" | "ended"} state
 * @property {string} client
 * @property {"file" | "folder" | "files"} what
 * @property {string} name
 * @property {number} [size] Bytes, of a file.
 * @property {number} bytes
 * @property {number} files
 * @property {number} rate Bytes per second.
 * @property {number} seconds
 *
 * @typedef {object} Lane A server of a download.
 * @property {string} server
 * @property {string} state
 * @property {number} rate Bytes per second.
 * @property {number} bytes
 * @property {number} lost Segments.
 * @property {number} retransmits Segments.
 * @property {number} badChunks
 *
 * @typedef {[first: number, count: number, lane: number]} Run Chunks of one lane; −1 for what an earlier run left.
 *
 * @typedef {object} Download
 * @property {string} name
 * @property {"waiting" | "moving" | "done" | "failed"} state
 * @property {string} [message]
 * @property {number} [size]
 * @property {number} bytes
 * @property {number} rate Bytes per second.
 * @property {number} [secondsLeft]
 * @property {number} [chunks]
 * @property {number} [chunkBytes]
 * @property {string} [sha256]
 * @property {Lane[]} servers
 * @property {Run[]} runs
 *
 * @typedef {object} Registered A server that a master lists.
 * @property {string} server
 * @property {string} id
 * @property {number} files
 * @property {number} leaseSecondsLeft
 *
 * @typedef {object} LiveState
 * @property {"server" | "get" | "master"} role
 * @property {string} [revision]
 * @property {number} [files]
 * @property {{ filesLeft: number, bytesLeft: number, rate: number, secondsLeft?: number } | null} [indexing]
 * @property {Transfer[]} [transfers]
 * @property {{ name: string, client: string, size: number, sha256: string }[]} [uploaded]
 * @property {Download[]} [downloads]
 * @property {Registered[]} [servers]
 * @property {number} [serversTotal]
 * @property {number} [filesTotal]
 */

/**
 * The state after an update: each field replaces the one before, but of downloads the runs are added.
 * @param {LiveState} state
 * @param {Partial<LiveState>} update
 * @returns {LiveState}
 */
export function updated(state, update) {
  const next = { ...state, ...update };
  if (update.downloads !== undefined) {
    const before = new Map((state.downloads ?? []).map((download) => [download.name, download]));
    next.downloads = update.downloads.map((download) => {
      const runs = before.get(download.name)?.runs ?? [];
      return { ...download, runs: joined([...runs, ...download.runs]) };
    });
  }
  return next;
}

/**
 * Runs that follow each other become one, so that their number is that of changes of source.
 * @param {readonly Run[]} runs
 */
function joined(runs) {
  const sorted = [...runs].sort(([a], [b]) => a - b);
  /** @type {Run[]} */
  const all = [];
  for (const [first, count, lane] of sorted) {
    const last = all.at(-1);
    if (last !== undefined && last[2] === lane && last[0] + last[1] === first) last[1] += count;
    else all.push([first, count, lane]);
  }
  return all;
}
