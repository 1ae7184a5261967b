/** The files of what was dropped or chosen, those in folders with the way to them. */

/** As many files as one drop may have. */
const FILES_MAX = 100_000;

/** @typedef {{ name: string, file: File }} Named A file, and what it is called from the folder it was dropped on. */

/**
 * @param {DataTransfer} transfer
 * @returns {Promise<Named[]>}
 */
export async function droppedFiles(transfer) {
  // The items are gone once this turn of the event loop is over.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const plain = [...transfer.files];
  if (entries.every((entry) => entry === null)) return chosenFiles(plain);
  /** @type {Named[]} */
  const found = [];
  /** @type {(FileSystemEntry | null)[]} */
  const left = entries.reverse();
  for (let entry = left.pop(); entry !== undefined; entry = left.pop()) {
    if (entry === null) continue;
    if (entry.isDirectory) {
      const folder = /** @type {FileSystemDirectoryEntry} */ (entry);
      left.push(...(await entriesOf(folder)).reverse());
    } else {
      if (found.length >= FILES_MAX) throw new Error(`These are more than ${FILES_MAX} files.`);
      const file = await fileOf(/** @type {FileSystemFileEntry} */ (entry));
      found.push({ name: entry.fullPath.replace(/^\/+/, ""), file });
    }
  }
  return found;
}

/**
 * @param {readonly File[]} files
 * @returns {Named[]}
 */
export function chosenFiles(files) {
  if (files.length > FILES_MAX) throw new Error(`These are more than ${FILES_MAX} files.`);
  return files.map((file) => ({ name: file.webkitRelativePath || file.name, file }));
}

/** @param {FileSystemDirectoryEntry} folder @returns {Promise<FileSystemEntry[]>} */
async function entriesOf(folder) {
  const reader = folder.createReader();
  /** @type {FileSystemEntry[]} */
  const all = [];
  // Each read gives some of them, and the last one none.
  for (;;) {
    const some = await /** @type {Promise<FileSystemEntry[]>} */ (
      new Promise((resolve, reject) => reader.readEntries(resolve, reject))
    );
    if (some.length === 0) return all;
    all.push(...some);
  }
}

/** @param {FileSystemFileEntry} entry @returns {Promise<File>} */
function fileOf(entry) {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}
